//! The upstream is down for an hour: who goes on, for how long, how often it is asked meanwhile, and what comes after.

use super::*;
use crate::agent::clock::tests::pass;

/// Pods on a node.
const PODS: usize = 20;

/// How often each asks. SDKs ask a few times an hour, and more often when they have little left.
const EACH: Duration = Duration::from_secs(10);

/// Has every pod ask for as long as that; how many were answered, and what the others were told.
async fn ask_for(cache: &Cache, asks: &[Ask], time: Duration) -> (usize, Vec<Failure>) {
    let (mut answered, mut failures) = (0, Vec::new());
    for _ in 0..time.as_secs() / EACH.as_secs() {
        for result in join_all(asks.iter().map(|ask| id(cache, ask))).await {
            match result {
                Ok(_) => answered += 1,
                Err(failure) => failures.push(failure),
            }
        }
        for _ in 0..EACH.as_secs() {
            pass(Duration::from_secs(1)).await;
            settle().await;
        }
    }
    (answered, failures)
}

#[tokio::test(start_paused = true)]
async fn in_an_hour_without_sts_pods_go_on_while_their_credentials_live_and_sts_is_asked_seldom() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let asks: Vec<_> = (0..PODS).map(|pod| ask(&format!("pod-{pod}"), 0)).collect();
    ask_for(&cache, &asks, EACH).await;
    assert_eq!(upstream.calls(), PODS);
    upstream.answers(Err(passing()));
    // Credentials live for an hour; what they are worth at the end is 15 s less.
    let (_, failures) = ask_for(&cache, &asks, Duration::from_mins(59)).await;
    assert_eq!(failures, []);
    let calls = upstream.calls() - PODS;
    // Renewals begin at half life, with pauses that grow to a minute: once a pod and half a minute, at most.
    assert!((PODS..=PODS * 2 * 34).contains(&calls), "{calls}");
    ask_for(&cache, &asks, Duration::from_mins(1)).await;
    let before = upstream.calls();
    let (answered, failures) = ask_for(&cache, &asks, Duration::from_mins(1)).await;
    assert_eq!((answered, failures.len()), (0, PODS * 6));
    assert!(failures.iter().all(|failure| *failure == passing()), "{failures:?}");
    // A pod that has nothing is worth a call whenever it asks, and none between.
    assert_eq!(upstream.calls() - before, PODS * 6);
    upstream.answers(Ok(HOUR));
    assert_eq!(ask_for(&cache, &asks, EACH).await, (PODS, Vec::new()));
    assert_eq!(upstream.calls() - before, PODS * 7);
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_credentials_that_asks_without_an_end_has_an_upstream_that_is_down_asked_twice_a_second()
 {
    let upstream = Upstream::new();
    upstream.answers(Err(passing()));
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    for _ in 0..10_000 {
        id(&cache, &ask).await.unwrap_err();
        pass(Duration::from_millis(1)).await;
    }
    assert!((19..=21).contains(&upstream.calls()), "{}", upstream.calls());
}
