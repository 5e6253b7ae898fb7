//! Two who change the same association at the same time.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::CLUSTER;
use crate::harness::own_associations::{define, role};
use crate::harness::{Test, kubeconfig};

/// How often both write.
const TIMES: usize = 50;

/// The clients' endpoints are two processes, which know nothing of each other.
pub async fn no_tag_is_lost_when_two_clients_tag_at_the_same_time(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    let mut one = EksClient::start(Kind::Boto3, &test.cluster, kubeconfig.path()).await?;
    let mut other = EksClient::start(Kind::Rust, &test.cluster, kubeconfig.path()).await?;
    let input = json!({
        "clusterName": CLUSTER, "namespace": test.namespace, "serviceAccount": "orders", "roleArn": role("first"),
        "tags": {"of": "the first"},
    });
    let made = one.done("CreatePodIdentityAssociation", input).await?;
    let (arn, id) = (&made["association"]["associationArn"], &made["association"]["associationId"]);
    for time in 0..TIMES {
        let tag = |who: &str| json!({"resourceArn": arn, "tags": {who: time.to_string()}});
        tokio::try_join!(one.done("TagResource", tag("one")), other.done("TagResource", tag("other")))?;
        let expected = json!({"of": "the first", "one": time.to_string(), "other": time.to_string()});
        ensure!(tags(&mut one, arn).await? == expected, "{time}: {}", tags(&mut one, arn).await?);

        // A tag that goes, and a role that comes: neither takes the other along.
        let role = role(&format!("role-{time}"));
        let update = json!({"clusterName": CLUSTER, "associationId": id, "roleArn": role});
        let untag = json!({"resourceArn": arn, "tagKeys": ["one"]});
        tokio::try_join!(
            one.done("UpdatePodIdentityAssociation", update),
            other.done("UntagResource", untag)
        )?;
        let expected = json!({"of": "the first", "other": time.to_string()});
        ensure!(tags(&mut one, arn).await? == expected, "{time}: {}", tags(&mut one, arn).await?);
        let input = json!({"clusterName": CLUSTER, "associationId": id});
        let now = other.done("DescribePodIdentityAssociation", input).await?;
        ensure!(now["association"]["roleArn"] == role.as_str(), "{time}: {now}");
    }
    Ok(())
}

async fn tags(client: &mut EksClient, arn: &Value) -> Result<Value> {
    let mut told = client.done("ListTagsForResource", json!({"resourceArn": arn})).await?;
    Ok(told["tags"].take())
}
