//! The node's clock is set forward or back, or was wrong from the beginning.

use super::*;
use crate::agent::clock::tests::{pass, set_back, set_forward};

#[tokio::test(start_paused = true)]
async fn credentials_that_have_ended_by_the_nodes_clock_are_not_handed_out_and_come_anew_once_it_is_right() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let ask = ask("one", 0);
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA1"));
    set_forward(HOUR);
    // AWS's clock is right: whatever it gives has ended here.
    upstream.answers(Ok(Duration::ZERO));
    for _ in 0..10 {
        let failure = id(&cache, &ask).await.unwrap_err();
        assert!(failure.to_string().contains("is the node's clock right?"), "{failure}");
    }
    assert_eq!(upstream.calls(), 2);
    set_back(HOUR);
    upstream.answers(Ok(HOUR));
    pass(Duration::from_secs(1)).await;
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA3"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_lets_nothing_live_longer_and_renewal_goes_on() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let ask = ask("one", 0);
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA1"));
    set_back(HOUR);
    // An hour by AWS's clock is two by the node's.
    upstream.lives_for(2 * HOUR, HOUR);
    for minutes in 0..55 {
        assert!(id(&cache, &ask).await.is_ok(), "{minutes}");
        pass(Duration::from_mins(1)).await;
        settle().await;
    }
    // At half of their lifetime, as ever.
    assert_eq!(upstream.calls(), 2);
    upstream.answers(Err(passing()));
    // The second lives for an hour, of which it has had less than half.
    for _ in 0..36 {
        pass(Duration::from_mins(1)).await;
        settle().await;
    }
    assert_eq!(id(&cache, &ask).await, Err(passing()));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_behind_makes_nothing_live_longer_than_it_was_asked_for() {
    let upstream = Upstream::new();
    set_back(5 * HOUR);
    // An hour by AWS's clock is six by the node's.
    upstream.lives_for(6 * HOUR, HOUR);
    let cache = upstream.cache(settings());
    tokio::spawn(cache.clone().keep(|_| true));
    let ask = ask("one", 0);
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA1"));
    for _ in 0..31 {
        pass(Duration::from_mins(1)).await;
        settle().await;
    }
    assert_eq!((id(&cache, &ask).await.as_deref(), upstream.calls()), (Ok("ASIA2"), 2));
    upstream.answers(Err(passing()));
    for _ in 0..60 {
        pass(Duration::from_mins(1)).await;
        settle().await;
    }
    assert_eq!(id(&cache, &ask).await, Err(passing()));
}
