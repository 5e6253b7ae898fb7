//! The node's agent on a real node: SDKs that have nothing but what the webhook injects, and an STS that verifies the
//! tokens which kubelet wrote.

use anyhow::{Context, Result, ensure};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::cluster::Skipped;
use crate::harness::own_associations::{Following, association, associations, define};
use crate::harness::release::REGION;
use crate::harness::test::STS_URL;
use crate::harness::{Test, command, until, workload};

const ACCOUNT: &str = "associated";
const ROLE: &str = "arn:aws:iam::111122223333:role/e2e-association";
const UNKNOWN: &str = "arn:aws:iam::111122223333:role/e2e-nobodys";
const TARGET: &str = "arn:aws:iam::444455556666:role/e2e-target";

/// The clients; where an image is missing, its client is left out, but not all of them.
const SDKS: [&str; 4] = ["boto3", "rust", "go", "js"];

pub async fn sdks_get_credentials_of_the_associated_role_from_the_nodes_agent(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    test.start_sts().await?;
    let namespace = format!("--namespace={}", test.namespace);
    let address = ["get", "service", "sts", &namespace, "--output=jsonpath={.spec.clusterIP}"];
    let sts = command::kubectl(address).await?;
    let values = json!({
        "injection": {"awsDefaultRegion": REGION},
        "agent": {"enabled": true, "region": REGION, "endpoint": format!("http://{}", sts.trim())},
    });
    let following = Following::install(&test, "agent", 1, &values).await?;
    test.account(ACCOUNT, &[]).await?;
    let object = association(ACCOUNT, &json!({"roleArn": ROLE})).to_string();
    let api = associations(&test.client, &test.namespace);
    api.create(&PostParams::default(), &serde_json::from_str(&object)?).await?;
    every_sdk_has_the_role(&test).await?;

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
    test.create(staying(&test)?).await?;
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

/// One call of STS a pod, whichever SDK asks.
async fn every_sdk_has_the_role(test: &Test) -> Result<()> {
    let mut pods = Vec::new();
    for sdk in SDKS {
        match test.image(&format!("client-{sdk}")) {
            Ok(_) => pods.push((sdk, format!("with-{sdk}"))),
            Err(error) if error.is::<Skipped>() => {}
            Err(error) => return Err(error),
        }
    }
    ensure!(!pods.is_empty(), "no client at all");
    for (sdk, name) in &pods {
        let line = client(test, name, sdk).await?;
        let session = format!("arn:aws:sts::111122223333:assumed-role/e2e-association/eks-e2e-{name}-");
        ensure!(line["ok"] == true && line["sdk"] == *sdk, "{line}");
        ensure!(line["arn"].as_str().is_some_and(|arn| arn.starts_with(&session)), "{line}");
    }
    let calls = calls(test, "AssumeRoleWithWebIdentity").await?;
    ensure!(calls.len() == pods.len(), "{} calls for {} pods: {calls:?}", calls.len(), pods.len());
    Ok(())
}

/// The six tags of EKS, all of which go on to roles that are assumed with these credentials.
async fn the_second_session_is_tagged(test: &Test) -> Result<()> {
    let calls = calls(test, "AssumeRole").await?;
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

/// What a client prints in a pod of its own.
async fn client(test: &Test, name: &str, sdk: &str) -> Result<Value> {
    test.create(pod(test, name, sdk)?).await?;
    test.printed(name, "main").await
}

/// A pod with nothing but where STS is.
fn pod(test: &Test, name: &str, sdk: &str) -> Result<Value> {
    let image = test.image(&format!("client-{sdk}"))?;
    let env = json!([{"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL}]);
    let mut pod = workload::pod(name, ACCOUNT, &json!({"image": image, "env": env}));
    // The association was made a moment ago.
    pod["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
    Ok(pod)
}

/// A pod in which the agent can be asked by hand.
fn staying(test: &Test) -> Result<Value> {
    let image = test.image("client-boto3")?;
    let command = ["python3", "-c", "import signal; signal.pause()"];
    let mut pod = workload::pod("staying", ACCOUNT, &json!({"image": image, "command": command}));
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

/// The calls of STS that succeeded.
async fn calls(test: &Test, action: &str) -> Result<Vec<Value>> {
    let namespace = format!("--namespace={}", test.namespace);
    let log = command::kubectl(["logs", "deployment/sts", &namespace, "--tail=-1"]).await?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter(|line| line["action"] == action && line["status"] == 200).collect())
}
