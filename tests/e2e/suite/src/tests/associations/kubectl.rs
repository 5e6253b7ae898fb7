//! Associations that `kubectl` writes: what it shows of them, and that the EKS endpoint says the same.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::{CLUSTER, REGION};
use crate::harness::own_associations::{Following, association, associations, define, role};
use crate::harness::wait::until_within;
use crate::harness::{Injected, Test, command, kubeconfig, until, workload};

/// How soon a change decides.
const SOON: Duration = Duration::from_secs(5);

const TARGET: &str = "arn:aws:iam::444455556666:role/data";

pub async fn an_association_tells_what_became_of_it(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    for account in ["search", "here", "elsewhere"] {
        test.account(account, &[]).await?;
    }
    let more = json!({"injection": {"awsDefaultRegion": REGION}});
    let following = Following::install(&test, "kubectl", 2, &more).await?;
    let specs = [
        ("search", json!({"roleArn": role("search"), "targetRoleArn": TARGET})),
        ("here", json!({"roleArn": role("here"), "clusterName": CLUSTER})),
        ("elsewhere", json!({"roleArn": role("elsewhere"), "clusterName": "other"})),
    ];
    for (account, spec) in &specs {
        test.apply(&association(account, spec).to_string()).await?;
    }
    let kubeconfig = kubeconfig::of_environment().await?;
    let mut eks = EksClient::start(Kind::Boto3, &test.cluster, kubeconfig.path()).await?;
    for account in ["search", "here"] {
        is_what_eks_says(&test, &mut eks, account).await?;
        gets(&test, account, true).await?;
    }
    let status = status(&test, "elsewhere", 1).await?;
    let accepted = &status["conditions"][0];
    ensure!(
        (&accepted["status"], &accepted["reason"]) == (&json!("False"), &json!("OtherCluster")),
        "{status}"
    );
    ensure!(accepted["message"] == "it is for the cluster other, and this one is e2e", "{status}");
    let listed =
        eks.done("ListPodIdentityAssociations", json!({"clusterName": CLUSTER, "namespace": test.namespace}));
    let listed = listed.await?;
    ensure!(listed["associations"].as_array().map(Vec::len) == Some(2), "{listed}");
    gets(&test, "elsewhere", false).await?;
    is_shown(&test).await?;

    let other = json!({"roleArn": role("other")});
    test.apply(&association("search", &other).to_string()).await?;
    let changed = self::status(&test, "search", 2).await?;
    ensure!(
        changed["externalId"].is_null() && changed["conditions"][0]["observedGeneration"] == 2,
        "{changed}"
    );
    let namespace = format!("--namespace={}", test.namespace);
    command::kubectl(["delete", "pia", "search", &namespace]).await?;
    gets(&test, "search", false).await?;
    following.end().await
}

/// Waits for the status of an association's generation.
async fn status(test: &Test, account: &str, generation: u64) -> Result<Value> {
    let api = associations(&test.client, &test.namespace);
    until(&format!("the status of {account} is written"), async || {
        let mut object = api.get(account).await?;
        let status = object.data["status"].take();
        Ok((status["observedGeneration"] == generation).then_some(status))
    })
    .await
}

async fn is_what_eks_says(test: &Test, eks: &mut EksClient, account: &str) -> Result<()> {
    let status = status(test, account, 1).await?;
    let input = json!({"clusterName": CLUSTER, "associationId": status["associationId"]});
    let told = eks.done("DescribePodIdentityAssociation", input).await?;
    let told = &told["association"];
    ensure!(told["serviceAccount"] == account, "{told}");
    for member in ["associationId", "associationArn", "externalId"] {
        ensure!(
            status[member] == told[member],
            "{account}: {member} {} and {}",
            status[member],
            told[member]
        );
    }
    ensure!(status["externalId"].is_null() == told["targetRoleArn"].is_null(), "{told}");
    let accepted = &status["conditions"][0];
    ensure!(
        (&accepted["type"], &accepted["status"], &accepted["reason"])
            == (&json!("Accepted"), &json!("True"), &json!("Accepted")),
        "{status}"
    );
    Ok(())
}

/// The columns, for those who look, and for those who look closer.
async fn is_shown(test: &Test) -> Result<()> {
    let namespace = format!("--namespace={}", test.namespace);
    let shown = command::kubectl(["get", "pia", &namespace]).await?;
    let lines: Vec<Vec<_>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    ensure!(lines[0] == ["NAME", "ROLE", "TARGET", "ACCEPTED", "AGE"], "{shown}");
    let search = lines.iter().find(|line| line[0] == "search").context("no search")?;
    ensure!(search[1..4] == [&role("search"), TARGET, "True"], "{shown}");
    let elsewhere = lines.iter().find(|line| line[0] == "elsewhere").context("no elsewhere")?;
    ensure!(elsewhere[1..3] == [&*role("elsewhere"), "False"], "{shown}");
    let wide = command::kubectl(["get", "pia", "here", &namespace, "--output=wide"]).await?;
    let id = status(test, "here", 1).await?["associationId"].as_str().context("no id")?.to_owned();
    ensure!(
        wide.lines().next().is_some_and(|head| head.contains("ID") && head.contains("CLUSTER")),
        "{wide}"
    );
    ensure!(wide.contains(&id) && wide.contains(CLUSTER), "{wide}");
    Ok(())
}

/// Waits for a short time until pods of the account get their association, or nothing any more.
async fn gets(test: &Test, account: &str, wanted: bool) -> Result<()> {
    until_within(SOON, &format!("pods of {account} get their association: {wanted}"), async || {
        let pod = test.dry_run(workload::unscheduled(account, account)).await?;
        let gets = Injected(&pod).value("main", "AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some();
        Ok((gets == wanted).then_some(()))
    })
    .await
}
