//! From what ran before to this chart, under load: no pod goes without its role in between.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::harness::cluster::{Skipped, root};
use crate::harness::command::{self, kubectl};
use crate::harness::go_webhook::{self, GoWebhook};
use crate::harness::load::Load;
use crate::harness::registration::{Registration, await_injection, fail_open_count, request_count};
use crate::harness::release::Release;
use crate::harness::{Test, until};

/// How long each of the load's clients waits between two pods.
const PAUSE: Duration = Duration::from_millis(140);

/// When the old webhook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    First,
    Last,
}

/// The last commit whose chart takes the certificate from a Secret that its users make.
const PREVIOUS: &str = "6e282c9";

fn values(test: &Test, name: &str) -> Value {
    json!({
        "webhook": {
            "name": name,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}},
        },
    })
}

/// A release of the previous chart, with a Secret; `helm upgrade` makes it self-managed.
pub async fn previous_chart_is_upgraded_without_a_gap(test: Test) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tar = folder.path().join("chart.tar").display().to_string();
    let place = root().display().to_string();
    let words = ["-C", &place, "archive", "--output", &tar, PREVIOUS, "charts/pod-identity-webhook"];
    let archived = command::output("git", words, "").await?;
    if archived.code != 0 {
        return Err(
            Skipped(format!("the commit {PREVIOUS} is not in this clone: {}", archived.stderr)).into()
        );
    }
    command::run("tar", ["-xf", &tar, "-C", &folder.path().display().to_string()], "").await?;
    let previous = folder.path().join("charts/pod-identity-webhook");

    let name = format!("{}.e2e.test", test.namespace);
    let values = values(&test, &name);
    let release =
        Release::install_previous(&test.cluster, "old", &test.namespace, &previous, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let before = fail_open_count(&name).await?;
    let load = Load::start(&test, PAUSE).await?;
    release.upgrade(&test.cluster, &values).await?;
    load.goes_on(100).await?;
    ensure_lossless("the previous chart", load, fail_open_count(&name).await? - before).await?;
    release.uninstall().await
}

/// The Go webhook's own manifests, as docs/migration.md says.
pub async fn go_webhooks_manifests_are_replaced_without_a_gap(test: Test) -> Result<()> {
    let theirs =
        json!({"admissionReviewVersions": ["v1beta1"], "reinvocationPolicy": "Never", "objectSelector": {}});
    replaced(test, "the Go webhook's own manifests", Order::First, &theirs).await
}

/// As jkroepke's chart registers it: for both versions of reviews, asked again, with a longer time; and called after
/// ours, by the name of its registration.
pub async fn jkroepkes_chart_is_replaced_without_a_gap(test: Test) -> Result<()> {
    let theirs = json!({"reinvocationPolicy": "IfNeeded", "timeoutSeconds": 30, "objectSelector": {}});
    replaced(test, "jkroepke's chart", Order::Last, &theirs).await
}

/// `theirs` is what their registration has of its own.
async fn replaced(test: Test, what: &str, order: Order, theirs: &Value) -> Result<()> {
    // With a region of its own the pods would tell the two apart.
    let go = GoWebhook::with_files(&test)
        .await?
        .replaced("            - --sts-regional-endpoint\n", "")?
        .replaced("            - --aws-default-region=eu-west-3\n", "")?;
    let authority = go.deploy(&test).await?;
    let name = format!("{}.e2e.test", test.namespace);
    let service = json!({"name": go_webhook::NAME, "namespace": test.namespace, "path": "/mutate"});
    let old_name = format!("old.{name}");
    let mut theirs = theirs.clone();
    theirs["name"] = json!(old_name);
    let client = json!({"service": service});
    // Webhooks are called in the order of their registrations' names, and ours begins with `ours`.
    let registered = format!("{}-{}", if order == Order::First { "a" } else { "z" }, test.namespace);
    let old =
        Registration::named(&test.cluster, &test.namespace, &registered, client, &authority, &theirs).await?;
    await_injection(&test.cluster, &test.namespace).await?;

    let old_before = fail_open_count(&old_name).await?;
    let load = Load::start(&test, PAUSE).await?;
    let release = Release::install(&test.cluster, "ours", &test.namespace, &values(&test, &name)).await?;
    load.goes_on(50).await?;
    is_asked(&test, &release, order).await?;
    // Until the first replica was ready, calls of the new registration were given up; the old one answered.
    let before = fail_open_count(&name).await?;
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(test.client.clone());
    registrations.delete(&old.name, &DeleteParams::default()).await?;
    // The API server hears of it a moment later.
    until("the old webhook is not called any more", async || {
        let asked = request_count(&old_name).await?;
        load.goes_on(100).await?;
        Ok((request_count(&old_name).await? == asked).then_some(()))
    })
    .await?;
    test.api::<Deployment>().delete(go_webhook::NAME, &DeleteParams::default()).await?;
    load.goes_on(100).await?;
    let lost = fail_open_count(&name).await? - before + fail_open_count(&old_name).await? - old_before;
    ensure_lossless(what, load, lost).await?;
    release.uninstall().await
}

/// Waits until pods come to the new release too.
async fn is_asked(test: &Test, release: &Release, old: Order) -> Result<()> {
    // Whoever comes second finds everything done.
    let outcome = if old == Order::First { "complete" } else { "injected" };
    let complete = format!("pod_identity_webhook_admission_duration_seconds_count{{outcome=\"{outcome}\"}}");
    until("the new release is asked", async || {
        for replica in crate::harness::replica::Replica::all(test, release).await? {
            if replica.metric(&complete).await?.unwrap_or(0) > 0 {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
    .await
    .with_context(|| format!("the outcome {outcome} does not grow, see docs/migration.md"))
}

async fn ensure_lossless(what: &str, load: Load, lost: u64) -> Result<()> {
    let attempts = load.end().await?;
    println!(
        "from {what}: {} pods, {:.0} a second, {lost} failed open",
        attempts.admitted(),
        attempts.rate()
    );
    ensure!(lost == 0, "{lost} calls failed open");
    attempts.ensure_right_but_for(0)?;
    ensure!(attempts.admitted() == attempts.all.len(), "refused pods:\n{}", attempts.others());
    Ok(())
}

/// The Go webhook's own way to have its certificate in the cluster, its default: only the image changed, and one rule
/// added to its role.
pub async fn go_webhooks_default_certificate_is_kept_in_the_cluster(test: Test) -> Result<()> {
    let go = GoWebhook::with_files(&test)
        .await?
        .replaced("            - --in-cluster=false\n", "            - --in-cluster=true\n")?
        .replaced("--tls-secret=pod-identity-webhook-cert", "--tls-secret=pod-identity-webhook")?
        .replaced("    resources: [configmaps]\n    verbs: [list, get, watch]\n", THEIR_ROLE)?;
    go.apply(&test).await?;
    // Their registration trusts the cluster's CA, which signs their certificate; it is named like the Service.
    let config_maps: Api<ConfigMap> = test.api();
    let authority = until("the namespace has the cluster's CA", async || {
        let config_map = config_maps.get_opt("kube-root-ca.crt").await?;
        Ok(config_map.and_then(|found| found.data?.remove("ca.crt")))
    })
    .await?;
    let service = json!({"name": go_webhook::NAME, "namespace": test.namespace, "path": "/mutate"});
    let theirs =
        json!({"admissionReviewVersions": ["v1beta1"], "reinvocationPolicy": "Never", "objectSelector": {}});
    let client = json!({"service": service});
    Registration::named(&test.cluster, &test.namespace, go_webhook::NAME, client, &authority, &theirs)
        .await?;

    let selector = "--selector=app=pod-identity-webhook";
    until("it says what it may not do", async || {
        let words = ["logs", "--namespace", &test.namespace, selector, "--tail=-1"];
        let log = command::output("kubectl", words, "").await?;
        let missing = "cannot get resource \"mutatingwebhookconfigurations\"";
        Ok((log.code == 0 && log.stdout.contains(missing)).then_some(()))
    })
    .await?;
    let rule = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": format!("{}-bundles", test.namespace), "ownerReferences": [test.owner().await?]},
        "rules": [{
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "resourceNames": [go_webhook::NAME],
            "verbs": ["get", "update"],
        }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": format!("{}-bundles", test.namespace), "ownerReferences": [test.owner().await?]},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("{}-bundles", test.namespace),
        },
        "subjects": [{"kind": "ServiceAccount", "name": go_webhook::NAME, "namespace": test.namespace}],
    });
    for object in [rule, binding] {
        command::apply(&object.to_string()).await?;
    }
    go_webhook::rolled_out(&test).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let keys = kubectl([
        "get",
        "secret",
        go_webhook::NAME,
        "--namespace",
        &test.namespace,
        "--output=jsonpath={.data}",
    ])
    .await?;
    ensure!(keys.contains("ca.key"), "the Secret has {keys}");
    Ok(())
}

/// What the Go webhook's own role allows besides.
const THEIR_ROLE: &str = "    resources: [configmaps]
    verbs: [list, get, watch]
  - apiGroups: [\"\"]
    resources: [secrets]
    verbs: [create]
  - apiGroups: [\"\"]
    resources: [secrets]
    resourceNames: [pod-identity-webhook]
    verbs: [get, update, patch]
";
