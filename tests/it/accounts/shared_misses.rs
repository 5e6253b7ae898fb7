//! Many calls that miss at the same time: few GETs, no stale answers, and no call harms another.

use std::time::Duration;

use super::{BILLING, ORDERS, Said, Webhook, annotation, role};
use crate::support::client::post;
use crate::support::fake_api::{FakeApi, Fault, Hold, Route};

/// A webhook whose look-ups last as long as a test holds them or waits for anything, and are not made twice meanwhile.
async fn patient(api: &FakeApi) -> Webhook {
    Webhook::start_with(api, |settings| settings.admission.lookup = Duration::from_mins(5)).await
}

#[tokio::test]
async fn simultaneous_misses_of_one_account_share_their_gets() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    for (account, annotations, said) in
        [("orders", annotation(ORDERS).as_slice(), role(ORDERS)), ("plain", &[], Said::Nothing)]
    {
        api.put_unannounced("shop", account, annotations);
        api.hold_gets(Hold::Request);
        let answers = webhook.admit_all(&[("shop", account); 50]).await;
        api.wait_for_gets_running(1).await;
        webhook.wait_until_read().await;
        api.release_gets();
        for answer in answers {
            assert_eq!(answer.await.unwrap(), said);
        }
        let gets = api.traffic().gets_of("shop", account);
        assert!((1..=2).contains(&gets), "{gets}");
    }
}

#[tokio::test]
async fn simultaneous_misses_of_a_missing_account_make_two_gets() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    api.hold_gets(Hold::Request);
    let answers = webhook.admit_all(&[("shop", "orders"); 50]).await;
    api.wait_for_gets_running(1).await;
    webhook.wait_until_read().await;
    api.release_gets();
    for answer in answers {
        assert_eq!(answer.await.unwrap(), Said::Missing);
    }
    // The first call made one GET, and all that came after it had begun shared another.
    assert_eq!(api.traffic().gets_of("shop", "orders"), 2);
}

/// The first call's GET sees the account as it was before; the second call comes after the change, and joins
/// the GET. Returns the answers to both.
async fn answers_around_a_change(before: Option<&[(&str, &str)]>, after: &[(&str, &str)]) -> [Said; 2] {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    if let Some(annotations) = before {
        api.put_unannounced("shop", "orders", annotations);
    }
    api.hold_gets(Hold::Answer);
    let mut answers = webhook.admit_all(&[("shop", "orders")]).await;
    api.wait_for_gets_running(1).await;
    api.put_unannounced("shop", "orders", after);
    answers.extend(webhook.admit_all(&[("shop", "orders")]).await);
    webhook.wait_until_read().await;
    assert_eq!(api.traffic().gets.len(), 1, "the second call should have joined the first one's GET");
    api.release_gets();
    let mut said = Vec::new();
    for answer in answers {
        said.push(answer.await.unwrap());
    }
    said.try_into().unwrap()
}

#[tokio::test]
async fn a_404_from_before_the_call_is_asked_once_more() {
    let said = answers_around_a_change(None, &annotation(ORDERS)).await;
    assert_eq!(said, [Said::Missing, role(ORDERS)]);
}

#[tokio::test]
async fn an_account_seen_without_a_role_before_the_call_is_asked_once_more() {
    let said = answers_around_a_change(Some(&[]), &annotation(ORDERS)).await;
    assert_eq!(said, [Said::Nothing, role(ORDERS)]);
}

#[tokio::test]
async fn a_failure_of_before_the_call_is_asked_once_more() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.hold_gets(Hold::Answer);
    api.set_fault(Route::Get, Fault::Status(500));
    let mut answers = webhook.admit_all(&[("shop", "orders")]).await;
    api.wait_for_gets_running(1).await;
    api.set_fault(Route::Get, Fault::None);
    answers.extend(webhook.admit_all(&[("shop", "orders"); 20]).await);
    webhook.wait_until_read().await;
    api.release_gets();
    let mut answers = answers.into_iter();
    assert_eq!(answers.next().unwrap().await.unwrap(), Said::Unavailable);
    for answer in answers {
        assert_eq!(answer.await.unwrap(), role(ORDERS));
    }
    assert_eq!(api.traffic().gets.len(), 2);
}

#[tokio::test]
async fn misses_of_different_accounts_do_not_wait_for_each_other() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.put_unannounced("shop", "billing", &annotation(BILLING));
    api.put_unannounced("bank", "orders", &annotation(BILLING));
    api.set_fault(Route::Get, Fault::Hang);
    let waiting = webhook.admit_all(&[("shop", "orders")]).await;
    api.wait_for_gets_running(1).await;
    api.set_fault(Route::Get, Fault::None);
    assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));
    assert_eq!(webhook.admit("bank", "orders").await, role(BILLING));
    assert_eq!(api.traffic().gets_running, 1);
    assert!(!waiting[0].is_finished());
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_break_those_who_share_its_get() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.hold_gets(Hold::Request);
    let first = webhook.admit_all(&[("shop", "orders")]).await;
    api.wait_for_gets_running(1).await;
    let others = webhook.admit_all(&[("shop", "orders"); 3]).await;
    webhook.wait_until_read().await;
    let connections = webhook.metric("pod_identity_webhook_connections").await;
    for call in first {
        call.abort();
    }
    webhook.wait_for_metric("pod_identity_webhook_connections", connections - 1.0).await;
    assert_eq!(api.traffic().gets_running, 1);
    api.release_gets();
    for answer in others {
        assert_eq!(answer.await.unwrap(), role(ORDERS));
    }
    assert_eq!(api.traffic().gets.len(), 1);
}

#[tokio::test]
async fn a_get_that_nobody_waits_for_is_given_up() {
    let api = FakeApi::start().await;
    let webhook = patient(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::Get, Fault::Hang);
    let calls = webhook.admit_all(&[("shop", "orders"); 2]).await;
    api.wait_for_gets_running(1).await;
    webhook.wait_until_read().await;
    for call in calls {
        call.abort();
    }
    // The GET ends long before its time is up.
    api.wait_for("no GET", |traffic| traffic.gets_running == 0).await;
    // The next call is not given the answer that died with them.
    api.set_fault(Route::Get, Fault::None);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn a_get_that_failed_is_not_handed_to_later_calls() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::Get, Fault::Status(500));
    let mut connection = webhook.server.client.connect().await.unwrap();
    let answer = connection.send(post("/mutate", super::review("shop", "orders"))).await.unwrap();
    assert_eq!(super::read(&answer), Said::Unavailable);
    api.set_fault(Route::Get, Fault::None);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn connections_that_died_after_a_burst_cost_a_miss_nothing_but_time() {
    const ACCOUNTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    for account in ACCOUNTS {
        api.put_unannounced("shop", account, &annotation(ORDERS));
    }
    api.hold_gets(Hold::Request);
    let answers = webhook.admit_all(&ACCOUNTS.map(|account| ("shop", account))).await;
    api.wait_for_gets_running(ACCOUNTS.len()).await;
    api.release_gets();
    for answer in answers {
        assert_eq!(answer.await.unwrap(), role(ORDERS));
    }

    api.silence_connections();
    api.put_unannounced("shop", "late", &annotation(BILLING));
    // All of them look as good as before: the first that is taken is given up in time.
    assert_eq!(webhook.admit_within("shop", "late", Duration::from_secs(2)).await, role(BILLING));
}
