//! This project's own associations: their definition, and the objects as users write them.

use anyhow::{Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

use super::cluster::{Skipped, root};
use super::eks_endpoint::CLUSTER;
use super::registration::await_injection;
use super::release::Release;
use super::test::OURS;
use super::{Cluster, Test, command, until};

/// The definition's name.
pub const NAME: &str = "podidentityassociations.pod-identity-webhook.dev";

/// Installs the definition as a user does who has no chart, unless an earlier test did; then it stays. One that the suite
/// has not made is left alone.
pub async fn define(cluster: &Cluster) -> Result<()> {
    static IS_THERE: Mutex<bool> = Mutex::const_new(false);
    let mut is_there = IS_THERE.lock().await;
    if *is_there && definitions(cluster).get_opt(NAME).await?.is_some() {
        return Ok(());
    }
    make_room(cluster).await?;
    let file = root().join("charts/pod-identity-webhook/files/podidentityassociations.yaml");
    command::apply(&std::fs::read_to_string(file)?).await?;
    claim(cluster).await?;
    until("the definition is established", async || {
        let status = definitions(cluster).get(NAME).await?.status;
        let mut conditions = status.and_then(|status| status.conditions).into_iter().flatten();
        let is_established = conditions.any(|found| found.type_ == "Established" && found.status == "True");
        Ok(is_established.then_some(()))
    })
    .await?;
    cluster.await_kinds("pod-identity-webhook.dev/v1alpha1", &["PodIdentityAssociation"]).await?;
    *is_there = true;
    Ok(())
}

/// Removes the definition with all associations, if it is the suite's.
pub async fn make_room(cluster: &Cluster) -> Result<()> {
    let Some(found) = definitions(cluster).get_opt(NAME).await? else { return Ok(()) };
    let is_ours = found.metadata.labels.is_some_and(|labels| labels.contains_key(OURS));
    ensure!(is_ours, Skipped(format!("the cluster has a definition {NAME} of its own")));
    command::kubectl(["delete", "customresourcedefinition", NAME, "--wait", "--timeout=120s"]).await.map(drop)
}

/// Has the next run find the definition as the suite's.
pub async fn claim(cluster: &Cluster) -> Result<()> {
    let label = Patch::Merge(json!({"metadata": {"labels": {OURS: "true"}}}));
    definitions(cluster).patch(NAME, &PatchParams::default(), &label).await?;
    Ok(())
}

fn definitions(cluster: &Cluster) -> Api<CustomResourceDefinition> {
    Api::all(cluster.client.clone())
}

/// The associations of a namespace.
pub fn associations(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "pod-identity-webhook.dev".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "pod-identity-webhook.dev/v1alpha1".to_owned(),
        kind: "PodIdentityAssociation".to_owned(),
        plural: "podidentityassociations".to_owned(),
    };
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// An association of an account with this `spec`.
pub fn association(account: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "pod-identity-webhook.dev/v1alpha1",
        "kind": "PodIdentityAssociation",
        "metadata": {"name": account},
        "spec": spec,
    })
}

/// A role of the account's name.
pub fn role(account: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{account}")
}

/// How many clients make associations at the same time, where there are many to be made.
const CLIENTS: usize = 16;

/// Makes an association for each of these accounts.
pub async fn fill(namespace: &str, accounts: &[String]) -> Result<()> {
    let mut clients = JoinSet::new();
    for first in 0..CLIENTS.min(accounts.len()) {
        // A client of its own brings a connection of its own.
        let api = associations(&Client::try_default().await?, namespace);
        let accounts: Vec<_> = accounts.iter().skip(first).step_by(CLIENTS).cloned().collect();
        clients.spawn(async move {
            for account in accounts {
                let object = association(&account, &json!({"roleArn": role(&account)}));
                api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}

/// A release that follows associations. Two of them would both write what becomes of an association, so one test at a
/// time has one.
pub struct Following {
    pub release: Release,
    turn: MutexGuard<'static, Option<Release>>,
}

impl Following {
    /// Waits for the turn, and installs a release that serves the test's namespace, with these values beside; the
    /// definition is there.
    pub async fn install(test: &Test, name: &str, replicas: usize, more: &Value) -> Result<Self> {
        /// With what a test left that has failed.
        static TURN: Mutex<Option<Release>> = Mutex::const_new(None);
        let mut turn = TURN.lock().await;
        if let Some(left) = turn.take() {
            left.uninstall().await?;
        }
        let values = values(test, replicas, more);
        let release = Release::install(&test.cluster, name, &test.namespace, &values).await?;
        *turn = Some(release.clone());
        await_injection(&test.cluster, &test.namespace).await?;
        Ok(Self { release, turn })
    }

    /// Upgrades it to one replica with these values beside, and waits until no other answers any more.
    pub async fn upgrade(&self, test: &Test, more: &Value) -> Result<()> {
        self.release.upgrade(&test.cluster, &values(test, 1, more)).await?;
        self.release.await_replicas(&test.cluster, 1).await
    }

    /// Uninstalls it. Without this it stays until the next test has its turn, to be looked at.
    pub async fn end(mut self) -> Result<()> {
        self.turn.take();
        self.release.uninstall().await
    }
}

fn values(test: &Test, replicas: usize, more: &Value) -> Value {
    let mut values = json!({
        "replicas": replicas,
        "server": {"shutdownDelaySeconds": 0},
        "associations": {"enabled": true, "definition": false},
        "sources": {"eksClusterName": CLUSTER},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    if let (Some(values), Some(more)) = (values.as_object_mut(), more.as_object()) {
        values.extend(more.clone());
    }
    values
}
