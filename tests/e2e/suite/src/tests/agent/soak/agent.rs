//! What the agents use, by their metrics.

use std::fmt;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;

use crate::harness::release::Release;
use crate::harness::{Test, command};

/// The metrics port, which is on the node's own addresses.
const PORT: u16 = 2705;

/// The agents of a release, one on each node.
pub struct Agents {
    /// The API server's ways to their metrics.
    paths: Vec<String>,
}

/// What all of them use together.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Pods whose credentials are held.
    pub pods: u64,
    /// Bytes.
    pub resident: u64,
    pub descriptors: u64,
}

impl Agents {
    pub async fn of(test: &Test, release: &Release) -> Result<Self> {
        let set: DaemonSet = test.api().get(&format!("{}-agent", release.fullname())).await?;
        let selector = set.spec.context("no spec")?.selector.match_labels.unwrap_or_default();
        let selector: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pods: Api<Pod> = test.api();
        let pods = pods.list_metadata(&ListParams::default().labels(&selector.join(","))).await?.items;
        let names = pods.into_iter().filter_map(|pod| pod.metadata.name);
        let namespace = &test.namespace;
        let path = |name| format!("/api/v1/namespaces/{namespace}/pods/{name}:{PORT}/proxy/metrics");
        let paths: Vec<_> = names.map(path).collect();
        ensure!(!paths.is_empty(), "no agents");
        Ok(Self { paths })
    }

    pub async fn usage(&self) -> Result<Usage> {
        let mut usage = Usage::default();
        for path in &self.paths {
            let metrics = command::kubectl(["get", "--raw", path]).await?;
            usage.pods += gauge(&metrics, "pod_identity_agent_cached_pods")?;
            usage.resident += gauge(&metrics, "process_resident_memory_bytes")?;
            usage.descriptors += gauge(&metrics, "process_open_fds")?;
        }
        Ok(usage)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pods, resident, descriptors } = self;
        write!(f, "{pods} pods held, {} KiB, {descriptors} descriptors", resident >> 10)
    }
}

fn gauge(metrics: &str, name: &str) -> Result<u64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).with_context(|| format!("no whole number {name}"))
}
