//! Associations in custom resources: definitions that come late, change and go; resources that are made,
//! changed and deleted. A pod after each gets the right result within two seconds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::harness::association_kind::{Definitions, KINDS, Kind};
use crate::harness::identity::Identity;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::wait::until_within;
use crate::harness::{Test, command, registration, workload};

const SOON: Duration = Duration::from_secs(2);

/// The accounts whose pods are looked at.
const ACCOUNTS: [&str; 2] = ["orders", "cart"];

/// One webhook serves all along, and was there before any definition.
pub async fn pods_follow_resources_and_their_definitions(test: Test) -> Result<()> {
    let definitions = Definitions::of_none(&test).await?;
    for account in ACCOUNTS {
        test.account(account, &[]).await?;
    }
    let values = json!({
        "replicas": 1,
        "sources": {"associationResources": {"controllers": ["ack", "crossplane"], "ownNamespaceOnly": false}},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
        "server": {"shutdownDelaySeconds": 0},
    });
    let release = Release::install(&test.cluster, "resources", &test.namespace, &values).await?;
    registration::await_injection(&test.cluster, &test.namespace).await?;
    let [webhook] = &Replica::all(&test, &release).await?[..] else { anyhow::bail!("not one replica") };
    ensure!(associated(&test).await?.is_empty(), "before there is any");
    for kind in &KINDS {
        follow(kind, &test, webhook).await.with_context(|| kind.name())?;
    }
    come_back(&KINDS[0], &test).await?;
    drop(definitions);
    release.uninstall().await
}

/// The story of a kind, from its definition's installation to its removal.
async fn follow(kind: &Kind, test: &Test, webhook: &Replica) -> Result<()> {
    kind.install(test).await?;
    let resources = kind.resources(test);
    kind.create(test, "one", "orders").await?;
    let pending =
        format!("pod_identity_webhook_association_resources{{source=\"{}\",state=\"pending\"}}", kind.source);
    until_within(SOON, "the webhook knows of it as pending", async || {
        Ok((webhook.metric(&pending).await? == Some(1)).then_some(()))
    })
    .await?;
    ensure!(associated(test).await?.is_empty(), "AWS does not have it");
    kind.settle(test, "one").await?;
    soon(test, "AWS has it", &["orders"]).await?;

    let cart = kind.spec("cart", test);
    resources.patch("one", &PatchParams::default(), &Patch::Merge(json!({"spec": cart}))).await?;
    soon(test, "it is changed", &["cart"]).await?;
    resources.delete("one", &DeleteParams::default()).await?;
    soon(test, "it is deleted", &[]).await?;
    kind.create(test, "two", "orders").await?;
    kind.settle(test, "two").await?;
    soon(test, "another is made", &["orders"]).await?;

    // The API server takes the kind's storage down and up again, and ends its watches.
    let columns = json!([{"name": "Account", "type": "string", "jsonPath": ".spec.serviceAccount"}]);
    let path = "/spec/versions/0/additionalPrinterColumns";
    let change = json!([{"op": "add", "path": path, "value": columns}]).to_string();
    let name = format!("customresourcedefinition/{}", kind.name());
    command::kubectl(["patch", &name, "--type=json", "--patch", &change]).await?;
    kind.create(test, "three", "cart").await?;
    kind.settle(test, "three").await?;
    soon(test, "one is made after the definition has changed", &ACCOUNTS).await?;

    kind.remove().await?;
    soon(test, "the definition is removed with its resources", &[]).await
}

/// Installs the same kind once more, as it was before.
async fn come_back(kind: &Kind, test: &Test) -> Result<()> {
    kind.install(test).await?;
    kind.create(test, "four", "cart").await?;
    kind.settle(test, "four").await?;
    soon(test, "the definition is back", &["cart"]).await?;
    kind.remove().await?;
    soon(test, "and removed again", &[]).await
}

/// Waits for a short time until exactly these accounts have an association.
async fn soon(test: &Test, what: &str, accounts: &[&str]) -> Result<()> {
    until_within(SOON, what, async || Ok((associated(test).await? == accounts).then_some(()))).await
}

/// The accounts whose pods get EKS Pod Identity; the pods of the others are left unchanged.
async fn associated(test: &Test) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for account in ACCOUNTS {
        let pod = test.dry_run(workload::unscheduled(account, account)).await?;
        match Identity::of(&pod)? {
            Identity::Association => found.push(account),
            Identity::None => {}
            Identity::Role(role) => anyhow::bail!("{account}: {role}"),
        }
    }
    Ok(found)
}
