//! Associations in a file that comes from a ConfigMap: kubelet swaps it, the webhook follows.

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::harness::identity::{ASSOCIATION, Identity};
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Report, Test, until, workload};

/// The ConfigMap that the chart's value names, and its key.
const CONFIG_MAP: &str = "associations";
const KEY: &str = "identities.json";

/// The accounts whose pods are looked at.
const ACCOUNTS: [&str; 2] = ["shop", "cart"];

const ROLE: &str = "arn:aws:iam::111122223333:role/annotated";

/// The ConfigMap comes after the release, changes, breaks, is mended and goes.
pub async fn pods_follow_the_file_that_kubelet_swaps(test: Test) -> Result<()> {
    for account in ACCOUNTS {
        test.account(account, &[("role-arn", ROLE)]).await?;
    }
    let values = json!({
        "replicas": 1,
        "sources": {"associationFile": {"configMap": CONFIG_MAP}},
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    let release = Release::install(&test.cluster, "file", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let [replica] = &Replica::all(&test, &release).await?[..] else { bail!("not one replica") };
    let file = File { test: &test, replica };
    file.gives(&[], State::Read).await?;

    file.write(&["cart", "shop"]).await?;
    file.gives(&ACCOUNTS, State::Read).await?;
    let reporting = workload::pod("reporting", "shop", &workload::report(&test.image("client-boto3")?));
    let pod = test.create(reporting).await?;
    ensure!(Identity::of(&pod)? == Identity::Association, "{:?}", Identity::of(&pod));
    let report = Report::of(&test, "reporting", "main").await?;
    ensure!(report.env() == ASSOCIATION, "{:?}", report.env());
    ensure!(*report.token()?.claim("aud") == json!(["pods.eks.amazonaws.com"]));

    file.write(&["cart"]).await?;
    file.gives(&["cart"], State::Read).await?;
    test.put(CONFIG_MAP, KEY, "{\"identities\":[{\"namespace\"").await?;
    file.gives(&["cart"], State::Kept).await?;
    let errors = "pod_identity_webhook_source_errors_total{source=\"association-file\"}";
    ensure!(replica.metric(errors).await?.unwrap_or(0) > 0, "no error is counted");
    file.write(&["shop"]).await?;
    file.gives(&["shop"], State::Read).await?;
    test.api::<ConfigMap>().delete(CONFIG_MAP, &DeleteParams::default()).await?;
    file.gives(&[], State::Read).await?;
    release.uninstall().await
}

/// The state of the file.
#[derive(Debug, Clone, Copy)]
enum State {
    /// What it says counts.
    Read,
    /// It cannot be read, and what it last said counts.
    Kept,
}

impl State {
    /// Whether the line of `/readyz` says so.
    fn is(self, line: &str) -> bool {
        match self {
            Self::Read => line == "ok",
            Self::Kept => {
                line.starts_with("ok (keeps the set read ") && line.ends_with("s ago; the log says why)")
            }
        }
    }
}

/// The file as the only replica has it.
struct File<'a> {
    test: &'a Test,
    replica: &'a Replica,
}

impl File<'_> {
    /// Writes a file that names these accounts.
    async fn write(&self, accounts: &[&str]) -> Result<()> {
        let namespace = &self.test.namespace;
        let identity = |account: &&str| json!({"namespace": namespace, "serviceAccount": account});
        let identities: Vec<Value> = accounts.iter().map(identity).collect();
        self.test.put(CONFIG_MAP, KEY, &json!({"identities": identities}).to_string()).await
    }

    /// Waits until the file is in this state; then exactly these accounts have an association.
    async fn gives(&self, accounts: &[&str], state: State) -> Result<()> {
        let count = u64::try_from(accounts.len())?;
        until(&format!("the file is {state:?} and names {accounts:?}"), async || {
            self.replica.nudge().await?;
            // If the replica is not ready this is an error, which ends the wait.
            let ready = self.replica.page("readyz").await?;
            let line = ready.lines().find_map(|line| line.strip_prefix("[+]association-file "));
            let entries = "pod_identity_webhook_source_entries{source=\"association-file\"}";
            let is_so =
                line.is_some_and(|line| state.is(line)) && self.replica.metric(entries).await? == Some(count);
            Ok(is_so.then_some(()))
        })
        .await?;
        for account in ACCOUNTS {
            let pod = self.test.dry_run(workload::unscheduled(account, account)).await?;
            let wanted =
                if accounts.contains(&account) { Identity::Association } else { Identity::Role(ROLE) };
            ensure!(Identity::of(&pod)? == wanted, "{account} has {:?}", Identity::of(&pod));
        }
        Ok(())
    }
}
