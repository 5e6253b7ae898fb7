//! The pods that stand behind a Service, and what they say through the API server's proxy.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::ListParams;
use serde::Deserialize;

use super::answer::{LARGEST_ANSWER, object, page, present, text};
use super::collection::Collection;
use super::error::ApiError;

/// Most pods that are looked at, a page of a list: nobody has as many replicas.
const MOST: u32 = 500;

/// A pod behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePod {
    /// The pod's name.
    pub name: String,
    /// Whether the Service sends it anything.
    pub is_ready: bool,
    /// The number of the container port that is asked for by name, if it has one.
    pub port: Option<u16>,
}

/// What stands behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicePods {
    /// There is no Service of that name.
    NoService,
    /// It selects no pods: somebody writes its endpoints.
    NoSelector,
    /// Those that its selector matches, without those that have ended or are about to.
    Pods(Vec<ServicePod>),
}

#[derive(Deserialize)]
struct ServiceObject {
    #[serde(default)]
    spec: ServiceSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    selector: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodList {
    api_version: String,
    kind: String,
    items: Vec<PodObject>,
}

#[derive(Deserialize)]
struct PodObject {
    metadata: PodMetadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodMetadata {
    name: String,
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    ports: Vec<ContainerPort>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerPort {
    name: String,
    container_port: u16,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: String,
    conditions: Vec<PodCondition>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// Finds the pods of a Service; `port` is the name of the container port whose number is wanted.
///
/// # Errors
/// The API server does not answer or refuses (403 if the caller may not read Services or pods), or something else
/// answers in its place.
pub async fn service_pods(
    client: &Client,
    namespace: &str,
    service: &str,
    port: &str,
) -> Result<ServicePods, ApiError> {
    let path = format!("/api/v1/namespaces/{namespace}/services/{service}");
    let found = object::<ServiceObject>(client, &path, "Service").await;
    let Some(ServiceObject { spec }) = present(found)? else { return Ok(ServicePods::NoService) };
    if spec.selector.is_empty() {
        return Ok(ServicePods::NoSelector);
    }
    let selector: Vec<_> = spec.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let params = ListParams::default().labels(&selector.join(",")).limit(MOST);
    let pods = Collection::of::<Pod>(&(), Some(namespace));
    let answer = page(client, &pods, &params, LARGEST_ANSWER).await?;
    let PodList { api_version, kind, items } = serde_json::from_str(&answer).map_err(ApiError::unreadable)?;
    pods.check_list(&api_version, &kind)?;
    let pods = items.into_iter().filter(|pod| !pod.is_over()).map(|pod| pod.of_service(port));
    Ok(ServicePods::Pods(pods.collect()))
}

impl PodObject {
    fn is_over(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
            || matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    fn of_service(self, port: &str) -> ServicePod {
        let Self { metadata, spec, status } = self;
        let mut ports = spec.containers.iter().flat_map(|container| &container.ports);
        ServicePod {
            name: metadata.name,
            is_ready: status
                .conditions
                .iter()
                .any(|condition| condition.kind == "Ready" && condition.status == "True"),
            port: ports.find(|one| one.name == port).map(|one| one.container_port),
        }
    }
}

/// What a pod answers a GET of this path with, over plain HTTP and through the API server: text of `limit` bytes at most.
///
/// # Errors
/// As for [`service_pods`]; the code may also be the pod's own, or 503 if the API server does not reach the pod.
pub async fn proxied(
    client: &Client,
    (namespace, pod, port): (&str, &str, u16),
    path: &str,
    limit: usize,
) -> Result<String, ApiError> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
    text(client, &path, limit).await
}
