//! The role policy, from a ConfigMap: warned of, then enforced, changed, broken.

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::harness::command::{self, Output};
use crate::harness::identity::Identity;
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Test, until, workload};

const CONFIG_MAP: &str = "roles";
const KEY: &str = "role-policy.yaml";
const FILE: &str = "/etc/webhook/role-policy/role-policy.yaml";

const ALLOWED: &str = "arn:aws:iam::111122223333:role/shop/orders";
const FORBIDDEN: &str = "arn:aws:iam::111122223333:role/payroll";

/// What follows the role in what is said of it.
const WHY: &str = "rules[0] names the ServiceAccount but not this role";

pub async fn roles_are_warned_of_then_refused_as_the_policy_says(test: Test) -> Result<()> {
    test.account("orders", &[("role-arn", ALLOWED)]).await?;
    test.account("curious", &[("role-arn", FORBIDDEN)]).await?;
    allow(&test, "shop/*").await?;
    let release = Release::install(&test.cluster, "policy", &test.namespace, &values(&test, "warn")).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let warned = create(&test, "curious").await?;
    let words = format!(
        "Warning: the role policy does not allow \"{FORBIDDEN}\" for {}/curious: {WHY}; the pod gets it because \
         the policy only warns",
        test.namespace
    );
    ensure!(warned.code == 0 && warned.stderr.trim_end() == words, "{warned:?}");
    has(&test, "curious", FORBIDDEN).await?;

    release.upgrade(&test.cluster, &values(&test, "enforce")).await?;
    release.await_replicas(&test.cluster, 1).await?;
    is_refused(&test, "curious", FORBIDDEN).await?;
    let silent = create(&test, "orders").await?;
    ensure!(silent.code == 0 && silent.stderr.is_empty(), "{silent:?}");
    has(&test, "orders", ALLOWED).await?;

    allow(&test, "pay*").await?;
    let [replica] = &Replica::all(&test, &release).await?[..] else { bail!("not one replica") };
    until("the policy that was changed is followed", async || {
        replica.nudge().await?;
        Ok((create(&test, "curious").await?.code == 0).then_some(()))
    })
    .await?;
    is_refused(&test, "orders", ALLOWED).await?;
    test.put(CONFIG_MAP, KEY, "rules: [{namespaces: ['*'], roles: ['*'], role: '*'}]").await?;
    until("the policy that is none is told of", async || {
        replica.nudge().await?;
        let ready = replica.page("readyz").await?;
        let line = ready.lines().find_map(|line| line.strip_prefix("[+]role-policy ok (keeps the set read "));
        Ok(line.is_some_and(|line| line.ends_with("s ago; the log says why)")).then_some(()))
    })
    .await?;
    is_refused(&test, "orders", ALLOWED).await?;
    has(&test, "curious", FORBIDDEN).await?;
    release.uninstall().await
}

fn values(test: &Test, mode: &str) -> serde_json::Value {
    json!({
        "replicas": 1,
        "server": {"shutdownDelaySeconds": 0},
        "injection": {"rolePolicy": {"configMap": CONFIG_MAP, "mode": mode}},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    })
}

/// Lets every account of the test use these roles of its AWS account.
async fn allow(test: &Test, roles: &str) -> Result<()> {
    let roles = format!("arn:aws:iam::111122223333:role/{roles}");
    test.put(CONFIG_MAP, KEY, &format!("rules:\n- namespaces: [{}]\n  roles: ['{roles}']\n", test.namespace))
        .await
}

/// Has `kubectl` ask for a pod, for it shows what users see.
async fn create(test: &Test, account: &str) -> Result<Output> {
    let pod = workload::unscheduled(account, account).to_string();
    let namespace = format!("--namespace={}", test.namespace);
    command::output("kubectl", ["create", "--dry-run=server", "--filename=-", &namespace], &pod).await
}

async fn has(test: &Test, account: &str, role: &str) -> Result<()> {
    let pod = test.dry_run(workload::unscheduled(account, account)).await?;
    let identity = Identity::of(&pod).context(account.to_owned())?;
    ensure!(identity == Identity::Role(role), "{account}: {identity:?}");
    Ok(())
}

/// Waits until pods of the account are refused, for their role.
async fn is_refused(test: &Test, account: &str, role: &str) -> Result<()> {
    let words = format!(
        "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
         \"iam-for-pods.amazonaws.com\" denied the request: annotation eks.amazonaws.com/role-arn of \
         ServiceAccount {}/{account}: the role policy {FILE} does not allow \"{role}\" there: {WHY}; use a role \
         that the policy allows, or allow this one in it",
        test.namespace
    );
    until(&format!("pods of {account} are refused"), async || {
        let refused = create(test, account).await?;
        if refused.code == 0 {
            return Ok(None);
        }
        ensure!(refused.stderr.trim_end() == words, "{refused:?}");
        Ok(Some(()))
    })
    .await
}
