//! Containers that are added to a running pod, as `kubectl debug` does.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::injected::{MOUNT, TOKEN_FILE, VOLUME};
use crate::harness::release::REGION;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Report, Test, command, workload};

/// The registration leaves pods with this label alone.
const SKIP: &str = "eks.amazonaws.com/skip-pod-identity-webhook";

const ALL: [(&str, &str); 4] = [
    ("AWS_DEFAULT_REGION", REGION),
    ("AWS_REGION", REGION),
    ("AWS_ROLE_ARN", CHECKOUT_ROLE),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE),
];

/// A debugger has the identity of the workload.
pub async fn debugger_of_a_running_pod_reads_its_token(test: Test) -> Result<()> {
    start(&test, &json!({})).await?;
    let main = Report::of(&test, "checkout", "main").await?;
    debug(&test, "debugger").await?;
    let pod = stored(&test).await?;
    assert_eq!(Injected(&pod).env("debugger"), ALL);
    assert_eq!(Injected(&pod).mounts("debugger", VOLUME), [(MOUNT, true)]);
    let debugger = Report::of(&test, "checkout", "debugger").await?;
    assert_eq!(debugger.env(), ALL);
    assert!(debugger.token()?.is_read_only());
    for claim in ["aud", "sub", "kubernetes.io"] {
        assert_eq!(debugger.token()?.claim(claim), main.token()?.claim(claim));
    }
    Ok(())
}

/// Kubernetes refuses a change of an ephemeral container that is there, and with it the new one.
pub async fn debugger_that_has_nothing_does_not_hinder_the_next(test: Test) -> Result<()> {
    start(&test, &json!({})).await?;
    label(&test, &json!({SKIP: "true"})).await?;
    debug(&test, "first").await?;
    label(&test, &json!({SKIP: null})).await?;
    debug(&test, "second").await?;
    let pod = stored(&test).await?;
    assert_eq!((Injected(&pod).env("first"), Injected(&pod).mounts("first", VOLUME)), (vec![], vec![]));
    assert_eq!(Injected(&pod).env("second"), ALL);
    assert_eq!(Injected(&pod).mounts("second", VOLUME), [(MOUNT, true)]);
    Ok(())
}

/// Kubernetes lets no volume be added to a running pod: a user who debugs one without the token is told why
/// AWS does not know the debugger.
pub async fn debugger_of_a_pod_without_a_token_gets_a_warning(test: Test) -> Result<()> {
    start(&test, &json!({SKIP: "true"})).await?;
    label(&test, &json!({SKIP: null})).await?;
    let said = debug(&test, "debugger").await?;
    let warning = "no AWS identity for ephemeral container debugger: the pod has no token volume";
    assert!(said.contains(&format!("Warning: {warning}\n")), "{said}");
    assert!(Injected(&stored(&test).await?).is_bare());
    assert_eq!(Report::of(&test, "checkout", "debugger").await?.env(), []);
    Ok(())
}

/// A pod `checkout` with these labels, of an account with a role; waits until it runs.
async fn start(test: &Test, labels: &Value) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let container = workload::report_and_stay(&test.image("client-boto3")?);
    let mut pod = workload::pod("checkout", "checkout", &container);
    pod["metadata"]["labels"] = labels.clone();
    test.create(pod).await?;
    Report::of(test, "checkout", "main").await.map(drop)
}

async fn stored(test: &Test) -> Result<Pod> {
    Ok(test.api::<Pod>().get("checkout").await?)
}

async fn label(test: &Test, labels: &Value) -> Result<()> {
    let (pods, patch): (Api<Pod>, _) = (test.api(), Patch::Merge(json!({"metadata": {"labels": labels}})));
    pods.patch("checkout", &PatchParams::default(), &patch).await?;
    Ok(())
}

/// `kubectl debug` of the pod by a container that reports; returns what kubectl said on standard error.
async fn debug(test: &Test, name: &str) -> Result<String> {
    let image = test.image("client-boto3")?;
    let options = [
        format!("--namespace={}", test.namespace),
        format!("--container={name}"),
        format!("--image={image}"),
        "--image-pull-policy=IfNotPresent".to_owned(),
        "--target=main".to_owned(),
    ];
    let report = workload::report(&image);
    let command = report["command"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let words = ["debug", "checkout"].into_iter().chain(options.iter().map(String::as_str));
    let output = command::output("kubectl", words.chain(["--"]).chain(command), "").await?;
    ensure!(output.code == 0, "kubectl debug ended with {}: {}", output.code, output.stderr);
    Ok(output.stderr)
}
