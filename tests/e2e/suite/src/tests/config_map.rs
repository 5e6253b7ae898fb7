//! Roles in the ConfigMap: what it says counts for the pods that are made after it.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::verdict::Verdict;
use crate::harness::{Test, workload};

/// How soon a change decides, and for how long its pods are looked at.
const SOON: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(2200);

/// Pods that are asked for at the same time, for which the API server needs as many connections: so that more
/// than one replica answers them.
const ABREAST: usize = 4;

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

/// A change that was made, by its name, and what the pods of `shop` are to have from then on.
struct Change<'a> {
    name: &'a str,
    wanted: Option<&'a str>,
    is_news: bool,
}

/// The release has no right to read any other ConfigMap.
pub async fn what_the_config_map_says_decides_within_two_seconds(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let ours = json!({"matchLabels": {"kubernetes.io/metadata.name": test.namespace}});
    let values = json!({
        "replicas": 2,
        "sources": {"configMap": {"enabled": true}},
        "webhook": {"name": name, "namespaceSelector": ours},
    });
    let release = Release::install(&test.cluster, "roles", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    test.account("shop", &[]).await?;
    test.account("annotated", &[("role-arn", &role("annotation"))]).await?;
    let mut delays = Vec::new();
    let mut decide = async |name, wanted, is_news| {
        delays.push(decided(&test, &Change { name, wanted, is_news }).await?);
        anyhow::Ok(())
    };

    decide("none", None, false).await?;
    let own = format!("{}/shop", test.namespace);
    put(&test, &json!({&own: {"RoleARN": role("first")}, "*/*": {"RoleARN": role("all")}}).to_string())
        .await?;
    decide("created", Some("first"), true).await?;
    let pod = test.dry_run(workload::unscheduled("annotated", "annotated")).await?;
    ensure!(Verdict::of(&pod, &role("annotation")) == Verdict::Right, "the annotation lost: {pod:?}");

    put(&test, &json!({"e2e-*/shop": {"RoleARN": role("second")}, &own: null}).to_string()).await?;
    decide("a bad entry for it alone", None, true).await?;
    put(&test, &json!({"e2e-*/shop": {"RoleARN": role("second")}, "*/*": {}}).to_string()).await?;
    decide("a wildcard", Some("second"), true).await?;
    put(&test, "{").await?;
    decide("no JSON", Some("second"), false).await?;
    put(&test, &json!({"*/other": {"RoleARN": role("third")}}).to_string()).await?;
    decide("not named any more", None, true).await?;
    put(&test, &json!({"*/shop": {"RoleARN": role("fourth")}}).to_string()).await?;
    decide("named again", Some("fourth"), true).await?;
    test.api::<ConfigMap>().delete("pod-identity-webhook", &DeleteParams::default()).await?;
    decide("deleted", None, true).await?;
    println!("changes of the ConfigMap decided after {}", delays.join(", "));
    release.uninstall().await
}

async fn put(test: &Test, document: &str) -> Result<()> {
    test.put("pod-identity-webhook", "config", document).await
}

/// How long pods of `shop` had something else than is wanted, counted from the moment when the client that
/// changed the ConfigMap knows that it is changed.
async fn decided(test: &Test, change: &Change<'_>) -> Result<String> {
    let changed = Instant::now();
    let wanted = change.wanted.map(role);
    let mut delay = Duration::ZERO;
    while changed.elapsed() < LOOK {
        let asked = changed.elapsed();
        let pods = (0..ABREAST).map(|_| test.dry_run(workload::unscheduled("shop", "shop")));
        for pod in try_join_all(pods).await? {
            let verdict = Verdict::of(&pod, wanted.as_deref().unwrap_or_default());
            if verdict != wanted.as_ref().map_or(Verdict::Bare, |_| Verdict::Right) {
                let is_late = !change.is_news || asked >= SOON;
                ensure!(!is_late, "a pod asked for {asked:?} after {}: {verdict:?}", change.name);
                delay = changed.elapsed();
            }
        }
    }
    Ok(format!("{} ms ({})", delay.as_millis(), change.name))
}
