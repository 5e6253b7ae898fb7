//! The README's examples of sources, run as they are written, in the namespaces that they name.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::harness::association_kind::{Definitions, KINDS};
use crate::harness::cluster::{Skipped, root};
use crate::harness::identity::Identity;
use crate::harness::own_associations::{NAME, make_room};
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::test::OURS;
use crate::harness::{Test, command, until, workload};

const README: &str = include_str!("../../../../../README.md");

/// The examples' namespaces: of the chart, and of the pods.
const RELEASE: &str = "eks";
const PODS: &str = "shop";

/// The examples run one after the other, so that each stands beside all of the earlier ones. The README's release
/// installs the definition of the cluster's own associations, which Helm does only where nobody else has.
pub async fn examples_of_sources_give_what_the_table_says(test: Test) -> Result<()> {
    make_room(&test.cluster).await?;
    let eks = room(&test, RELEASE).await?;
    let shop = room(&test, PODS).await?;
    let values = json!({
        "replicas": 1,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PODS}}},
    });
    let release = Release::install(&eks.cluster, "pod-identity-webhook", RELEASE, &values).await?;
    await_injection(&test.cluster, PODS).await?;
    for account in ["payments", "returns", "billing", "inventory"] {
        shop.account(account, &[]).await?;
        gets(&shop, account, Identity::None).await?;
    }

    let checkout = Identity::Role("arn:aws:iam::123456789012:role/shop-checkout");
    command::apply(block("An admin annotates a ServiceAccount:")?).await?;
    gets(&shop, "checkout", checkout).await?;
    let payments = Identity::Role("arn:aws:iam::123456789012:role/shop-payments");
    run(block("### ConfigMap")?).await?;
    gets(&shop, "payments", payments).await?;
    run(block("### Associations of the cluster's own")?).await?;
    gets(&shop, "returns", Identity::Association).await?;
    let definitions = Definitions::of_none(&test).await?;
    let [ack, ..] = &KINDS;
    ack.install(&test).await?;
    test.cluster.await_kinds("eks.services.k8s.aws/v1alpha1", &["PodIdentityAssociation"]).await?;
    run(block("### Custom resources")?).await?;
    ack.settle(&shop, "shop-billing").await?;
    gets(&shop, "billing", Identity::Association).await?;
    run(block("### File")?).await?;
    gets(&shop, "inventory", Identity::Association).await?;

    gets(&shop, "checkout", checkout).await?;
    gets(&shop, "payments", payments).await?;
    gets(&shop, "billing", Identity::Association).await?;
    gets(&shop, "returns", Identity::Association).await?;
    release.uninstall().await?;
    // A release leaves it behind, with every association; another test's release could not install it.
    command::kubectl(["delete", "customresourcedefinition", NAME]).await?;
    ack.remove().await?;
    drop(definitions);
    command::kubectl(["delete", "namespace", RELEASE, PODS, "--wait=false"]).await.map(drop)
}

/// A namespace of exactly that name. What an earlier run left of it is removed; another's is not used.
async fn room(test: &Test, name: &str) -> Result<Test> {
    let by_name = format!("--field-selector=metadata.name={name}");
    let of_ours = format!("--selector={OURS}");
    command::kubectl(["delete", "namespace", &by_name, &of_ours, "--wait", "--timeout=120s"]).await?;
    let is_there = command::kubectl(["get", "namespace", &by_name, "--output=name"]).await?;
    ensure!(is_there.is_empty(), Skipped(format!("the cluster has a namespace {name} of its own")));
    test.in_namespace(name).await
}

/// The first block after the line `place`.
fn block(place: &str) -> Result<&'static str> {
    let (_, text) = README.split_once(&format!("\n{place}\n")).with_context(|| place.to_owned())?;
    let (_, text) = text.split_once("\n```").context("no block")?;
    let (_, text) = text.split_once('\n').context("no block")?;
    Ok(text.split_once("\n```").context("a block without an end")?.0)
}

/// Runs a block as if it was copied into a shell, at the root of the checkout.
async fn run(block: &str) -> Result<()> {
    let script = format!("cd \"$1\"\n{block}\n");
    let root = root().display().to_string();
    command::run("bash", ["-euc", &script, "bash", &root], "").await.map(drop)
}

/// Waits until pods of the account get this.
async fn gets(shop: &Test, account: &str, identity: Identity<'static>) -> Result<()> {
    until(&format!("pods of {account} get {identity:?}"), async || {
        let pod = shop.dry_run(workload::unscheduled(account, account)).await?;
        Ok((Identity::of(&pod)? == identity).then_some(()))
    })
    .await
}
