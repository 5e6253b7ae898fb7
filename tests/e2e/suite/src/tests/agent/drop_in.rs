//! In the place of AWS's agent: the `DaemonSet` that its users have, with this image, before an EKS Auth that verifies
//! tokens and signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{ACCOUNT, address_of_sts, calls_with, client};
use crate::harness::own_associations::{Following, association, associations, define};
use crate::harness::release::REGION;
use crate::harness::{Test, command};

const MANIFESTS: &str = include_str!("../../harness/awss_agent.yaml");

/// Known to EKS Auth alone; it trusts `pods.eks.amazonaws.com`, as roles on EKS do.
const ROLE: &str = "arn:aws:iam::111122223333:role/e2e-eks";

pub async fn awss_daemonset_runs_with_this_image_and_asks_eks_auth(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    test.start_sts().await?;
    let (key, secret) = node_key();
    be_eks_auth(&test, &key, &secret).await?;
    // Which pods have an identity is the webhook's to know; the role of its own association counts for nothing here.
    let more = json!({"injection": {"awsDefaultRegion": REGION}});
    let following = Following::install(&test, "eks", 1, &more).await?;
    test.account(ACCOUNT, &[]).await?;
    let object = association(ACCOUNT, &json!({"roleArn": super::ROLE})).to_string();
    let api = associations(&test.client, &test.namespace);
    api.create(&PostParams::default(), &serde_json::from_str(&object)?).await?;

    let manifests = MANIFESTS
        .replace("${IMAGE}", &test.cluster.image)
        .replace("${ADDRESS}", &address_of_sts(&test).await?)
        .replace("${REGION}", REGION)
        .replace("${KEY}", &key)
        .replace("${SECRET}", &secret);
    test.apply(&manifests).await?;
    let namespace = format!("--namespace={}", test.namespace);
    let agent = "daemonset/eks-pod-identity-agent";
    command::kubectl(["rollout", "status", agent, &namespace, "--timeout=120s"]).await?;

    for sdk in ["boto3", "go"] {
        let line = client(&test, &format!("with-{sdk}"), sdk).await?;
        let arn = line["arn"].as_str().unwrap_or_default();
        ensure!(arn.starts_with("arn:aws:sts::111122223333:assumed-role/e2e-eks/eks-e2e-"), "{line}");
    }
    let calls = calls_with(&test, "AssumeRoleForPodIdentity", "with-go").await?;
    ensure!(calls.len() == 2, "one call a pod: {calls:?}");
    ensure!(calls.iter().all(|call| call["tags"]["kubernetes-service-account"] == ACCOUNT), "{calls:?}");
    the_association_of_no_pod_is_told(&test).await?;
    command::kubectl(["delete", agent, &namespace, "--wait"]).await?;
    following.end().await
}

/// What EKS Auth says comes through.
async fn the_association_of_no_pod_is_told(test: &Test) -> Result<()> {
    let other = "unassociated";
    test.account(other, &[]).await?;
    let object = association(other, &json!({"roleArn": super::ROLE})).to_string();
    let api = associations(&test.client, &test.namespace);
    api.create(&PostParams::default(), &serde_json::from_str(&object)?).await?;
    let mut pod = super::pod(test, "without", "boto3")?;
    pod["spec"]["serviceAccountName"] = json!(other);
    test.create(pod).await?;
    let line = test.printed("without", "main").await?;
    ensure!(line["ok"] == false && line["error"] != Value::Null, "{line}");
    Ok(())
}

/// A key of this run's.
fn node_key() -> (String, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    (format!("AKIA{:016X}", now % (1 << 64)), format!("{now:040x}"))
}

/// Has the STS be EKS Auth as well, which knows this node's key and one association.
async fn be_eks_auth(test: &Test, key: &str, secret: &str) -> Result<()> {
    let namespace = format!("--namespace={}", test.namespace);
    let known = json!([{
        "namespace": test.namespace, "serviceAccount": ACCOUNT, "roleArn": ROLE, "associationId": "a-e2e00000000000001",
    }]);
    let trust = json!({ROLE: {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }],
    }});
    let files =
        json!({"data": {"associations.json": known.to_string(), "eks-roles.json": trust.to_string()}});
    let files = files.to_string();
    command::kubectl(["patch", "configmap", "sts-roles", &namespace, "--type=merge", "--patch", &files])
        .await?;
    let arguments = "/spec/template/spec/containers/0/args/";
    let changes = json!([
        {"op": "replace", "path": format!("{arguments}1"), "value": "--roles=/etc/sts/eks-roles.json"},
        {"op": "add", "path": format!("{arguments}-"), "value": "--associations=/etc/sts/associations.json"},
        {"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [
            {"name": "NODE_ACCESS_KEY_ID", "value": key},
            {"name": "NODE_SECRET_ACCESS_KEY", "value": secret},
        ]},
    ]);
    let changes = changes.to_string();
    command::kubectl(["patch", "deployment", "sts", &namespace, "--type=json", "--patch", &changes]).await?;
    command::kubectl(["rollout", "status", "deployment/sts", &namespace, "--timeout=120s"]).await.map(drop)
}
