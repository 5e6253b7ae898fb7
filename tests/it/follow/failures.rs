//! Watches and lists that fail, fall silent or are too old.

use std::time::Duration;

use pod_identity_webhook::kubernetes::News;
use tokio::time::{Instant, timeout};

use super::{LONG, all, applied, error, follow, next, prove, shop};
use crate::accounts::skip;
use crate::support::fake_api::{FakeApi, Fault, Route};

#[tokio::test]
async fn a_watch_that_is_silent_beyond_its_end_is_dead() {
    let (api, mut follow) = shop().await;
    api.freeze_watches();
    api.put("shop", "unheard", &[]);
    skip(Duration::from_secs(21)).await;
    assert!(timeout(Duration::from_millis(50), follow.next()).await.is_err());
    skip(Duration::from_secs(4)).await;
    assert_eq!(error(&mut follow).await.to_string(), "no answer within 25s while watching accounts");
    assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/cart", "shop/orders", "shop/unheard"]));
}

#[tokio::test]
async fn a_watch_that_does_not_begin_is_given_up() {
    let api = FakeApi::start().await;
    api.set_fault(Route::Watch, Fault::Hang);
    let mut follow = follow(&api).await;
    assert_eq!(next(&mut follow).await.unwrap(), all(&[]));
    let (error, ()) = tokio::join!(error(&mut follow), async {
        api.wait_for("the watch", |traffic| traffic.watches.len() == 1).await;
        skip(Duration::from_secs(5)).await;
    });
    assert_eq!(error.to_string(), "no answer within 5s while asking for a watch of accounts");
}

#[tokio::test]
async fn a_list_that_does_not_come_is_given_up() {
    let api = FakeApi::start().await;
    api.set_fault(Route::List, Fault::Hang);
    let mut follow = follow(&api).await;
    let (error, ()) = tokio::join!(error(&mut follow), async {
        api.wait_for("the list", |traffic| traffic.lists.len() == 1).await;
        skip(Duration::from_secs(30)).await;
    });
    assert_eq!(error.to_string(), "no answer within 30s while listing accounts");
}

#[tokio::test]
async fn an_old_watch_is_listed_again_and_not_reported() {
    let (api, mut follow) = shop().await;
    api.put_unannounced("shop", "unheard", &[]);
    api.expire_watches();
    assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/cart", "shop/orders", "shop/unheard"]));
    prove(&api, &mut follow).await;
    api.put("shop", "heard", &[]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/heard")]));
}

#[tokio::test]
async fn what_a_watch_told_before_it_failed_is_told() {
    let (api, mut follow) = shop().await;
    api.set_fault(Route::List, Fault::Status(500));
    api.withhold_watch_events(true);
    let told = api.traffic().told;
    api.put("shop", "last", &[]);
    api.release_watch_events();
    // Both are on their way before anything is read, and the change is gathered with what comes next.
    api.wait_for("the change", |traffic| traffic.told > told).await;
    api.expire_watches();
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/last")]));
    assert_eq!(next(&mut follow).await.unwrap_err().code(), Some(500));
    api.set_fault(Route::List, Fault::None);
    assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/cart", "shop/last", "shop/orders"]));
}

#[tokio::test]
async fn a_watch_that_is_cut_early_has_told_and_is_reported() {
    // What lasts for a second is not early: it is tried until the machine is quick enough.
    loop {
        let api = FakeApi::start().await;
        let mut follow = follow(&api).await;
        assert_eq!(next(&mut follow).await.unwrap(), all(&[]));
        let began = Instant::now();
        api.put("shop", "alone", &[]);
        assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/alone")]));
        // The change is gathered, because it comes right behind.
        let told = api.traffic().told;
        api.put("shop", "behind", &[]);
        api.wait_for("the change", |traffic| traffic.told > told).await;
        api.drop_watches();
        assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/behind")]));
        let news = next(&mut follow).await;
        if began.elapsed() < Duration::from_secs(1) {
            assert_eq!(news.unwrap_err().to_string(), "the watch of accounts was cut at once");
            assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/alone", "shop/behind"]));
            return;
        }
    }
}

#[tokio::test]
async fn an_error_says_what_the_api_server_said() {
    let api = FakeApi::start().await;
    let mut follow = follow(&api).await;
    for (code, text) in [
        (403, "failed to list accounts: 403 Forbidden: the test wants it so"),
        (404, "failed to list accounts: 404 NotFound: the test wants it so"),
        (410, "failed to list accounts: 410 Expired: the test wants it so"),
        (500, "failed to list accounts: 500 InternalError: the test wants it so"),
    ] {
        api.set_fault(Route::List, Fault::Status(code));
        let error = next(&mut follow).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (Some(code), text));
        assert_eq!((error.is_forbidden(), error.is_missing()), (code == 403, code == 404));
    }
    api.set_fault(Route::List, Fault::Garbage);
    let error = next(&mut follow).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to list accounts: the API server's answer could not be read: not JSON at line 1 column 11"
    );
    api.set_fault(Route::List, Fault::None);
    assert_eq!(next(&mut follow).await.unwrap(), all(&[]));
}

/// Watches that fail: everything is listed again and again, at a growing distance, so that what is told
/// lags behind and is never wrong for good.
async fn lists_while_watches_fail(fault: Fault, text: &str) {
    let (api, mut follow) = shop().await;
    api.set_fault(Route::Watch, fault);
    api.put_unannounced("shop", "unheard", &[]);
    api.drop_watches();
    // A cut looks like an end.
    assert_eq!(next(&mut follow).await.unwrap(), News::Unchanged);
    assert!(next(&mut follow).await.unwrap_err().to_string().starts_with(text));
    for _ in 0..2 {
        assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/cart", "shop/orders", "shop/unheard"]));
        let error = next(&mut follow).await.unwrap_err();
        assert!(error.to_string().starts_with(text), "{error}");
    }
    api.set_fault(Route::Watch, Fault::None);
    skip(LONG).await;
    assert!(matches!(next(&mut follow).await.unwrap(), News::All(_)));
    prove(&api, &mut follow).await;
}

#[tokio::test]
async fn lists_while_watches_are_forbidden() {
    lists_while_watches_fail(Fault::Status(403), "failed to watch accounts: 403 Forbidden: ").await;
}

#[tokio::test]
async fn lists_while_watches_are_cut_at_once() {
    lists_while_watches_fail(Fault::CloseMidway, "the watch of accounts was cut at once").await;
}

#[tokio::test]
async fn lists_while_watches_are_garbage() {
    lists_while_watches_fail(
        Fault::Garbage,
        "failed to watch accounts: the API server's answer could not be read: not JSON at line 1 column 11",
    )
    .await;
}

#[tokio::test]
async fn attempts_grow_rarer_until_a_watch_lasts() {
    let api = FakeApi::start().await;
    api.set_fault(Route::List, Fault::Status(500));
    let mut follow = follow(&api).await;
    assert!(next(&mut follow).await.is_err());
    // The seventh wait is between 5 s and 10 s.
    for _ in 0..6 {
        skip(LONG).await;
        assert!(next(&mut follow).await.is_err());
    }
    let before = api.traffic().lists.len();
    skip(Duration::from_secs(3)).await;
    assert!(timeout(Duration::from_millis(50), follow.next()).await.is_err());
    assert_eq!(api.traffic().lists.len(), before);

    api.set_fault(Route::List, Fault::None);
    skip(LONG).await;
    assert_eq!(next(&mut follow).await.unwrap(), all(&[]));
    prove(&api, &mut follow).await;
    api.set_fault(Route::List, Fault::Status(500));
    api.expire_watches();
    // The first two waits are at most 0.2 s and 0.4 s, the one that went on from before at least 5 s.
    let began = Instant::now();
    assert_eq!(next(&mut follow).await.unwrap_err().code(), Some(500));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_was_not_asked_for_is_told_in_words() {
    let (api, mut follow) = shop().await;
    let list = "ServiceAccountList of v1";
    for (answer, text) in [
        ("{}", format!("failed to list accounts: the answer is an object without a kind, not {list}")),
        (
            r#"{"kind":"SecretList","apiVersion":"v1","items":[]}"#,
            format!("failed to list accounts: the answer is SecretList of v1, not {list}"),
        ),
        (
            r#"{"kind":"ServiceAccountList","apiVersion":"v1","items":[{"kind":"Secret","apiVersion":"v1"}]}"#,
            "failed to list accounts: the answer is Secret of v1, not ServiceAccount of v1".to_owned(),
        ),
    ] {
        api.set_fault(Route::List, Fault::Says(answer));
        api.expire_watches();
        assert_eq!(error(&mut follow).await.to_string(), text);
        skip(LONG).await;
    }
    api.set_fault(Route::List, Fault::None);
    assert!(matches!(next(&mut follow).await.unwrap(), News::All(_)));
    for (line, text) in [
        (r#"{"type":"RENAMED","object":{}}"#, "the watch sent an event of the unknown type \"RENAMED\""),
        ("{}", "the watch sent an event of the unknown type \"\""),
        (
            r#"{"type":"ADDED","object":{"kind":"Secret","apiVersion":"v1"}}"#,
            "the answer is Secret of v1, not ServiceAccount of v1",
        ),
    ] {
        api.set_fault(Route::Watch, Fault::Says(line));
        api.drop_watches();
        assert_eq!(error(&mut follow).await.to_string(), format!("failed to watch accounts: {text}"));
        skip(LONG).await;
    }
    // This is how an error without a code is told.
    api.set_fault(Route::Watch, Fault::Says(r#"{"type":"ERROR","object":{"kind":"Status"}}"#));
    assert_eq!(
        error(&mut follow).await.to_string(),
        "the watch of accounts ended with an error without a reason"
    );
}

#[tokio::test]
async fn what_does_not_end_is_told_in_words() {
    let (api, mut follow) = shop().await;
    api.set_fault(Route::List, Fault::Circle);
    api.expire_watches();
    assert_eq!(
        error(&mut follow).await.to_string(),
        "failed to list accounts: the list's continue token is the same again"
    );
    skip(LONG).await;
    api.set_fault(Route::List, Fault::Flood);
    let text = "failed to list accounts: the answer does not end after 20480 KiB";
    assert_eq!(error(&mut follow).await.to_string(), text);
    api.set_fault(Route::List, Fault::None);
    skip(LONG).await;
    assert!(matches!(next(&mut follow).await.unwrap(), News::All(_)));
    api.set_fault(Route::Watch, Fault::Flood);
    api.drop_watches();
    let text = "failed to watch accounts: the answer does not end after 20480 KiB";
    assert_eq!(error(&mut follow).await.to_string(), text);
}
