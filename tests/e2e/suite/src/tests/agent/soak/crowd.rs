//! The pods: each stays for a while once it runs, and another comes for it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::STAY;
use crate::harness::Test;
use crate::harness::asking::{Counts, asking};
use crate::harness::workload::of_spec;
use crate::tests::agent::ACCOUNT;

pub struct Crowd {
    test: Test,
    api: Api<Pod>,
    spec: Value,
    pods: BTreeMap<String, Stage>,
    /// Of the pods that were to go.
    counts: Counts,
}

enum Stage {
    Starting,
    Running(Instant),
    Going,
    /// When it was seen to be gone.
    Gone(Duration),
}

impl Crowd {
    pub fn new(test: &Test) -> Result<Self> {
        let (api, spec) = (test.api(), asking(test, ACCOUNT)?);
        Ok(Self { test: test.clone(), api, spec, pods: BTreeMap::new(), counts: Counts::default() })
    }

    /// Looks at all pods, and ends those that have stayed.
    pub async fn look(&mut self) -> Result<()> {
        let there = self.api.list(&ListParams::default().labels("app=soak").match_any()).await?;
        let there: BTreeMap<_, _> = there
            .items
            .iter()
            .map(|pod| (pod.metadata.name.clone().unwrap_or_default(), is_running(pod)))
            .collect();
        let now = since_1970();
        let mut stayed = Vec::new();
        for (name, stage) in &mut self.pods {
            match (&stage, there.get(name)) {
                (Stage::Starting, Some(true)) => *stage = Stage::Running(Instant::now()),
                (Stage::Running(since), Some(_)) if since.elapsed() >= STAY => stayed.push(name.clone()),
                (Stage::Going, None) => *stage = Stage::Gone(now),
                _ => {}
            }
        }
        for name in stayed {
            self.count(&name).await;
            self.api.delete(&name, &DeleteParams::default()).await?;
            self.pods.insert(name, Stage::Going);
        }
        Ok(())
    }

    /// Makes pods until there are so many.
    pub async fn fill(&mut self, number: usize) -> Result<()> {
        while self.present() < number {
            let name = format!("soak-{:05}", self.pods.len());
            let mut pod = of_spec(&name, &self.spec);
            pod["metadata"]["labels"] = json!({"app": "soak", "eks.amazonaws.com/pod-identity": "enabled"});
            self.test.create(pod).await?;
            self.pods.insert(name, Stage::Starting);
        }
        Ok(())
    }

    pub fn present(&self) -> usize {
        self.pods.len() - self.gone()
    }

    pub fn gone(&self) -> usize {
        self.pods.values().filter(|stage| matches!(stage, Stage::Gone(_))).count()
    }

    /// When a pod was seen to be gone, since 1970.
    pub fn end(&self, name: &str) -> Result<Duration> {
        match self
            .pods
            .get(name)
            .with_context(|| format!("a call for {name:?}, which is none of the pods"))?
        {
            Stage::Gone(at) => Ok(*at),
            _ => anyhow::bail!("{name} is not gone"),
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    async fn count(&mut self, name: &str) {
        let Counts { calls, failed, errors, .. } = Counts::of(&self.api, name).await;
        self.counts.calls += calls;
        self.counts.failed += failed;
        self.counts.errors.extend(errors);
    }
}

fn is_running(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
