//! The chart with cert-manager, whose part the test plays: it issues what the chart asks for, and writes the caBundles of
//! the registration that names the certificate.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::harness::certificates::Certificates;
use crate::harness::command::{self, kubectl};
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::{Test, until};

const GROUP: &str = "cert-manager.io";

pub async fn certificate_is_asked_for_and_its_authority_injected(test: Test) -> Result<()> {
    let definitions = ["Issuer", "Certificate"].map(|kind| definition(kind).to_string());
    for definition in &definitions {
        command::apply(definition).await?;
    }
    test.cluster.await_kinds(&format!("{GROUP}/v1"), &["Issuer", "Certificate"]).await?;
    let values = json!({
        "replicas": 1,
        "certificate": {"certManager": {"enabled": true}},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    let name = "issued";
    let release = Release { name: name.to_owned(), namespace: test.namespace.clone() };
    let (installed, issued) =
        tokio::join!(Release::install(&test.cluster, name, &test.namespace, &values), issue(&test, &release));
    issued?;
    installed?;
    await_injection(&test.cluster, &test.namespace).await?;
    // An upgrade leaves the bundles alone that cert-manager has written.
    release.upgrade(&test.cluster, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    release.uninstall().await?;
    let names = ["issuers.cert-manager.io", "certificates.cert-manager.io"];
    kubectl([&["delete", "customresourcedefinition"], &names[..]].concat()).await.map(drop)
}

/// A kind of cert-manager's, with any fields.
fn definition(kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    })
}

/// Waits for the request for a serving certificate, and does what cert-manager and its cainjector do.
async fn issue(test: &Test, release: &Release) -> Result<()> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, "v1", "Certificate"));
    let requests: Api<DynamicObject> = Api::namespaced_with(test.client.clone(), &test.namespace, &kind);
    let request = until("the chart asks for a certificate", async || {
        Ok(requests.get_opt(&release.fullname()).await.unwrap_or(None))
    })
    .await?;
    let spec = &request.data["spec"];
    let names: Vec<_> = spec["dnsNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let service = format!("{}.{}.svc", release.fullname(), test.namespace);
    ensure!(names.contains(&service.as_str()), "asked for {names:?}");
    let certificates = Certificates::of(&names)?;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": spec["secretName"]},
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": STANDARD.encode(&certificates.leaf.certificate_pem),
            "tls.key": STANDARD.encode(&certificates.leaf.key_pem),
            "ca.crt": STANDARD.encode(&certificates.authority),
        },
    });
    test.apply(&secret.to_string()).await?;

    let registrations: Api<MutatingWebhookConfiguration> = Api::all(test.client.clone());
    let registration = until("the chart registers the webhook", async || {
        Ok(registrations.get_opt(&release.registration()).await?)
    })
    .await?;
    let annotation = registration.metadata.annotations.as_ref();
    let from =
        annotation.and_then(|all| all.get("cert-manager.io/inject-ca-from")).context("no annotation")?;
    ensure!(*from == format!("{}/{}", test.namespace, release.fullname()), "injected from {from}");
    let bundle = STANDARD.encode(&certificates.authority);
    let entries = 0..registration.webhooks.map_or(0, |entries| entries.len());
    let patch: Vec<_> = entries
        .map(|entry| json!({"op": "add", "path": format!("/webhooks/{entry}/clientConfig/caBundle"), "value": bundle}))
        .collect();
    let patch = format!("--patch={}", json!(patch));
    let words = ["patch", "mutatingwebhookconfiguration", &release.registration(), "--type=json", &patch];
    kubectl(words).await.map(drop)
}
