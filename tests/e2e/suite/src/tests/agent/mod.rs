//! The node's agent on a real node: pods that have nothing but what the webhook injects, and an STS or an EKS Auth that
//! verifies the tokens which kubelet wrote.

mod counts;
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
use crate::harness::{Test, command, workload};

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
    Ok(following)
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

/// The calls of STS that succeeded.
pub async fn calls(test: &Test, action: &str) -> Result<Vec<Value>> {
    let namespace = format!("--namespace={}", test.namespace);
    let log = command::kubectl(["logs", "deployment/sts", &namespace, "--tail=-1"]).await?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter(|line| line["action"] == action && line["status"] == 200).collect())
}
