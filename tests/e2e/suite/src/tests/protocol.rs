//! How the API server and others ask: dry runs, versions of the review, the label that keeps a pod out.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};

use crate::harness::command::run;
use crate::harness::port_forward::PortForward;
use crate::harness::release::{SHARED, SHARED_NAME};
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Test, http, workload};

/// Users do this to see what they would get.
pub async fn server_side_dry_run_shows_the_identity_and_stores_nothing(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let namespace = format!("--namespace={}", test.namespace);
    let words = ["create", "--dry-run=server", "--output=json", "--filename=-", &namespace];
    let pod = workload::unscheduled("checkout", "checkout").to_string();
    let shown: Pod = serde_json::from_str(&run("kubectl", words, &pod).await?)?;
    let injected = Injected(&shown);
    ensure!(injected.value("main", "AWS_ROLE_ARN") == Some(CHECKOUT_ROLE), "{:?}", injected.env("main"));
    ensure!(injected.volumes("aws-iam-token").len() == 1, "no volume");
    let stored = test.api::<Pod>().get_opt("checkout").await?;
    ensure!(stored.is_none(), "a dry run has stored the pod");
    Ok(())
}

/// Older API servers, and a registration that names it alone, ask in v1beta1.
pub async fn review_in_v1beta1_is_answered_in_v1beta1(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let pod = workload::unscheduled("checkout", "checkout");
    let admitted = test.dry_run(pod.clone()).await?;

    let answer = ask(&test, &review(&test.namespace, &pod)).await?;
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1beta1");
    assert_eq!(answer["kind"], "AdmissionReview");
    let response = &answer["response"];
    assert_eq!(response["uid"], UID);
    assert_eq!(response["allowed"], true);
    assert_eq!(response["patchType"], "JSONPatch");
    let patch = STANDARD.decode(response["patch"].as_str().context("no patch")?)?;
    let patch: json_patch::Patch = serde_json::from_slice(&patch)?;
    let mut patched = pod;
    json_patch::patch(&mut patched, &patch)?;
    let patched: Pod = serde_json::from_value(patched)?;
    // The answer is compared with what the API server itself got by v1.
    let (admitted, patched) = (Injected(&admitted), Injected(&patched));
    assert_eq!(admitted.value("main", "AWS_ROLE_ARN"), Some(CHECKOUT_ROLE));
    assert_eq!(patched.env("main"), admitted.env("main"));
    assert_eq!(patched.mounts("main", "aws-iam-token"), admitted.mounts("main", "aws-iam-token"));
    assert_eq!(patched.volumes("aws-iam-token").len(), 1);
    Ok(())
}

const UID: &str = "5f0c1e5c-8d0e-4b0a-9d7e-2f6f4a1c9b3d";

/// A review of the pod's creation as API servers before 1.16 wrote them.
fn review(namespace: &str, pod: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1beta1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
            "object": pod,
            "oldObject": null,
        },
    })
}

/// What the shared release answers to a review, over TLS and trusted as the API server trusts it.
async fn ask(test: &Test, review: &Value) -> Result<Value> {
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(test.client.clone());
    let registration = registrations.get(&format!("{SHARED_NAME}.{SHARED}")).await?;
    let webhook = registration.webhooks.into_iter().flatten().next().context("no webhook")?;
    let authority = String::from_utf8(webhook.client_config.ca_bundle.context("no caBundle")?.0)?;
    let service = webhook.client_config.service.context("no Service")?;
    let port = u16::try_from(service.port.unwrap_or(443))?;
    let forward = PortForward::to(SHARED, &service.name, port).await?;
    let name = format!("{}.{SHARED}.svc", service.name);
    let path = service.path.context("no path")? + "?timeout=10s";
    let answer = http::post(&forward.address, &name, &authority, &path, review).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
    Ok(serde_json::from_str(&answer.body)?)
}

/// Pods that bear the label never come to the webhook, whatever its value.
pub async fn label_keeps_a_pod_out(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let plain = workload::unscheduled("checkout", "checkout");
    ensure!(!Injected(&test.dry_run(plain.clone()).await?).is_bare(), "a pod without the label gets nothing");
    for value in ["true", "false", ""] {
        let mut pod = plain.clone();
        pod["metadata"]["labels"] = json!({"eks.amazonaws.com/skip-pod-identity-webhook": value});
        ensure!(Injected(&test.dry_run(pod).await?).is_bare(), "injected in spite of the label '{value}'");
    }
    Ok(())
}
