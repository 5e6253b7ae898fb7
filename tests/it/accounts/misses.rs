//! Accounts of which the watch has not told are looked up live, and only the API server's word counts.

use std::time::{Duration, Instant};

use pod_identity_webhook::webhook::Settings;

use super::{ANNOTATED, BILLING, ORDERS, Said, Webhook, annotation, role, skip};
use crate::support::fake_api::{FakeApi, Fault, Hold, Route};
use crate::support::wait::within;

/// Longer than any wait: a call that lasts this long has passed every other limit.
const NEVER: Duration = Duration::from_mins(10);

/// Leaves no limit but the patience of the API server.
fn without_limits(settings: &mut Settings) {
    settings.admission.lookup = NEVER;
    settings.admission.request = NEVER;
}

#[tokio::test]
async fn an_account_that_the_watch_has_not_told_of_is_looked_up() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.withhold_watch_events(true);
    api.put("shop", "plain", &[]);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    let traffic = api.traffic();
    assert_eq!((traffic.gets_of("shop", "orders"), traffic.gets_of("shop", "plain")), (1, 1));
    assert!(traffic.gets.iter().all(|get| get.metadata_only && get.resource_version.is_none()));

    api.release_watch_events();
    webhook.wait_for_metric(r#"pod_identity_webhook_service_accounts{annotated="false"}"#, 1.0).await;
    api.forget_requests();
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn a_missing_account_is_admitted_with_a_warning_and_not_remembered() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Missing);
    assert_eq!(webhook.admit("shop", "orders").await, Said::Missing);
    assert_eq!(api.traffic().gets_of("shop", "orders"), 2);
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    api.delete_unannounced("shop", "orders");
    assert_eq!(webhook.admit("shop", "orders").await, Said::Missing);
}

#[tokio::test]
async fn a_live_answer_never_overwrites_what_the_watch_told() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(BILLING));
    api.hold_gets(Hold::Answer);
    let answers = webhook.admit_all(&[("shop", "orders"), ("shop", "absent")]).await;
    api.wait_for_gets_running(2).await;
    api.put("shop", "orders", &annotation(ORDERS));
    api.put("shop", "absent", &annotation(ORDERS));
    webhook.wait_for_metric(ANNOTATED, 2.0).await;
    api.release_gets();
    for answer in answers {
        answer.await.unwrap();
    }
    api.forget_requests();
    for account in ["orders", "absent"] {
        assert_eq!(webhook.admit("shop", account).await, role(ORDERS));
    }
    assert!(api.traffic().gets.is_empty());
}

/// While GETs fail like this, a miss is answered 503; after that it is right.
async fn is_unavailable_while_gets_fail(fault: Fault) {
    let api = FakeApi::start().await;
    api.put("shop", "known", &annotation(ORDERS));
    api.put("shop", "plain", &[]);
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::Get, fault);
    assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable);
    // A miss holds up no other account, and does not take away readiness.
    assert_eq!(webhook.admit("shop", "known").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    assert!(webhook.is_ready().await);
    assert!(webhook.metric(r#"pod_identity_webhook_live_lookups_total{result="error"}"#).await >= 1.0);
    api.set_fault(Route::Get, Fault::None);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_hang() {
    is_unavailable_while_gets_fail(Fault::Hang).await;
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_are_forbidden() {
    is_unavailable_while_gets_fail(Fault::Status(403)).await;
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_fail() {
    is_unavailable_while_gets_fail(Fault::Status(500)).await;
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_are_throttled() {
    is_unavailable_while_gets_fail(Fault::Status(429)).await;
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_are_garbage() {
    is_unavailable_while_gets_fail(Fault::Garbage).await;
}

#[tokio::test]
async fn a_miss_is_unavailable_while_gets_are_cut_midway() {
    is_unavailable_while_gets_fail(Fault::CloseMidway).await;
}

#[tokio::test]
async fn a_look_up_has_the_time_that_the_settings_give_it() {
    let api = FakeApi::start().await;
    let limit = Duration::from_millis(300);
    let webhook = Webhook::start_with(&api, |settings| {
        settings.admission.lookup = limit;
        settings.admission.request = NEVER;
    })
    .await;
    api.set_fault(Route::Get, Fault::Hang);
    let began = Instant::now();
    assert_eq!(webhook.admit_within("shop", "orders", NEVER).await, Said::Unavailable);
    assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
    // No call waits for it any more: the request itself is given up.
    api.wait_for_gets_running(0).await;
}

#[tokio::test]
async fn a_look_up_ends_before_the_patience_of_the_api_server() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start_with(&api, without_limits).await;
    api.set_fault(Route::Get, Fault::Hang);
    let patience = Duration::from_secs(1);
    assert_eq!(webhook.admit_within("shop", "orders", patience).await, Said::Unavailable);
}

#[tokio::test]
async fn a_slow_body_takes_from_the_time_of_its_look_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let api = FakeApi::start().await;
    let webhook = Webhook::start_with(&api, without_limits).await;
    api.set_fault(Route::Get, Fault::Hang);
    let review = super::review("shop", "orders");
    let mut stream = webhook.server.client.stream().await.unwrap();
    let head = format!(
        "POST /mutate?timeout=200s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        review.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    webhook.wait_until_read().await;
    // Of the 160 seconds that a call has within 200, the look-up is left ten.
    skip(Duration::from_secs(150)).await;
    stream.write_all(review.as_bytes()).await.unwrap();
    api.wait_for_gets_running(1).await;
    skip(Duration::from_secs(10)).await;
    let mut answer = Vec::new();
    within("the answer", stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{:?}", String::from_utf8_lossy(&answer));
    assert_eq!(api.traffic().gets.len(), 1);
}

#[tokio::test]
async fn a_slow_look_up_is_waited_for() {
    let api = FakeApi::start().await;
    api.put("shop", "other", &[]);
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::Get, Fault::Delay(Duration::from_millis(400)));
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(api.traffic().gets.len(), 1);
    api.wait_for("no GET", |traffic| traffic.gets_running == 0).await;
}

#[tokio::test]
async fn a_name_that_no_account_can_have_is_not_asked_for() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    let long = "x".repeat(200_000);
    let names = [
        ("shop/pods/victim?a=", "orders"),
        ("..", "orders"),
        ("shop", "../secrets/foo"),
        ("shop", "a b"),
        ("shop", "Orders"),
        ("shop", &long),
        (&long, "orders"),
    ];
    for (namespace, account) in names {
        assert_eq!(webhook.admit(namespace, account).await, Said::Missing, "{namespace:.30} {account:.30}");
    }
    let traffic = api.traffic();
    assert!(traffic.gets.is_empty() && traffic.others.is_empty(), "{traffic:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_is_counted() {
    const ABANDONED: &str = r#"pod_identity_webhook_admission_duration_seconds_count{outcome="abandoned"}"#;
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.hold_gets(Hold::Request);
    let answers = webhook.admit_all(&[("shop", "orders")]).await;
    api.wait_for_gets_running(1).await;
    for answer in answers {
        answer.abort();
    }
    webhook.wait_for_metric(ABANDONED, 1.0).await;
}
