//! One command on a cluster that has nothing of it, and what users look at then.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::cluster::Skipped;
use crate::harness::command::{self, Output};
use crate::harness::release::Release;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::verdict::Verdict;
use crate::harness::{Test, until, workload};

/// How long an installation may take once the image is there.
const LIMIT: Duration = Duration::from_secs(15);

pub async fn one_command_is_enough_and_the_next_pod_has_its_role(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let values = json!({
        "certificate": {"selfManaged": {"rotationWait": "2s"}},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    let begin = Instant::now();
    let release = Release::install(&test.cluster, "first", &test.namespace, &values).await?;
    let took = begin.elapsed();
    // The very next one: nothing is waited for.
    let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
    ensure!(Verdict::of(&pod, CHECKOUT_ROLE) == Verdict::Right, "{:?}", Verdict::of(&pod, CHECKOUT_ROLE));
    println!("helm install --wait: {:.1} s, and the next pod had its role", took.as_secs_f32());
    ensure!(took < LIMIT, "helm install took {took:?}");

    let words = ["test", &release.name, "--namespace", &test.namespace, "--timeout=120s"];
    command::run("helm", words, "").await?;
    rotates(&test, &release).await?;
    release.uninstall().await
}

/// What `certificates` says, and what its `--rotate` does.
async fn rotates(test: &Test, release: &Release) -> Result<()> {
    let binary = test.cluster.binary.as_deref();
    let binary = binary.ok_or_else(|| Skipped("WEBHOOK names no binary for this machine".into()))?;
    let shown = certificates(binary, release, &["--output=json"]).await?;
    ensure!(shown.code == 0, "certificates ended with {}: {}{}", shown.code, shown.stdout, shown.stderr);
    let shown: Value = serde_json::from_str(&shown.stdout)?;
    ensure!(shown["allWell"] == true, "{shown}");
    let signing = |shown: &Value| shown["secret"]["signing"]["serial"].as_str().map(str::to_owned);
    let before = signing(&shown).with_context(|| format!("no serial in {shown}"))?;

    let rotated = certificates(binary, release, &["--rotate"]).await?;
    ensure!(rotated.code == 0, "{}{}", rotated.stdout, rotated.stderr);
    until("another authority signs, and all is well", async || {
        let shown = certificates(binary, release, &["--output=json"]).await?;
        let report: Value = serde_json::from_str(&shown.stdout)?;
        Ok((shown.code == 0 && signing(&report).is_some_and(|now| now != before)).then_some(()))
    })
    .await?;
    let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
    ensure!(Verdict::of(&pod, CHECKOUT_ROLE) == Verdict::Right, "{:?}", Verdict::of(&pod, CHECKOUT_ROLE));

    let deployment = format!("deployment/{}", release.fullname());
    let namespace = format!("--namespace={}", release.namespace);
    let service = format!("--service-name={}", release.fullname());
    let words = [
        "exec",
        &namespace,
        &deployment,
        "--",
        "/pod-identity-webhook",
        "certificates",
        &namespace,
        &service,
    ];
    let inside = command::output("kubectl", words, "").await?;
    ensure!(
        inside.code == 0,
        "certificates ended with {} in a pod: {}{}",
        inside.code,
        inside.stdout,
        inside.stderr
    );
    Ok(())
}

async fn certificates(binary: &Path, release: &Release, more: &[&str]) -> Result<Output> {
    let kubeconfig = std::env::var("KUBECONFIG").context("KUBECONFIG")?;
    let words = [
        "certificates".to_owned(),
        format!("--kubeconfig={kubeconfig}"),
        format!("--namespace={}", release.namespace),
        format!("--service-name={}", release.fullname()),
    ];
    let more = more.iter().map(|word| (*word).to_owned());
    command::output(binary, words.into_iter().chain(more), "").await
}
