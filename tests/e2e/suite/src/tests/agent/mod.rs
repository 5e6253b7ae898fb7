//! The node's agent on a real node: pods that have nothing but what the webhook injects, and an STS or an EKS Auth that
//! verifies the tokens which kubelet wrote.

pub mod drop_in;
pub mod newcomer;
pub mod restarts;
pub mod sdks;
pub mod soak;

use anyhow::Result;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::harness::own_associations::{Following, association, associations, define};
use crate::harness::release::REGION;
use crate::harness::test::STS_URL;
use crate::harness::{Test, command, until, workload};

pub const ACCOUNT: &str = "associated";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/e2e-association";

/// A release with the agent, which asks the namespace's STS.
pub async fn install(test: &Test) -> Result<Following> {
    define(&test.cluster).await?;
    test.start_sts().await?;
    let following = Following::install(test, "agent", 1, &values(test, json!({})).await?).await?;
    test.account(ACCOUNT, &[]).await?;
    let object = association(ACCOUNT, &json!({"roleArn": ROLE})).to_string();
    let api = associations(&test.client, &test.namespace);
    api.create(&PostParams::default(), &serde_json::from_str(&object)?).await?;
    rolled_out(test, &following).await?;
    Ok(following)
}

/// Waits until every node has the release's agent as it is now, and it answers.
pub async fn rolled_out(test: &Test, following: &Following) -> Result<()> {
    let agent = format!("daemonset/{}-agent", following.release.fullname());
    let namespace = format!("--namespace={}", test.namespace);
    command::kubectl(["rollout", "status", &agent, &namespace, "--timeout=240s"]).await.map(drop)
}

/// Values of such a release, beside what every release has.
pub async fn values(test: &Test, container_credentials: Value) -> Result<Value> {
    let sts = format!("http://{}", address_of_sts(test).await?);
    Ok(json!({
        "injection": {"awsDefaultRegion": REGION, "containerCredentials": container_credentials},
        "agent": {"enabled": true, "region": REGION, "endpoint": sts},
    }))
}

pub async fn address_of_sts(test: &Test) -> Result<String> {
    let namespace = format!("--namespace={}", test.namespace);
    let address = ["get", "service", "sts", &namespace, "--output=jsonpath={.spec.clusterIP}"];
    Ok(command::kubectl(address).await?.trim().to_owned())
}

/// What a client prints in a pod of its own.
pub async fn client(test: &Test, name: &str, sdk: &str) -> Result<Value> {
    test.create(pod(test, name, sdk)?).await?;
    test.printed(name, "main").await
}

/// A pod with nothing but where STS is.
pub fn pod(test: &Test, name: &str, sdk: &str) -> Result<Value> {
    let image = test.image(&format!("client-{sdk}"))?;
    let env = json!([{"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL}]);
    let mut pod = workload::pod(name, ACCOUNT, &json!({"image": image, "env": env}));
    // The association was made a moment ago.
    pod["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
    Ok(pod)
}

/// The same once those of this pod are among them: a log may be a moment behind what was answered.
pub async fn calls_with(test: &Test, action: &str, pod: &str) -> Result<Vec<Value>> {
    // As the agent and EKS Auth name sessions, which may have no more than ten letters of the pod's name.
    let session = format!("/eks-e2e-{pod:.10}");
    until(&format!("{action} for {pod} is in the log of STS"), async || {
        let calls = calls(test, action).await?;
        let is_its = |call: &Value| call["arn"].as_str().is_some_and(|arn| arn.contains(&session));
        Ok(calls.iter().any(is_its).then_some(calls))
    })
    .await
}

/// The calls of STS that succeeded, as far as they are in its log.
pub async fn calls(test: &Test, action: &str) -> Result<Vec<Value>> {
    let namespace = format!("--namespace={}", test.namespace);
    let log = command::kubectl(["logs", "deployment/sts", &namespace, "--tail=-1"]).await?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter(|line| line["action"] == action && line["status"] == 200).collect())
}
