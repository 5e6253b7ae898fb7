//! Every SDK, by IPv4 and by IPv6; associations that change and go.

use anyhow::{Context, Result, ensure};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{ACCOUNT, calls, calls_with, client, install, pod, rolled_out, values};
use crate::harness::cluster::Skipped;
use crate::harness::own_associations::associations;
use crate::harness::release::REGION;
use crate::harness::{Test, command, until, workload};

const UNKNOWN: &str = "arn:aws:iam::111122223333:role/e2e-nobodys";
const TARGET: &str = "arn:aws:iam::444455556666:role/e2e-target";

/// The clients; where an image is missing, its client is left out, but not all of them.
const SDKS: [&str; 4] = ["boto3", "rust", "go", "js"];

pub async fn sdks_get_credentials_of_the_associated_role_from_the_nodes_agent(test: Test) -> Result<()> {
    let following = install(&test).await?;
    let api = associations(&test.client, &test.namespace);
    every_sdk_has_the_role(&test, "by-ipv4").await?;
    following.upgrade(&test, &values(&test, json!({"ipFamily": "ipv6"})).await?).await?;
    rolled_out(&test, &following).await?;
    by_ipv6(&test).await?;

    let change = Patch::Merge(json!({"spec": {"targetRoleArn": TARGET}}));
    api.patch(ACCOUNT, &PatchParams::default(), &change).await?;
    let line = client(&test, "chained", "rust").await?;
    ensure!(line["account"] == "444455556666", "{line}");
    the_second_session_is_tagged(&test).await?;

    let change = Patch::Merge(json!({"spec": {"roleArn": UNKNOWN, "targetRoleArn": null}}));
    api.patch(ACCOUNT, &PatchParams::default(), &change).await?;
    let line = client(&test, "unknown", "rust").await?;
    ensure!(line["ok"] == false && line["error"] != Value::Null, "{line}");

    // A pod that stays: it was made with its identity, and asks after the association is gone.
    test.create(staying(&test, "staying")?).await?;
    until("the pod has its credentials' address", async || {
        Ok(asked(&test).await.is_ok_and(|answer| answer.contains("AccessDenied")).then_some(()))
    })
    .await?;
    api.delete(ACCOUNT, &DeleteParams::default()).await?;
    let gone = "404 (ResourceNotFoundException): No association of ServiceAccount";
    until("the association is gone", async || {
        Ok(asked(&test).await.is_ok_and(|answer| answer.contains(gone)).then_some(()))
    })
    .await?;
    following.end().await
}

/// The same where the pods have IPv6 addresses.
async fn by_ipv6(test: &Test) -> Result<()> {
    let pod = test.create(staying(test, "addressed")?).await?;
    let env = &serde_json::to_value(&pod)?["spec"]["containers"][0]["env"];
    let uri = json!({"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://[fd00:ec2::23]/v1/credentials"});
    ensure!(env.as_array().is_some_and(|env| env.contains(&uri)), "{env}");
    every_sdk_has_the_role(test, "by-ipv6").await
}

/// One call of STS a pod, whichever SDK asks.
async fn every_sdk_has_the_role(test: &Test, how: &str) -> Result<()> {
    let before = calls(test, "AssumeRoleWithWebIdentity").await?.len();
    let mut pods = Vec::new();
    for sdk in SDKS {
        match test.image(&format!("client-{sdk}")) {
            Ok(_) => pods.push((sdk, format!("{how}-{sdk}"))),
            Err(error) if error.is::<Skipped>() => {}
            Err(error) => return Err(error),
        }
    }
    for (sdk, name) in &pods {
        let line = client(test, name, sdk).await?;
        let session = format!("arn:aws:sts::111122223333:assumed-role/e2e-association/eks-e2e-{name}-");
        ensure!(line["ok"] == true && line["sdk"] == *sdk, "{line}");
        ensure!(line["arn"].as_str().is_some_and(|arn| arn.starts_with(&session)), "{line}");
    }
    if pods.iter().any(|(sdk, _)| *sdk == "boto3") {
        let name = format!("{how}-cli");
        the_command_line_has_the_role(test, &name).await?;
        pods.push(("cli", name));
    }
    // The pods came one after the other, so the calls of the others are there once the last one's is.
    let (_, last) = pods.last().context("no client at all")?;
    let calls = calls_with(test, "AssumeRoleWithWebIdentity", last).await?;
    let (made, asked) = (calls.len() - before, pods.len());
    ensure!(made == asked, "{made} calls for {asked} pods: {calls:?}");
    Ok(())
}

/// The AWS CLI, which boto3's image has too.
async fn the_command_line_has_the_role(test: &Test, name: &str) -> Result<()> {
    let mut pod = pod(test, name, "boto3")?;
    pod["spec"]["containers"][0]["command"] =
        json!(["aws", "sts", "get-caller-identity", "--query=Arn", "--output=json"]);
    test.create(pod).await?;
    let arn = test.printed(name, "main").await?;
    let session = format!("arn:aws:sts::111122223333:assumed-role/e2e-association/eks-e2e-{name}-");
    ensure!(arn.as_str().is_some_and(|arn| arn.starts_with(&session)), "{arn}");
    Ok(())
}

/// The six tags of EKS, all of which go on to roles that are assumed with these credentials.
async fn the_second_session_is_tagged(test: &Test) -> Result<()> {
    let calls = calls_with(test, "AssumeRole", "chained").await?;
    let [call] = calls.as_slice() else { anyhow::bail!("{calls:?}") };
    let mut tags = call["tags"].clone();
    let members = tags.as_object_mut().context("no tags")?;
    let uid = members.remove("kubernetes-pod-uid");
    ensure!(uid.is_some_and(|uid| uid.as_str().is_some_and(|uid| uid.len() == 36)), "{call}");
    let expected = json!({
        "eks-cluster-arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/e2e"),
        "eks-cluster-name": "e2e",
        "kubernetes-namespace": test.namespace,
        "kubernetes-service-account": ACCOUNT,
        "kubernetes-pod-name": "chained",
    });
    ensure!(tags == expected, "{tags}");
    ensure!(call["transitiveTags"].as_array().is_some_and(|keys| keys.len() == 6), "{call}");
    ensure!(call["externalId"].as_str().is_some_and(|id| id.len() == 32), "{call}");
    Ok(())
}

/// A pod in which the agent can be asked by hand.
fn staying(test: &Test, name: &str) -> Result<Value> {
    let image = test.image("client-boto3")?;
    let command = ["python3", "-c", "import signal; signal.pause()"];
    let mut pod = workload::pod(name, ACCOUNT, &json!({"image": image, "command": command}));
    pod["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
    Ok(pod)
}

/// Asks as an SDK does, from within that pod; the answer's status and text.
async fn asked(test: &Test) -> Result<String> {
    const ASK: &str = "\
import os, urllib.request, urllib.error
token = open(os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']).read()
url = os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI']
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, headers={'Authorization': token}))
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
";
    let namespace = format!("--namespace={}", test.namespace);
    command::kubectl(["exec", "staying", &namespace, "--", "python3", "-c", ASK]).await
}
