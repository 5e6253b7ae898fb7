//! A release's replicas, by what they say of themselves on their metrics port.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::release::Release;
use super::{Test, command};

/// A pod of a release.
pub struct Replica {
    pub pod: Pod,
    pods: Api<Pod>,
}

impl Replica {
    /// All replicas of the release but those on their way out.
    pub async fn all(test: &Test, release: &Release) -> Result<Vec<Self>> {
        let pods: Api<Pod> = Api::namespaced(test.client.clone(), &release.namespace);
        let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
        let found = pods.list(&own).await?.items.into_iter();
        let staying = found.filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(staying.map(|pod| Self { pod, pods: pods.clone() }).collect())
    }

    /// Its address among the pods.
    pub fn address(&self) -> Option<&str> {
        self.pod.status.as_ref()?.pod_ip.as_deref()
    }

    /// How often its container was started anew.
    pub fn restarts(&self) -> i32 {
        let statuses = self.pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        statuses.map(|status| status.restart_count).sum()
    }

    /// Whether the Service leads to it.
    pub fn is_ready(&self) -> bool {
        is_ready(&self.pod)
    }

    /// Its container, by the name that containerd has for it.
    pub fn container(&self) -> Option<&str> {
        let mut statuses =
            self.pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        statuses.find_map(|status| status.container_id.as_deref()?.strip_prefix("containerd://"))
    }

    /// A page of its metrics port.
    pub async fn page(&self, path: &str) -> Result<String> {
        let (namespace, name) = (self.pod.namespace().unwrap_or_default(), self.pod.name_any());
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:9999/proxy/{path}");
        command::kubectl(["get", "--raw", &path]).await
    }

    /// A whole number of its metrics, by name and labels; `None` if there is no such line.
    pub async fn metric(&self, name: &str) -> Result<Option<u64>> {
        let metrics = self.page("metrics").await?;
        Ok(metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()))
    }

    /// Has kubelet look at the pod, and so at what it mounts: it does so by itself about once a minute.
    pub async fn nudge(&self) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let patch = json!({"metadata": {"annotations": {"e2e.test/nudged": now.as_nanos().to_string()}}});
        self.pods.patch(&self.pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }
}

/// Whether kubelet has found a pod to be ready.
pub fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
