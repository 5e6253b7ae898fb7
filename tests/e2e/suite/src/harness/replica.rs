//! A release's replicas, by what they say of themselves on their metrics port.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::release::Release;
use super::{Test, command};

/// A pod of a release.
pub struct Replica {
    pub pod: Pod,
}

impl Replica {
    /// All of the release's, also such as are on their way out.
    pub async fn all(test: &Test, release: &Release) -> Result<Vec<Self>> {
        let pods: Api<Pod> = Api::namespaced(test.client.clone(), &release.namespace);
        let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
        let found = pods.list(&own).await?.items;
        Ok(found.into_iter().map(|pod| Self { pod }).collect())
    }

    /// A page of it.
    pub async fn page(&self, path: &str) -> Result<String> {
        let (namespace, name) = (self.pod.namespace().unwrap_or_default(), self.pod.name_any());
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:9999/proxy/{path}");
        command::kubectl(["get", "--raw", &path]).await
    }

    /// A whole number of its metrics, by name and labels; none if there is no such line.
    pub async fn metric(&self, name: &str) -> Result<Option<u64>> {
        let metrics = self.page("metrics").await?;
        Ok(metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()))
    }
}
