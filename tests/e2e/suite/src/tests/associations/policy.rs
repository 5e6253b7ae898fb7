//! The role policy, which associations are held to when they are written, and when pods are made of them.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::harness::command::{self, Output};
use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::CLUSTER;
use crate::harness::identity::Identity;
use crate::harness::own_associations::{Following, association, associations, define};
use crate::harness::test::caught;
use crate::harness::{Test, kubeconfig, until, workload};

const CONFIG_MAP: &str = "roles";
const KEY: &str = "role-policy.yaml";
const FILE: &str = "/etc/webhook/role-policy/role-policy.yaml";

const ALLOWED: &str = "arn:aws:iam::111122223333:role/shop/orders";
const FORBIDDEN: &str = "arn:aws:iam::111122223333:role/payroll";

pub async fn an_association_of_a_forbidden_role_is_refused_and_so_are_pods_of_an_older_one(
    test: Test,
) -> Result<()> {
    define(&test.cluster).await?;
    for account in ["orders", "older", "curious"] {
        test.account(account, &[]).await?;
    }
    test.apply(&association("older", &json!({"roleArn": FORBIDDEN})).to_string()).await?;
    // The second role is that of the pods by which an installation is waited for.
    let rules = format!(
        "rules:\n- namespaces: [{}]\n  roles: ['arn:aws:iam::111122223333:role/shop/*', 'arn:aws:iam::111122223333:role/probe']\n",
        test.namespace
    );
    test.put(CONFIG_MAP, KEY, &rules).await?;
    let more = json!({"injection": {"rolePolicy": {"configMap": CONFIG_MAP, "mode": "enforce"}}});
    let following = Following::install(&test, "policy", 1, &more).await?;
    // The policy is about the associations of every namespace, so no later test may meet it.
    let ended = caught(is_kept(&test)).await;
    following.end().await?;
    ended
}

async fn is_kept(test: &Test) -> Result<()> {
    let words = format!(
        "does not allow \"{FORBIDDEN}\" for ServiceAccount {}/curious: rules[0] names the ServiceAccount but not this \
             role; use a role that the policy allows, or allow this one in it",
        test.namespace
    );
    let refused = apply(test, "curious", FORBIDDEN).await?;
    let expected = format!(
        "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
         \"associations.iam-for-pods.amazonaws.com\" denied the request: the role policy {FILE} {words}"
    );
    ensure!(refused.code != 0 && refused.stderr.trim_end() == expected, "{refused:?}");

    let kubeconfig = kubeconfig::of_environment().await?;
    let mut aws = EksClient::start(Kind::Cli, &test.cluster, kubeconfig.path()).await?;
    let input = |account: &str, role: &str| json!({"clusterName": CLUSTER, "namespace": test.namespace, "serviceAccount": account, "roleArn": role});
    let refused = aws.call("CreatePodIdentityAssociation", input("curious", FORBIDDEN)).await?;
    let refused = refused.err().context("the command line may")?;
    ensure!(refused.name == "AccessDeniedException" && refused.message.contains(&words), "{refused:?}");
    let made = aws.done("CreatePodIdentityAssociation", input("orders", ALLOWED)).await?;
    let update = json!({
        "clusterName": CLUSTER, "associationId": made["association"]["associationId"], "targetRoleArn": FORBIDDEN,
    });
    let refused = aws.call("UpdatePodIdentityAssociation", update).await?;
    let name = refused.err().map(|refused| refused.name);
    ensure!(name.as_deref() == Some("AccessDeniedException"), "{name:?}");

    until("pods of the allowed one get it", async || {
        let pod = test.dry_run(workload::unscheduled("orders", "orders")).await?;
        Ok((Identity::of(&pod)? == Identity::Association).then_some(()))
    })
    .await?;
    pods_are_refused(test).await?;
    is_told(test).await
}

async fn apply(test: &Test, account: &str, role: &str) -> Result<Output> {
    let namespace = format!("--namespace={}", test.namespace);
    let object = association(account, &json!({"roleArn": role})).to_string();
    command::output("kubectl", ["create", &namespace, "--filename=-"], &object).await
}

/// The association that was there before the policy.
async fn pods_are_refused(test: &Test) -> Result<()> {
    let pod = workload::unscheduled("older", "older").to_string();
    let namespace = format!("--namespace={}", test.namespace);
    let words = ["create", "--dry-run=server", "--filename=-", &namespace];
    let refused = command::output("kubectl", words, &pod).await?;
    let words = format!(
        "denied the request: PodIdentityAssociation {}/older: the role policy {FILE} does not allow \"{FORBIDDEN}\" there: \
         rules[0] names the ServiceAccount but not this role; use a role that the policy allows, or allow this one in it",
        test.namespace
    );
    ensure!(refused.code != 0 && refused.stderr.trim_end().ends_with(&words), "{refused:?}");
    Ok(())
}

async fn is_told(test: &Test) -> Result<()> {
    let api = associations(&test.client, &test.namespace);
    until("the older one's status says so", async || {
        let older = api.get("older").await?.data;
        let accepted = &older["status"]["conditions"][0];
        Ok((accepted["status"] == "False" && accepted["reason"] == "RoleNotAllowed").then_some(()))
    })
    .await
}
