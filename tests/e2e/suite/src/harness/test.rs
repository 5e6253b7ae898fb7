//! One test: its namespace, what it may ask for, and how it ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use libtest_mimic::{Completion, Failed, Trial};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::cluster::{Skipped, root};
use super::{Cluster, command, diagnosis, release, until, workload};

/// Label of everything cluster-wide that the suite makes.
pub const OURS: &str = "e2e.pod-identity-webhook/made";

/// Label of namespaces whose pods the shared release leaves alone.
pub const OWN_WEBHOOK: &str = "e2e.pod-identity-webhook/own-webhook";

/// Account and role that `aws/sts.yaml` puts together.
pub const CHECKOUT_ROLE: &str = "arn:aws:iam::111122223333:role/e2e-checkout";

/// A test before it runs.
pub struct Case {
    name: &'static str,
    body: fn(Test) -> LocalBoxFuture<'static, Result<()>>,
    has_own_webhook: bool,
}

/// A test that runs: the cluster, and a namespace of its own.
#[derive(Clone)]
pub struct Test {
    pub cluster: Arc<Cluster>,
    pub client: Client,
    pub namespace: String,
}

impl Case {
    /// A test in a namespace that the shared release serves.
    pub fn new(name: &'static str, body: fn(Test) -> LocalBoxFuture<'static, Result<()>>) -> Self {
        Self { name, body, has_own_webhook: false }
    }

    /// The same test in a namespace that the shared release leaves alone.
    pub fn with_own_webhook(self) -> Self {
        Self { has_own_webhook: true, ..self }
    }

    /// The test as the runner takes it; without a world it can only be listed.
    pub fn trial(self, world: Option<(Arc<Runtime>, Arc<Cluster>)>) -> Trial {
        Trial::ignorable_test(self.name, move || {
            let (runtime, cluster) = world.ok_or("no cluster")?;
            runtime.block_on(self.run(cluster))
        })
    }

    async fn run(self, cluster: Arc<Cluster>) -> Result<Completion, Failed> {
        let test = Test::begin(cluster, self.name, self.has_own_webhook).await.map_err(failed)?;
        let since = SystemTime::now();
        let Err(error) = caught((self.body)(test.clone())).await else {
            test.end().await.map_err(failed)?;
            return Ok(Completion::Completed);
        };
        if let Some(skipped) = error.downcast_ref::<Skipped>() {
            test.end().await.map_err(failed)?;
            return Ok(Completion::ignored_with(skipped));
        }
        // The namespace stays, so that it can be looked at.
        Err(format!("{error:#}\n\n{}", diagnosis::of(&test, since).await).into())
    }
}

/// How something ended, with a panic as an error, so that what has to be undone is undone in any case.
pub async fn caught(body: impl Future<Output = Result<()>>) -> Result<()> {
    let ended = AssertUnwindSafe(body).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", words(&*panic))))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}

impl Test {
    async fn begin(cluster: Arc<Cluster>, name: &str, has_own_webhook: bool) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The last run's namespaces may still be on their way out.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()) % 1_000_000;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = name.rsplit("::").next().unwrap_or(name).replace('_', "-");
        let namespace = format!("e2e-{name:.40}-{now}-{number}").replace("--", "-");
        let manifest = release::namespace(&namespace, has_own_webhook);
        Self { client: cluster.client.clone(), cluster, namespace }.started(&manifest).await
    }

    /// Creates the namespace and waits until pods can be made in it.
    async fn started(self, manifest: &Value) -> Result<Self> {
        command::apply(&manifest.to_string()).await?;
        // A controller makes this account, and its pods are refused until it is there.
        let accounts: Api<ServiceAccount> = self.api();
        until("the account default exists", async || Ok(accounts.get_opt("default").await?)).await?;
        Ok(self)
    }

    /// The same test in one more namespace, which is served by the same webhook and goes with the first.
    pub async fn in_another_namespace(&self, suffix: &str) -> Result<Self> {
        self.in_namespace(&format!("{}-{suffix}", self.namespace)).await
    }

    /// The same test in a namespace of exactly this name.
    pub async fn in_namespace(&self, name: &str) -> Result<Self> {
        let first = Api::<Namespace>::all(self.client.clone()).get(&self.namespace).await?;
        let is_own = first.metadata.labels.iter().any(|labels| labels.contains_key(OWN_WEBHOOK));
        let mut manifest = release::namespace(name, is_own);
        manifest["metadata"]["ownerReferences"] = json!([self.owner().await?]);
        Self { namespace: name.to_owned(), ..self.clone() }.started(&manifest).await
    }

    async fn end(&self) -> Result<()> {
        command::kubectl(["delete", "namespace", &self.namespace, "--wait=false"]).await.map(drop)
    }

    /// The namespace's objects of a kind.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a ServiceAccount with annotations of the default domain.
    pub async fn account(&self, name: &str, annotations: &[(&str, &str)]) -> Result<()> {
        let account = serde_json::from_value(workload::account(&self.namespace, name, annotations))?;
        self.api::<ServiceAccount>().create(&PostParams::default(), &account).await?;
        Ok(())
    }

    /// Sets an annotation of the default domain.
    pub async fn annotate(&self, account: &str, key: &str, value: &str) -> Result<()> {
        let key = format!("eks.amazonaws.com/{key}");
        let patch = json!({"metadata": {"annotations": {key: value}}});
        self.api::<ServiceAccount>().patch(account, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Creates a pod, and gives it as it was stored.
    pub async fn create(&self, pod: Value) -> Result<Pod> {
        let pod = serde_json::from_value(pod)?;
        Ok(self.api::<Pod>().create(&PostParams::default(), &pod).await?)
    }

    /// Waits until a controller has made a pod with this label, and gives it as it was stored.
    pub async fn made(&self, label: &str) -> Result<Pod> {
        let (pods, labelled): (Api<Pod>, _) = (self.api(), ListParams::default().labels(label));
        let first = async || Ok(pods.list(&labelled).await?.items.into_iter().next());
        until(&format!("there is a pod with the label {label}"), first).await
    }

    /// Has the API server admit a pod and validate what comes of it, without storing it.
    pub async fn dry_run(&self, pod: Value) -> Result<Pod> {
        let pod = serde_json::from_value(pod)?;
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        Ok(self.api::<Pod>().create(&dry_run, &pod).await?)
    }

    /// Creates objects of any kind, in this namespace unless they name another.
    pub async fn apply(&self, manifests: &str) -> Result<()> {
        let namespace = format!("--namespace={}", self.namespace);
        command::run("kubectl", ["apply", &namespace, "--filename=-"], manifests).await.map(drop)
    }

    /// Puts a ConfigMap with this document under its one key in place of the one that is there.
    pub async fn put(&self, config_map: &str, key: &str, document: &str) -> Result<()> {
        let config_map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": config_map},
            "data": {key: document},
        });
        self.apply(&config_map.to_string()).await
    }

    /// The first JSON line that a container printed; waits for it.
    pub async fn printed(&self, pod: &str, container: &str) -> Result<Value> {
        let pods: Api<Pod> = self.api();
        let wanted = LogParams { container: Some(container.to_owned()), ..LogParams::default() };
        until(&format!("container {container} of pod {pod} prints a line of JSON"), async || {
            // A container that has not begun has no log yet; nor has one of a pod that its kubelet has
            // not heard of; a pod that is gone has none any more.
            let text = match pods.logs(pod, &wanted).await {
                Ok(text) => text,
                Err(kube::Error::Api(status)) if status.code == 400 => return Ok(None),
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return pods.get(pod).await.map(|_| None).map_err(Into::into);
                }
                Err(error) => return Err(error.into()),
            };
            Ok(text.lines().find_map(|line| serde_json::from_str(line).ok()))
        })
        .await
    }

    /// The namespace as an owner: what is made outside of it goes when it goes.
    pub async fn owner(&self) -> Result<Value> {
        let namespace = Api::<Namespace>::all(self.client.clone()).get(&self.namespace).await?;
        let metadata = namespace.metadata;
        Ok(json!({"apiVersion": "v1", "kind": "Namespace", "name": metadata.name, "uid": metadata.uid}))
    }

    /// Name of an image of the suite's own: `sts`, `client-rust`, `client-boto3`, `client-go`, `client-js`.
    pub fn image(&self, name: &str) -> Result<String> {
        self.cluster.image_of(name)
    }

    /// Starts the STS that verifies tokens of this cluster, in this namespace: pods that are created
    /// afterwards find it at [`STS_URL`]. `aws/sts.yaml` says which roles it knows.
    pub async fn start_sts(&self) -> Result<()> {
        let discovery = command::kubectl(["get", "--raw", "/.well-known/openid-configuration"]).await?;
        let discovery: Value = serde_json::from_str(&discovery)?;
        let issuer = discovery["issuer"].as_str().context("the cluster names no issuer")?;
        let manifests = std::fs::read_to_string(root().join("tests/e2e/aws/sts.yaml"))?
            .replace("localhost/sts:e2e", &self.image("sts")?)
            .replace("${NAMESPACE}", &self.namespace)
            .replace("${ISSUER}", issuer)
            .replace("${PROVIDER}", issuer.trim_start_matches("https://"));
        self.apply(&manifests).await?;
        let bindings: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        let owned = Patch::Merge(json!({"metadata": {"ownerReferences": [self.owner().await?]}}));
        bindings.patch(&format!("e2e-sts-{}", self.namespace), &PatchParams::default(), &owned).await?;
        let namespace = format!("--namespace={}", self.namespace);
        command::kubectl(["rollout", "status", "deployment/sts", &namespace, "--timeout=120s"]).await?;
        Ok(())
    }
}

/// Where pods find the namespace's STS; resolved by kubelet, for the node has no DNS.
pub const STS_URL: &str = "http://$(STS_SERVICE_HOST)";
