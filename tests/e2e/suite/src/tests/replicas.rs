//! Replicas that die while pods are created.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::cluster::Skipped;
use crate::harness::load::Load;
use crate::harness::registration::{await_injection, fail_open_count};
use crate::harness::release::Release;
use crate::harness::{Test, until};

const REPLICAS: usize = 3;

/// How long each of the load's clients waits between two pods.
const PAUSE: Duration = Duration::from_millis(100);

/// Under Ignore a call that dies with its replica is a pod without identity, which the webhook cannot
/// prevent; the test only asks that these are the only ones.
pub async fn a_killed_replica_costs_nothing_but_the_calls_that_die_with_it(test: Test) -> Result<()> {
    // The name is this test's alone, because the API server counts by the webhook's name.
    let name = format!("{}.e2e.test", test.namespace);
    let ours = json!({"matchLabels": {"kubernetes.io/metadata.name": test.namespace}});
    let values = json!({"replicas": REPLICAS, "webhook": {"name": name, "namespaceSelector": ours}});
    let release = Release::install(&test.cluster, "killed", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let before = fail_open_count(&name).await?;

    let load = Load::start(&test, PAUSE).await?;
    let began = Instant::now();
    // Each replica gets a signal only once: kubelet delays the start of a container that ends again.
    let signals = each_replica(&test, async |replica| kill(&test, replica).await).await?;
    let lost_by_signals = fail_open_count(&name).await? - before;
    let deletions = each_replica(&test, async |replica| delete(&test, replica).await.map(|()| true)).await?;
    let took = began.elapsed().as_secs_f32();
    let attempts = load.end().await?;
    let lost = fail_open_count(&name).await? - before;
    attempts.ensure_right_but_for(lost)?;
    println!(
        "{signals} replicas killed and {deletions} deleted by force in {took:.0} s under {:.0} pods/s: {} + {} of {} \
         pods failed open, 0 wrong",
        attempts.rate(),
        lost_by_signals,
        lost - lost_by_signals,
        attempts.admitted()
    );
    ensure!(attempts.admitted() == attempts.all.len(), "refused pods:\n{}", attempts.others());
    release.uninstall().await
}

/// Ends every replica in turn, the next when all are ready again. Returns how many `end` has ended.
async fn each_replica(test: &Test, end: impl AsyncFn(&Pod) -> Result<bool>) -> Result<usize> {
    let mut ended = 0;
    for replica in ready_without(test, "").await? {
        if end(&replica).await? {
            ended += 1;
            // This waits until kubelet has seen the end: until then the dead one counts as ready.
            ready_without(test, container(&replica)?).await?;
        }
    }
    Ok(ended)
}

/// The replicas, once all of them are ready and this container is gone.
async fn ready_without(test: &Test, gone: &str) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = test.api();
    let ours = ListParams::default().labels("app.kubernetes.io/name=pod-identity-webhook");
    until("all replicas are ready", async || {
        let replicas = pods.list(&ours).await?.items;
        let is_there = |pod: &&Pod| is_ready(pod) && container(pod).is_ok_and(|id| id != gone);
        let count = replicas.iter().filter(is_there).count();
        Ok((count == REPLICAS && replicas.len() == REPLICAS).then_some(replicas))
    })
    .await
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    pod.metadata.deletion_timestamp.is_none() && ready.any(|condition| condition.status == "True")
}

/// The runtime's name for the replica's only container.
fn container(replica: &Pod) -> Result<&str> {
    let mut statuses = replica.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.find_map(|status| status.container_id.as_deref()).context("no container")
}

/// Sends SIGKILL if the cluster's provider allows it; returns whether it does.
async fn kill(test: &Test, replica: &Pod) -> Result<bool> {
    let Some(id) = container(replica)?.strip_prefix("containerd://") else {
        return Ok(false);
    };
    let words = ["run", "ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", id];
    match test.cluster.verb(&words).await {
        Ok(_) => Ok(true),
        Err(error) if error.is::<Skipped>() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn delete(test: &Test, replica: &Pod) -> Result<()> {
    let name = replica.metadata.name.as_deref().context("a pod without a name")?;
    test.api::<Pod>().delete(name, &DeleteParams::default().grace_period(0)).await?;
    Ok(())
}
