//! The chart in kube-system: its own pods must start without it, all others there are its business.

use anyhow::{Context, Result, anyhow, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use crate::harness::command::kubectl;
use crate::harness::release::Release;
use crate::harness::{Injected, Test, until};

const KUBE_SYSTEM: &str = "kube-system";

/// Label of the pods that the release is asked about: those of the cluster and of tests beside are not.
const ASKED: &str = "e2e.pod-identity-webhook/asked";

const ROLE: &str = "arn:aws:iam::111122223333:role/kube-system";

/// Under Fail a release that was asked about its own pods would never start again.
pub async fn in_kube_system_only_own_pods_are_left_alone(test: Test) -> Result<()> {
    // The end of the namespace's name is unique, and short, as all objects' names begin with it.
    let start = test.namespace.rmatch_indices('-').nth(1).map_or(0, |(start, _)| start);
    let name = format!("e2e{}", test.namespace.get(start..).unwrap_or_default());
    let release = Release { name, namespace: KUBE_SYSTEM.to_owned() };
    let held = holds(&test, &release).await;
    let held = match held {
        Err(error) => Err(anyhow!("{error:#}\n\nits log:\n{}", log(&release).await)),
        Ok(()) => Ok(()),
    };
    // This runs after a failure too: nothing of a test may stay in the cluster's own namespace.
    let removed = release.uninstall().await;
    held.and(removed)
}

async fn holds(test: &Test, release: &Release) -> Result<()> {
    let prefix = format!("{}.example", release.name);
    let values = json!({
        "replicas": 1,
        "podLabels": {ASKED: release.name},
        "injection": {"annotationPrefix": prefix},
        "server": {"shutdownDelaySeconds": 0},
        "serviceAccount": {"annotations": {format!("{prefix}/role-arn"): ROLE}},
        "webhook": {
            "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": KUBE_SYSTEM}},
            "objectSelectorExpressions": [{"key": ASKED, "operator": "In", "values": [release.name]}],
        },
    });
    Release::install(&test.cluster, &release.name, KUBE_SYSTEM, &values).await?;
    let pods = Pods::of(test, release).await?;
    let injected = async || Ok(pods.role_of_another().await?.filter(|role| role == ROLE));
    until("pods in kube-system get their role", injected).await?;
    ensure!(pods.role_of_own().await?.is_none(), "the release is asked about its own pods");

    pods.scale(0).await?;
    let refused = pods.role_of_another().await.err().context("a pod is admitted though nobody answers")?;
    ensure!(format!("{refused:#}").contains("failed calling webhook"), "{refused:#}");
    pods.scale(1).await?;
    let replicas = pods.api.list(&pods.selector).await?.items;
    let [replica] = replicas.as_slice() else { bail!("{} replicas", replicas.len()) };
    ensure!(Injected(replica).is_bare(), "the replica has an identity");
    let class = replica.spec.as_ref().and_then(|spec| spec.priority_class_name.as_deref());
    ensure!(class == Some("system-cluster-critical"), "the replica has the priority {class:?}");
    until("pods in kube-system get their role again", injected).await.map(drop)
}

/// Pods in kube-system that have the release's account, and so a role.
struct Pods<'a> {
    api: Api<Pod>,
    /// A pod as the release's Deployment makes it.
    own: Value,
    /// Finds the release's own pods.
    selector: ListParams,
    release: &'a Release,
}

impl<'a> Pods<'a> {
    async fn of(test: &Test, release: &'a Release) -> Result<Self> {
        let deployments: Api<Deployment> = Api::namespaced(test.client.clone(), KUBE_SYSTEM);
        let deployment = deployments.get(&release.fullname()).await?;
        let mut own = json!(deployment.spec.context("a Deployment without spec")?.template);
        own["metadata"]["name"] = json!(release.name);
        let selector = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
        Ok(Self { api: Api::namespaced(test.client.clone(), KUBE_SYSTEM), own, selector, release })
    }

    /// What a pod like the release's own gets.
    async fn role_of_own(&self) -> Result<Option<String>> {
        self.role_of(&self.own).await
    }

    /// What a pod gets that lacks only the one label by which pods are the release's own.
    async fn role_of_another(&self) -> Result<Option<String>> {
        let mut another = self.own.clone();
        let labels = another["metadata"]["labels"].as_object_mut().context("a template without labels")?;
        labels.remove(&format!("{}/own", self.release.registration())).context("no label of its own")?;
        self.role_of(&another).await
    }

    async fn role_of(&self, pod: &Value) -> Result<Option<String>> {
        let pod: Pod = serde_json::from_value(pod.clone())?;
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        let pod = self.api.create(&dry_run, &pod).await?;
        Ok(Injected(&pod).value("webhook", "AWS_ROLE_ARN").map(str::to_owned))
    }

    /// Scales the release, and waits until there are that many replicas and no other.
    async fn scale(&self, replicas: usize) -> Result<()> {
        let deployment = format!("deployment/{}", self.release.fullname());
        let count = format!("--replicas={replicas}");
        kubectl(["scale", &deployment, "--namespace", KUBE_SYSTEM, &count]).await?;
        kubectl(["rollout", "status", &deployment, "--namespace", KUBE_SYSTEM, "--timeout=120s"]).await?;
        let there = async || Ok((self.api.list(&self.selector).await?.items.len() == replicas).then_some(()));
        until(&format!("there are {replicas} replicas"), there).await
    }
}

/// The last words of the release's pods.
async fn log(release: &Release) -> String {
    let selector = format!("--selector=app.kubernetes.io/instance={}", release.name);
    let words = ["logs", "--namespace", KUBE_SYSTEM, &selector, "--tail=50"];
    kubectl(words).await.unwrap_or_else(|error| format!("{error:#}"))
}
