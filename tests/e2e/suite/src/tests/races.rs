//! Pods that are made within moments of what decides their identity.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::Client;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::verdict::Verdict;
use crate::harness::{Test, workload};

/// How many accounts are made together with a pod, and by how many clients at the same time.
const PAIRS: usize = 1000;
const CLIENTS: usize = 16;

/// How soon a changed annotation decides, and for how long its pods are looked at.
const SOON: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1200);

/// Pods that are asked for at the same time, for which the API server needs as many connections: so that more
/// than one replica answers them.
const ABREAST: usize = 4;

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

/// The Go webhook misses some of them even on an idle machine. The pods are stored, for what is stored
/// is what kubelet starts; that they never start makes them cheap.
pub async fn a_pod_made_together_with_its_account_has_its_role(test: Test) -> Result<()> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for first in 0..CLIENTS {
        // A client of its own brings a connection of its own.
        let test = Test { client: Client::try_default().await?, ..test.clone() };
        clients.spawn(async move {
            for number in (first..PAIRS).step_by(CLIENTS) {
                let name = format!("shop-{number}");
                test.account(&name, &[("role-arn", &role(&name))]).await?;
                test.create(workload::unscheduled(&name, &name)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let took = began.elapsed();
    let pods = test.api::<Pod>().list(&ListParams::default()).await?.items;
    let names: BTreeSet<_> = pods.iter().filter_map(|pod| pod.metadata.name.as_deref()).collect();
    ensure!(names.len() == PAIRS, "{} pods of {PAIRS} are there", names.len());
    let misses = pods.iter().filter_map(|pod| {
        let name = pod.metadata.name.as_deref()?;
        let verdict = Verdict::of(pod, &role(name));
        (verdict != Verdict::Right).then(|| format!("{name}: {verdict:?}"))
    });
    let misses: Vec<_> = misses.collect();
    println!(
        "{PAIRS} pods made together with their accounts by {CLIENTS} clients in {:.1} s: {} misses",
        took.as_secs_f32(),
        misses.len()
    );
    if !misses.is_empty() {
        // The pods are deleted, because a description of all of them would take minutes and say no more.
        test.api::<Pod>().delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        bail!("misses:\n{}", misses.join("\n"));
    }
    Ok(())
}

/// The second counts from the moment when the client that changed it knows that it is changed.
pub async fn a_changed_annotation_decides_within_a_second(test: Test) -> Result<()> {
    test.account("shop", &[("role-arn", &role("first"))]).await?;
    let mut delays = Vec::new();
    for wanted in [Some("second"), None, Some("third")] {
        let wanted = wanted.map(role);
        let annotation = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": wanted}}});
        let accounts = test.api::<ServiceAccount>();
        accounts.patch("shop", &PatchParams::default(), &Patch::Merge(annotation)).await?;
        let changed = Instant::now();
        let mut delay = Duration::ZERO;
        while changed.elapsed() < LOOK {
            let asked = changed.elapsed();
            let pods = (0..ABREAST).map(|_| test.dry_run(workload::unscheduled("shop", "shop")));
            for pod in try_join_all(pods).await? {
                let verdict = Verdict::of(&pod, wanted.as_deref().unwrap_or_default());
                if verdict != wanted.as_ref().map_or(Verdict::Bare, |_| Verdict::Right) {
                    ensure!(
                        asked < SOON,
                        "a pod asked for {asked:?} after the change to {wanted:?}: {verdict:?}"
                    );
                    delay = changed.elapsed();
                }
            }
        }
        delays.push(format!("{} ms", delay.as_millis()));
    }
    println!("changed annotations decided after {}", delays.join(", "));
    Ok(())
}
