//! The chart, installed with helm as users do.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::certificates::Certificates;
use super::cluster::root;
use super::test::{OURS, OWN_WEBHOOK};
use super::{Cluster, command, registration, replica, until};

/// Where the release lives that most tests share.
pub const SHARED: &str = "e2e-webhook";

/// The shared release's name, which is then its objects' too.
pub const SHARED_NAME: &str = "pod-identity-webhook";

/// Region that the shared release gives to pods which have none.
pub const REGION: &str = "eu-central-1";

/// A release of the chart.
#[derive(Debug, Clone)]
pub struct Release {
    pub name: String,
    pub namespace: String,
}

impl Release {
    /// Installs the chart with these values beside what the suite must set, and waits until it is ready. The
    /// namespace has to be there, and nothing else.
    pub async fn install(cluster: &Cluster, name: &str, namespace: &str, values: &Value) -> Result<Self> {
        let release = Self { name: name.to_owned(), namespace: namespace.to_owned() };
        release.helm(cluster, "install", values).await?;
        Ok(release)
    }

    /// The same with a certificate of the test's own, in a Secret that it makes.
    pub async fn install_with_secret(
        cluster: &Cluster,
        name: &str,
        namespace: &str,
        values: &Value,
    ) -> Result<Self> {
        let release = Self { name: name.to_owned(), namespace: namespace.to_owned() };
        release.make_certificate().await?;
        let mut values = values.clone();
        values["certificate"]["secretName"] = json!(format!("{}-tls", release.fullname()));
        release.helm(cluster, "install", &values).await?;
        Ok(release)
    }

    /// What API servers trust of it, by the first entry of its registration.
    pub async fn authority(&self, cluster: &Cluster) -> Result<String> {
        let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.client.clone());
        let webhooks = api.get(&self.registration()).await?.webhooks;
        let webhook = webhooks.into_iter().flatten().next().context("no entry")?;
        Ok(String::from_utf8(webhook.client_config.ca_bundle.context("no caBundle")?.0)?)
    }

    /// A release of another version of this chart, with a certificate in a Secret under its default name.
    pub async fn install_previous(
        cluster: &Cluster,
        name: &str,
        namespace: &str,
        chart: &Path,
        values: &Value,
    ) -> Result<Self> {
        let release = Self { name: name.to_owned(), namespace: namespace.to_owned() };
        release.make_certificate().await?;
        release.helm_chart(cluster, "install", &chart.display().to_string(), values).await?;
        Ok(release)
    }

    /// `helm upgrade` to these values, and waits until it is rolled out.
    pub async fn upgrade(&self, cluster: &Cluster, values: &Value) -> Result<()> {
        self.helm(cluster, "upgrade", values).await
    }

    /// Waits until there are this many ready replicas, and no others, not even on their way out: helm goes by those that it
    /// has made.
    pub async fn await_replicas(&self, cluster: &Cluster, replicas: usize) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &self.namespace);
        // The node's agents have another name.
        let labels =
            format!("app.kubernetes.io/name=pod-identity-webhook,app.kubernetes.io/instance={}", self.name);
        let own = ListParams::default().labels(&labels);
        until(&format!("there are {replicas} ready replicas and no others"), async || {
            let found = pods.list(&own).await?.items;
            let staying = found.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
            let ready = staying.filter(|pod| replica::is_ready(pod)).count();
            Ok((found.len() == replicas && ready == replicas).then_some(()))
        })
        .await
    }

    /// `helm uninstall`, and waits until nothing of it is left.
    pub async fn uninstall(&self) -> Result<()> {
        let words = ["uninstall", &self.name, "--namespace", &self.namespace, "--wait", "--timeout=120s"];
        command::run("helm", words, "").await.map(drop)
    }

    /// Name of its Deployment, its Service and so on, as the chart makes it.
    pub fn fullname(&self) -> String {
        let chart = "pod-identity-webhook";
        if self.name.contains(chart) { self.name.clone() } else { format!("{}-{chart}", self.name) }
    }

    /// Name of its registration.
    pub fn registration(&self) -> String {
        format!("{}.{}", self.fullname(), self.namespace)
    }

    async fn helm(&self, cluster: &Cluster, verb: &str, values: &Value) -> Result<()> {
        let chart = root().join("charts/pod-identity-webhook").display().to_string();
        self.helm_chart(cluster, verb, &chart, values).await
    }

    async fn helm_chart(&self, cluster: &Cluster, verb: &str, chart: &str, values: &Value) -> Result<()> {
        let (repository, tag) = cluster.image.rsplit_once(':').context("IMAGE without a tag")?;
        let ours = json!({
            "image": {"repository": repository, "tag": tag},
            // By this label the next run finds what is left outside of the namespace.
            "commonLabels": {OURS: "true"},
        });
        let folder = tempfile::tempdir()?;
        let files = [folder.path().join("values.json"), folder.path().join("ours.json")];
        std::fs::write(&files[0], values.to_string())?;
        std::fs::write(&files[1], ours.to_string())?;
        let files = files.map(|file| format!("--values={}", file.display()));
        let mut words = vec![verb, &self.name, chart, "--namespace", &self.namespace];
        words.extend([files[0].as_str(), &files[1], "--wait", "--timeout=120s"]);
        command::run("helm", words, "").await.map(drop)
    }

    async fn make_certificate(&self) -> Result<()> {
        let certificates = Certificates::of(&[&format!("{}.{}.svc", self.fullname(), self.namespace)])?;
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": format!("{}-tls", self.fullname()), "namespace": self.namespace},
            "type": "Opaque",
            "data": {
                "ca.crt": STANDARD.encode(certificates.authority),
                "tls.crt": STANDARD.encode(certificates.leaf.certificate_pem),
                "tls.key": STANDARD.encode(certificates.leaf.key_pem),
            },
        });
        command::apply(&secret.to_string()).await
    }
}

/// Installs the release that most tests share, in place of one that an earlier run left behind, or with
/// `REUSE` if there is none; then nothing that was left is taken away. It keeps out of the namespaces of
/// tests that bring a webhook of their own.
pub async fn install_shared(cluster: &Cluster) -> Result<()> {
    if is_kept() {
        match status_of_shared().await?.as_deref() {
            None => {}
            Some("deployed") => return Ok(()),
            Some(other) => bail!(
                "the release {SHARED_NAME} in {SHARED} cannot be reused, it is {other}: run once without REUSE, \
                 which takes away all that the suite made"
            ),
        }
    } else {
        remove_shared().await?;
    }
    command::apply(&namespace(SHARED, false).to_string()).await?;
    let not_theirs = json!({"matchExpressions": [{"key": OWN_WEBHOOK, "operator": "DoesNotExist"}]});
    let values = json!({
        "injection": {"awsDefaultRegion": REGION},
        "webhook": {"namespaceSelector": not_theirs},
    });
    let release = Release::install(cluster, SHARED_NAME, SHARED, &values).await?;
    registration::await_injection(cluster, SHARED).await?;
    println!("installed {} in {SHARED}", release.name);
    Ok(())
}

/// Removes what the suite made, unless a test failed and its objects may be needed to find out why.
pub async fn clean_up(is_well: bool) -> Result<()> {
    if !is_well {
        println!("left as it is, to look at: namespaces with the label {OURS}");
    }
    if is_well && !is_kept() {
        remove_shared().await?;
    }
    Ok(())
}

/// What helm says of the shared release: `deployed`, or what kept it from that; `None` if it is not there.
async fn status_of_shared() -> Result<Option<String>> {
    let words = ["status", SHARED_NAME, "--namespace", SHARED, "--output=json"];
    let output = command::output("helm", words, "").await?;
    if output.code != 0 && output.stderr.contains("release: not found") {
        return Ok(None);
    }
    ensure!(output.code == 0, "helm status ended with {}:\n{}", output.code, output.stderr);
    let status: Value = serde_json::from_str(&output.stdout)?;
    let status = status["info"]["status"].as_str().context("helm names no status")?;
    Ok(Some(status.to_owned()))
}

/// Whether `REUSE` asks for the release of the last run, and to leave it for the next.
fn is_kept() -> bool {
    std::env::var_os("REUSE").is_some()
}

async fn remove_shared() -> Result<()> {
    let words = ["uninstall", SHARED_NAME, "--namespace", SHARED, "--ignore-not-found", "--wait"];
    command::run("helm", words, "").await?;
    // All are deleted at once, with one wait: namespaces of tests that ended may still be on their way out.
    let selector = format!("--selector={OURS}");
    let kinds = "namespaces,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,flowschemas,\
                 prioritylevelconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,\
                 customresourcedefinitions";
    command::kubectl(["delete", kinds, &selector, "--wait", "--timeout=180s"]).await.map(drop)
}

/// A namespace of the suite.
pub fn namespace(name: &str, has_own_webhook: bool) -> Value {
    let mut labels = json!({OURS: "true"});
    if has_own_webhook {
        labels[OWN_WEBHOOK] = json!("true");
    }
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}
