//! Registrations of tests that bring a webhook of their own.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Resource};
use serde_json::{Value, json};

use super::{Cluster, Injected, command, until, workload};

/// Registers a webhook for the pods of one namespace alone; undone by [`Registration::remove`], or
/// with the end of the namespace.
pub struct Registration {
    pub name: String,
    cluster: kube::Client,
}

impl Registration {
    /// `client_config` is `{"url": …}` or `{"service": …}`, without the bundle; `webhook` overrides
    /// fields of the registration, which is managed EKS' otherwise.
    pub async fn new(
        cluster: &Cluster,
        namespace: &str,
        suffix: &str,
        client_config: Value,
        authority: &str,
        webhook: &Value,
    ) -> Result<Self> {
        // The namespace's name is there only once, so the registration's name is too.
        let name = format!("{namespace}-{suffix}");
        Self::named(cluster, namespace, &name, client_config, authority, webhook).await
    }

    /// The same under a name of its own, which only one test may use.
    pub async fn named(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        mut client_config: Value,
        authority: &str,
        webhook: &Value,
    ) -> Result<Self> {
        client_config["caBundle"] = json!(STANDARD.encode(authority));
        let mut hook = json!({
            "name": "iam-for-pods.amazonaws.com",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": client_config,
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "failurePolicy": "Ignore",
            "matchPolicy": "Equivalent",
            "reinvocationPolicy": "IfNeeded",
            "sideEffects": "None",
            "timeoutSeconds": 10,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "objectSelector": {"matchExpressions": [
                {"key": "eks.amazonaws.com/skip-pod-identity-webhook", "operator": "DoesNotExist"},
            ]},
        });
        if let (Some(hook), Some(overrides)) = (hook.as_object_mut(), webhook.as_object()) {
            hook.extend(overrides.clone());
        }
        let namespace = Api::<Namespace>::all(cluster.client.clone()).get(namespace).await?;
        let configuration = serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "labels": {super::test::OURS: "true"},
                "ownerReferences": [namespace.owner_ref(&())],
            },
            "webhooks": [hook],
        }))?;
        let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.client.clone());
        api.create(&PostParams::default(), &configuration).await?;
        Ok(Self { name: name.to_owned(), cluster: cluster.client.clone() })
    }

    /// Removes the registration.
    pub async fn remove(self) -> Result<()> {
        let api: Api<MutatingWebhookConfiguration> = Api::all(self.cluster);
        api.delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}

/// Waits until the API server calls the webhook for pods of this namespace: it learns of a
/// registration by a watch of its own, a moment after the object is there.
pub async fn await_injection(cluster: &Cluster, namespace: &str) -> Result<()> {
    let account =
        workload::account(namespace, "probe", &[("role-arn", "arn:aws:iam::111122223333:role/probe")]);
    command::apply(&account.to_string()).await?;
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let pod: Pod = serde_json::from_value(workload::unscheduled("probe", "probe"))?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    until(&format!("the API server calls the webhook for namespace {namespace}"), async || {
        let pod = pods.create(&dry_run, &pod).await?;
        Ok(Injected(&pod).value("main", "AWS_ROLE_ARN").map(drop))
    })
    .await
}

/// How many calls of webhooks of this name the API server gave up, and admitted the pod unchanged.
pub async fn fail_open_count(webhook: &str) -> Result<u64> {
    count("apiserver_admission_webhook_fail_open_count", webhook).await
}

/// How many calls of webhooks of this name the API server has made, whatever came of them.
pub async fn request_count(webhook: &str) -> Result<u64> {
    count("apiserver_admission_webhook_request_total", webhook).await
}

/// How many pods the API server refused because of webhooks of this name, for whatever reason.
pub async fn rejection_count(webhook: &str) -> Result<u64> {
    count("apiserver_admission_webhook_rejection_count", webhook).await
}

/// The sum of a counter of the API server for webhooks of this name.
async fn count(counter: &str, webhook: &str) -> Result<u64> {
    let metrics = command::kubectl(["get", "--raw", "/metrics"]).await?;
    let (counter, name) = (format!("{counter}{{"), format!("name=\"{webhook}\""));
    let counts = metrics.lines().filter(|line| line.starts_with(&counter) && line.contains(&name));
    counts.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<u64>()?)).sum()
}
