//! How credentials are renewed before a pod asks, and what pods get while they cannot be.

use super::*;

#[tokio::test(start_paused = true)]
async fn credentials_with_little_left_are_handed_out_only_if_no_others_can_be_had() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA1"));
    advance(Duration::from_mins(50)).await;
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA2"));
    upstream.answers(Err(passing()));
    advance(Duration::from_mins(59)).await;
    // Nobody has asked meanwhile, nor was anything renewed; a minute is left.
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA2"));
    assert_eq!(upstream.calls(), 3);
    // The failure is not repeated for each request.
    assert_eq!((id(&cache, &ask).await.as_deref(), upstream.calls()), (Ok("ASIA2"), 3));
    advance(Duration::from_secs(46)).await;
    assert_eq!(id(&cache, &ask).await, Err(passing()));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_renewed_at_half_life_by_the_newest_token() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    id(&cache, &ask("one", 1)).await.unwrap();
    id(&cache, &ask("one", 2)).await.unwrap();
    id(&cache, &ask("one", 1)).await.unwrap();
    for _ in 0..26 * 60 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    assert_eq!(upstream.calls(), 1);
    for _ in 0..5 * 60 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    assert_eq!(*upstream.asked.lock().unwrap(), ["one-1", "one-2"]);
    // Nobody asks any longer: there is no third.
    for _ in 0..2 * 60 {
        advance(Duration::from_mins(1)).await;
        settle().await;
    }
    assert_eq!((upstream.calls(), cache.0.lock().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_asks_once_is_renewed_once_and_a_renewal_that_fails_is_made_again() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let ask = ask("one", 0);
    id(&cache, &ask).await.unwrap();
    upstream.answers(Err(passing()));
    for _ in 0..31 * 60 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    assert!(upstream.calls() > 3, "{}", upstream.calls());
    upstream.answers(Ok(HOUR));
    for _ in 0..2 * 60 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    let calls = upstream.calls();
    // An SDK asks again with 15 minutes left, and need not wait.
    advance(Duration::from_mins(13)).await;
    assert_eq!(id(&cache, &ask).await.unwrap(), format!("ASIA{calls}"));
    assert_eq!(upstream.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_credentials_ended_in_an_outage_is_asked_for_at_once_when_it_comes_back() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let ask = ask("one", 0);
    id(&cache, &ask).await.unwrap();
    upstream.answers(Err(passing()));
    // The pauses between renewals that fail grow to a minute.
    for _ in 0..59 * 60 + 46 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    upstream.answers(Ok(HOUR));
    assert!(id(&cache, &ask).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_has_nothing_waits_no_longer_than_from_try_to_try_however_long_the_outage_was() {
    let upstream = Upstream::new();
    upstream.answers(Err(passing()));
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    for _ in 0..60 {
        id(&cache, &ask).await.unwrap_err();
        advance(Duration::from_secs(1)).await;
    }
    upstream.answers(Ok(HOUR));
    assert!(id(&cache, &ask).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_ended_renews_nothing() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let mut ended = ask("one", 0);
    ended.token = Token::new("ended", seconds() - 1);
    id(&cache, &ended).await.unwrap();
    for _ in 0..40 {
        advance(Duration::from_mins(1)).await;
        settle().await;
    }
    assert_eq!(upstream.calls(), 1);
}
