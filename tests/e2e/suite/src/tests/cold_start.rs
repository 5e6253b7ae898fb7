//! A webhook that has not read the accounts yet: it says so, to kubelet and to the API server, and no pod
//! goes without its identity for it.

use anyhow::{Context, Result, ensure};
use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::json;

use crate::harness::forwarder::Forwarder;
use crate::harness::process::Process;
use crate::harness::registration::{Registration, await_injection, fail_open_count};
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::verdict::Verdict;
use crate::harness::{Test, until, workload};

/// This is as on a machine whose API server comes up after the webhook beside it.
pub async fn a_webhook_that_is_there_before_the_api_server_waits_for_it(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut api_server = Forwarder::closed().await?;
    let webhook = Process::start(&test.cluster, api_server.kubeconfig.path(), &[]).await?;
    until("it has seen that there is no API server", async || {
        Ok(webhook.log().contains("Connection refused").then_some(()))
    })
    .await?;

    let readiness = webhook.get("/readyz").await?;
    assert_eq!(readiness.status, StatusCode::SERVICE_UNAVAILABLE);
    let expected =
        "[+]shutdown ok\n[+]certificate ok\n[-]service-accounts not all read yet\nreadyz check failed\n";
    assert_eq!(readiness.body, expected);
    assert_eq!(webhook.get("/livez").await?.status, StatusCode::OK);
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "early",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "CREATE",
            "namespace": test.namespace,
            "object": workload::unscheduled("early", "checkout"),
        },
    });
    let answer = webhook.post(&review).await?;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    let retry_after = answer.headers.get(RETRY_AFTER).context("no Retry-After")?;
    assert_eq!(retry_after, "1");

    api_server.open().await?;
    until("it is ready", async || Ok((webhook.get("/readyz").await?.status == StatusCode::OK).then_some(())))
        .await?;
    let answer = webhook.post(&review).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    ensure!(answer.body.contains("\"patch\""), "no patch: {}", answer.body);
    // The API server sees the same of it as this test.
    let to = json!({"url": webhook.url});
    let registration =
        Registration::new(&test.cluster, &test.namespace, "late", to, &webhook.authority, &json!({})).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
    assert_eq!(Verdict::of(&pod, CHECKOUT_ROLE), Verdict::Right);
    registration.remove().await
}

/// A replica that is called before it is ready, for whatever reason: the API server asks again.
pub async fn a_pod_that_meets_a_cold_replica_waits_and_has_its_role(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut api_server = Forwarder::held().await?;
    let webhook = Process::start(&test.cluster, api_server.kubeconfig.path(), &[]).await?;
    let name = format!("{}.e2e.test", test.namespace);
    let (to, named) = (json!({"url": webhook.url}), json!({"name": name}));
    let registration =
        Registration::new(&test.cluster, &test.namespace, "cold", to, &webhook.authority, &named).await?;

    // Bare pods are from before the API server knew of the registration: if it gave up a call later, it says
    // so.
    let pod = until("the API server calls the webhook", async || {
        let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
        Ok((Verdict::of(&pod, CHECKOUT_ROLE) != Verdict::Bare).then_some(pod))
    });
    let cold = async {
        let refused = until("a call is answered 503", async || Ok(webhook.admissions().into_iter().next()));
        let refused = refused.await?;
        api_server.open().await?;
        anyhow::Ok(refused)
    };
    let (pod, refused) = tokio::try_join!(pod, cold)?;
    assert_eq!(Verdict::of(&pod, CHECKOUT_ROLE), Verdict::Right);
    assert_eq!(refused.outcome, "unavailable");
    // The log may be a moment behind the answer.
    let admissions = until("the answer that the pod had is in the log", async || {
        let admissions = webhook.admissions();
        Ok(admissions.iter().any(|admission| admission.outcome != "unavailable").then_some(admissions))
    })
    .await?;
    let (last, before) = admissions.split_last().context("nothing in the log")?;
    assert_eq!(last.outcome, "injected");
    assert!(before.iter().all(|admission| *admission == refused), "{before:?}");
    assert_eq!(last.uid, refused.uid, "one call and its repetitions");
    assert_eq!(fail_open_count(&name).await?, 0);
    println!("a cold replica answered 503 {} times, then the pod had its role", before.len());
    registration.remove().await
}
