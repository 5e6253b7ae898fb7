//! The API server goes away, or only seems to be there: what is known stays right, what is new is looked up,
//! and nothing has to be restarted.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::harness::load::{Load, role};
use crate::harness::registration::{await_injection, fail_open_count};
use crate::harness::release::{Release, SHARED};
use crate::harness::verdict::Verdict;
use crate::harness::{Injected, Test, command, until, workload};

/// How soon a changed annotation decides while a watch is up.
const SOON: Duration = Duration::from_secs(1);

/// For how long the connections are silent.
const CUT: Duration = Duration::from_mins(1);

/// When a watch that died without a word is noticed at the latest, as docs/operations.md has it.
const NOTICED: Duration = Duration::from_secs(25);

/// The API server is killed and started again, under load.
pub async fn an_api_server_that_restarts_is_followed_again(test: Test) -> Result<()> {
    test.account("changed", &[("role-arn", &role("before"))]).await?;
    let load = Load::start(&test, Duration::from_millis(100)).await?;
    let down = Instant::now();
    test.cluster.verb(&["restart-apiserver"]).await?;
    let back = Instant::now();
    until("every watch is up again", async || Ok(watches_are_up(&test, SHARED).await?.then_some(()))).await?;
    let up = back.elapsed();
    assert_followed(&test, "changed").await?;
    load.goes_on(100).await?;
    let attempts = load.end().await?;
    // The counter began at zero when the API server started.
    let lost = fail_open_count("iam-for-pods.amazonaws.com").await?;
    let after = attempts.all.iter().filter(|attempt| attempt.began >= back).count();
    attempts.ensure_right_but_for(lost)?;
    println!(
        "API server away for {:.1} s, the watches up {:.1} s later: {} pods admitted, {after} of them after it, {} \
         refused, {lost} failed open, 0 wrong",
        (back - down).as_secs_f32(),
        up.as_secs_f32(),
        attempts.admitted(),
        attempts.all.len() - attempts.admitted()
    );
    let late = attempts.all.iter().filter(|attempt| attempt.began >= back);
    let late: Vec<_> = late.filter(|attempt| attempt.outcome != Ok(Verdict::Right)).collect();
    ensure!(late.is_empty(), "pods asked for when it was back: {late:?}");
    Ok(())
}

/// The connections that are open fall silent, as behind a load balancer that forgot them. New ones work.
pub async fn a_watch_that_falls_silent_is_noticed_and_does_no_harm(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let ours = json!({"matchLabels": {"kubernetes.io/metadata.name": test.namespace}});
    let values = json!({"replicas": 2, "webhook": {"name": name, "namespaceSelector": ours}});
    let release = Release::install(&test.cluster, "cut", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    test.account("changed", &[("role-arn", &role("before"))]).await?;
    until("the first role decides", async || {
        Ok((role_of(&test, "changed").await? == Some(role("before"))).then_some(()))
    })
    .await?;

    let load = Load::start(&test, Duration::from_millis(500)).await?;
    if let Err(error) = cut_watches(&test).await {
        release.uninstall().await?;
        return Err(error);
    }
    let cut = Instant::now();
    test.annotate("changed", "role-arn", &role("after")).await?;
    let mut seen = None;
    while cut.elapsed() < CUT {
        let asked = cut.elapsed();
        let role = role_of(&test, "changed").await?;
        let is_new = role == Some(self::role("after"));
        ensure!(is_new || role == Some(self::role("before")), "{asked:?} after the cut: {role:?}");
        ensure!(is_new || asked < NOTICED + SOON, "{asked:?} after the cut the change is not seen");
        // All replicas must know, because any of them may be asked.
        seen = if is_new { seen.or(Some(asked)) } else { None };
        sleep(Duration::from_millis(200)).await;
    }
    until("every watch is up again", async || {
        Ok(watches_are_up(&test, &test.namespace).await?.then_some(()))
    })
    .await?;
    assert_followed(&test, "changed").await?;
    let attempts = load.end().await?;
    let lost = fail_open_count(&name).await?;
    attempts.ensure_right_but_for(0)?;
    println!(
        "watches silent for {CUT:?}: a change to a known account seen after {:.1} s; {} pods, {lost} failed open, 0 wrong",
        seen.unwrap_or_default().as_secs_f32(),
        attempts.admitted(),
    );
    ensure!(attempts.admitted() == attempts.all.len(), "refused pods:\n{}", attempts.others());
    release.uninstall().await
}

/// Cuts only the watches of this test's replicas, which the API server still reaches; no others are
/// disturbed.
async fn cut_watches(test: &Test) -> Result<()> {
    let seconds = CUT.as_secs().to_string();
    for replica in replicas(test, &test.namespace).await? {
        let address = replica.status.and_then(|status| status.pod_ip);
        test.cluster.verb(&["cut-watch", &seconds, &address.context("no address")?]).await?;
    }
    Ok(())
}

/// A change to an account that is known, made now, decides as soon as ever.
async fn assert_followed(test: &Test, account: &str) -> Result<()> {
    let wanted = role("followed");
    test.annotate(account, "role-arn", &wanted).await?;
    let changed = Instant::now();
    loop {
        let asked = changed.elapsed();
        let role = role_of(test, account).await?;
        if role.as_ref() == Some(&wanted) {
            return Ok(());
        }
        ensure!(asked < SOON, "a pod asked for {asked:?} after the change: {role:?}");
    }
}

/// The role of a pod that is asked for now.
async fn role_of(test: &Test, account: &str) -> Result<Option<String>> {
    let pod = test.dry_run(workload::unscheduled(account, account)).await?;
    Ok(Injected(&pod).value("main", "AWS_ROLE_ARN").map(str::to_owned))
}

async fn replicas(test: &Test, namespace: &str) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(test.client.clone(), namespace);
    let ours = ListParams::default().labels("app.kubernetes.io/name=pod-identity-webhook");
    Ok(pods.list(&ours).await?.items)
}

/// Whether the metrics of every replica say that its watches are up.
async fn watches_are_up(test: &Test, namespace: &str) -> Result<bool> {
    for replica in replicas(test, namespace).await? {
        let name = replica.metadata.name.unwrap_or_default();
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:9999/proxy/metrics");
        let metrics = command::kubectl(["get", "--raw", &path]).await?;
        if !metrics.lines().any(|line| line == "pod_identity_webhook_watch_up 1") {
            return Ok(false);
        }
    }
    Ok(true)
}
