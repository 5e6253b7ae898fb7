//! Whether replicas stay well: never restarted, never out of the Service, no probe unanswered.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Test;
use super::release::Release;
use super::replica::Replica;

const PERIOD: Duration = Duration::from_millis(500);

/// Looks at a release's replicas until [`Vigil::end`].
pub struct Vigil {
    stop: watch::Sender<bool>,
    task: JoinHandle<BTreeMap<String, String>>,
    test: Test,
    namespace: String,
    failures: i32,
}

impl Vigil {
    /// Begins; the replicas have to be ready.
    pub async fn begin(test: &Test, release: &Release) -> Result<Self> {
        let stop = watch::Sender::new(false);
        let namespace = release.namespace.clone();
        let failures = failed_probes(test, &namespace).await?;
        let task = tokio::spawn(look(test.clone(), release.clone(), stop.subscribe()));
        Ok(Self { stop, task, test: test.clone(), namespace, failures })
    }

    /// What was wrong, a line each; nothing if all was well.
    pub async fn end(self) -> Result<Vec<String>> {
        self.stop.send_replace(true);
        let mut found: Vec<_> =
            self.task.await?.into_iter().map(|(what, when)| format!("{when}: {what}")).collect();
        let failures = failed_probes(&self.test, &self.namespace).await? - self.failures;
        if failures > 0 {
            found.push(format!("{failures} probes failed"));
        }
        Ok(found)
    }
}

/// What was wrong and when it was seen first.
async fn look(test: Test, release: Release, stop: watch::Receiver<bool>) -> BTreeMap<String, String> {
    let (began, mut found) = (Instant::now(), BTreeMap::new());
    while !*stop.borrow() {
        // An API server that is kept busy may not answer at once: then it is looked later.
        for replica in Replica::all(&test, &release).await.unwrap_or_default() {
            let name = replica.pod.name_any();
            let when = || format!("after {:.1?}", began.elapsed());
            if replica.restarts() > 0 {
                found.entry(format!("{name} was restarted {}", why(&replica))).or_insert_with(when);
            }
            if !replica.is_ready() {
                found.entry(format!("{name} is not ready")).or_insert_with(when);
            }
        }
        sleep(PERIOD).await;
    }
    found
}

fn why(replica: &Replica) -> String {
    let statuses = replica.pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let ended = statuses.filter_map(|status| status.last_state.as_ref()?.terminated.as_ref());
    let reasons =
        ended.map(|ended| format!("{} {}", ended.exit_code, ended.reason.clone().unwrap_or_default()));
    format!("({})", reasons.collect::<Vec<_>>().join(", "))
}

/// How many probes kubelet has told of that failed.
async fn failed_probes(test: &Test, namespace: &str) -> Result<i32> {
    let events: Api<Event> = Api::namespaced(test.client.clone(), namespace);
    let unhealthy = events.list(&ListParams::default().fields("reason=Unhealthy")).await?;
    Ok(unhealthy.items.iter().map(|event| event.count.unwrap_or(1)).sum())
}
