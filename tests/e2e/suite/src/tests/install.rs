//! The chart as users handle it: installed, upgraded and taken away; two of them in one cluster.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::release::Release;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Test, inventory, until, workload};

/// Pods that are asked for at the same time during a rollout: a replica that leaves in the middle of its
/// calls has calls then.
const ABREAST: usize = 8;

/// A registration for the pods of these namespaces alone.
fn only_for(namespaces: &[&str]) -> Value {
    let named = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces});
    json!({"namespaceSelector": {"matchExpressions": [named]}})
}

/// Installs, upgrades and uninstalls; no pod lacks its identity between one set of values and the next.
pub async fn upgrade_loses_no_pod_and_uninstall_leaves_nothing(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let inside = async || inventory::inside(&test.namespace).await;
    let about = async || inventory::about(&test.namespace).await;
    // A controller makes this in every namespace, some time after it.
    let authority = "configmap/kube-root-ca.crt";
    let made = async || Ok(Some(inside().await?).filter(|objects| objects.contains(authority)));
    let before = until("the namespace has all that it comes with", made).await?;
    ensure!(about().await?.is_empty(), "before: {:?}", about().await?);

    let release =
        Release::install(&test.cluster, "first", &test.namespace, &values(&test, "eu-west-1")).await?;
    await_region(&test, "eu-west-1").await?;
    let installed = inside().await?;
    for kind in ["deployment.apps/", "service/", "serviceaccount/", "poddisruptionbudget.policy/"] {
        ensure!(installed.contains(&format!("{kind}{}", release.fullname())), "no {kind} in {installed:?}");
    }
    let kinds: BTreeSet<_> = about().await?.iter().map(|name| kind(name).to_owned()).collect();
    for kind in ["ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration"] {
        ensure!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }

    let pods = rolled_out(&test, &release, "eu-west-2").await?;
    ensure!(pods.values().sum::<u32>() > 10, "hardly any pods during the rollout: {pods:?}");
    ensure!(!pods.contains_key(&None), "pods by the region that they got: {pods:?}");
    await_region(&test, "eu-west-2").await?;

    release.uninstall().await?;
    let restored = async || Ok((inside().await? == before).then_some(()));
    if let Err(error) = until("the namespace is as it was", restored).await {
        let left: Vec<_> = inside().await?.symmetric_difference(&before).cloned().collect();
        bail!("{error:#}; the difference: {left:?}");
    }
    let restored = async || Ok(about().await?.is_empty().then_some(()));
    if let Err(error) = until("nothing outside of the namespace is about it", restored).await {
        bail!("{error:#}; left: {:?}", about().await?);
    }
    Ok(())
}

fn kind(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}

fn values(test: &Test, region: &str) -> Value {
    json!({
        "injection": {"awsDefaultRegion": region},
        // This is what the API server here needs to hear of it; more would only delay the test.
        "server": {"shutdownDelaySeconds": 3},
        "webhook": only_for(&[&test.namespace]),
    })
}

/// The region that a pod which is made now gets.
async fn region(test: &Test) -> Result<Option<String>> {
    let pod = test.dry_run(workload::unscheduled("probe", "checkout")).await?;
    Ok(Injected(&pod).value("main", "AWS_REGION").map(str::to_owned))
}

async fn await_region(test: &Test, wanted: &str) -> Result<()> {
    let found = async || Ok(region(test).await?.filter(|region| region == wanted).map(drop));
    until(&format!("pods get the region {wanted}"), found).await
}

/// Upgrades to this region and makes pods until the old replicas are gone: how many got which region.
async fn rolled_out(test: &Test, release: &Release, to: &str) -> Result<BTreeMap<Option<String>, u32>> {
    let is_over = Cell::new(false);
    let replicas: Api<Pod> = test.api();
    let of_release = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
    let upgrade = async {
        let upgraded = async {
            release.upgrade(&test.cluster, &values(test, to)).await?;
            let two = async || Ok((replicas.list(&of_release).await?.items.len() == 2).then_some(()));
            until("the old replicas are gone", two).await
        };
        let upgraded = upgraded.await;
        is_over.set(true);
        upgraded
    };
    let created = try_join_all((0..ABREAST).map(async |_| {
        let mut regions = Vec::new();
        while !is_over.get() {
            regions.push(region(test).await?);
            // The pause leaves some of the machine to the rollout.
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(regions)
    }));
    let (upgraded, created) = tokio::join!(upgrade, created);
    upgraded?;
    let mut counts = BTreeMap::new();
    for region in created?.into_iter().flatten() {
        *counts.entry(region).or_insert(0) += 1;
    }
    Ok(counts)
}

/// Two releases with a prefix of their own each, in two namespaces: all pods are seen by both.
pub async fn two_releases_inject_for_their_own_annotation_alone(test: Test) -> Result<()> {
    let other = test.in_another_namespace("2").await?;
    let tests = [&test, &other];
    let namespaces = tests.map(|test| test.namespace.as_str());
    // What a release gives bears its name, audiences too: with the same ones, the second would find its token
    // in the pod already, and its call would leave no trace.
    let install = async |test: &Test, name: &'static str| {
        let values = json!({
            "replicas": 1,
            "injection": {
                "annotationPrefix": format!("{name}.example"),
                "awsDefaultRegion": format!("eu-{name}-1"),
                "tokenAudience": format!("{name}.audience.example"),
            },
            "server": {"shutdownDelaySeconds": 0},
            "webhook": only_for(&namespaces),
        });
        Release::install(&test.cluster, name, &test.namespace, &values).await
    };
    let (one, two) = tokio::join!(install(&test, "one"), install(&other, "two"));
    let (one, two) = (one?, two?);
    for test in tests {
        for (account, prefix) in
            [("one", "one.example"), ("two", "two.example"), ("none", "eks.amazonaws.com")]
        {
            let mut manifest = workload::account(&test.namespace, account, &[]);
            manifest["metadata"]["annotations"] = json!({format!("{prefix}/role-arn"): role(account)});
            test.apply(&manifest.to_string()).await?;
        }
    }
    for test in tests {
        for name in ["one", "two"] {
            let seen = async || Ok((!Injected(&pod_of(test, name).await?).is_bare()).then_some(()));
            until(&format!("release {name} sees the pods of {}", test.namespace), seen).await?;
        }
    }
    // Now both are asked about each of these.
    for test in tests {
        for name in ["one", "two"] {
            ensure_identity(&pod_of(test, name).await?, name)?;
        }
        ensure!(Injected(&pod_of(test, "none").await?).is_bare(), "the default prefix is nobody's");
    }
    one.uninstall().await?;
    let gone = async || Ok(Injected(&pod_of(&other, "one").await?).is_bare().then_some(()));
    until("the first release is gone", gone).await?;
    ensure_identity(&pod_of(&test, "two").await?, "two")?;
    two.uninstall().await
}

fn role(account: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{account}")
}

async fn pod_of(test: &Test, account: &str) -> Result<Pod> {
    test.dry_run(workload::unscheduled("probe", account)).await
}

/// All that the release of this name gives a pod, and nothing else of the kind.
fn ensure_identity(pod: &Pod, name: &str) -> Result<()> {
    let injected = Injected(pod);
    let (region, role) = (format!("eu-{name}-1"), role(name));
    let expected = [
        ("AWS_DEFAULT_REGION", region.as_str()),
        ("AWS_REGION", region.as_str()),
        ("AWS_ROLE_ARN", role.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"),
    ];
    ensure!(injected.env("main") == expected, "{name}: {:?}", injected.env("main"));
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let sources = volumes.filter_map(|volume| volume.projected.as_ref()?.sources.as_ref()).flatten();
    let tokens = sources.filter_map(|source| source.service_account_token.as_ref()?.audience.as_deref());
    let audiences: Vec<_> = tokens.collect();
    ensure!(audiences == [format!("{name}.audience.example")], "{name}: {audiences:?}");
    Ok(())
}
