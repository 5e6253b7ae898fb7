use futures_util::FutureExt;
use tokio::time::{advance, timeout};

use super::*;

const PACE: Pace =
    Pace { at_once: 8, in_a_namespace: 2, rate: 10, burst: 20, patience: Duration::from_millis(1500) };

fn turns(pace: Pace) -> Arc<Turns> {
    Arc::new(Turns::new(pace))
}

/// What asking for a turn gives without waiting.
fn now(turns: &Arc<Turns>, namespace: &str, standing: Standing) -> Option<Result<Turn, Busy>> {
    turns.turn(namespace, standing).now_or_never()
}

/// Starts to wait for a turn, and ends it as soon as it comes.
fn wait(turns: &Arc<Turns>, namespace: &str, standing: Standing) -> tokio::task::JoinHandle<bool> {
    let (turns, namespace) = (turns.clone(), namespace.to_owned());
    tokio::spawn(async move { turns.turn(&namespace, standing).await.is_ok() })
}

/// Takes turns of a storm, each of which is over at once, until the bucket is empty.
fn exhaust(turns: &Arc<Turns>) {
    while now(turns, "storm", Standing::Namespace).is_some() {}
}

#[tokio::test(start_paused = true)]
async fn so_many_are_made_at_once_and_so_many_a_second() {
    let turns = turns(PACE);
    let count =
        || (0..1000).filter(|_| matches!(now(&turns, "shop", Standing::Namespace), Some(Ok(_)))).count();
    assert_eq!(count(), 20);
    advance(Duration::from_millis(999)).await;
    assert_eq!(count(), 9);
    advance(Duration::from_mins(1)).await;
    assert_eq!(count(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_waited_for_as_long_as_it_takes() {
    let turns = turns(PACE);
    exhaust(&turns);
    let began = Instant::now();
    assert!(turns.turn("shop", Standing::Namespace).await.is_ok());
    assert!(began.elapsed() <= Duration::from_millis(102), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_has_so_many_places_and_all_together_have_theirs() {
    let turns = turns(PACE);
    let take = |namespace: &str| now(&turns, namespace, Standing::Namespace).and_then(Result::ok);
    let mut taken: Vec<_> = ["a", "a", "b", "b", "c", "c", "d"].map(|name| take(name).unwrap()).into();
    assert!(take("a").is_none());
    taken.push(take("d").unwrap());
    assert!(take("e").is_none());
    let waiting = wait(&turns, "e", Standing::Namespace);
    tokio::task::yield_now().await;
    // The end of a turn calls the next: no timer is needed.
    drop(taken.pop());
    assert!(timeout(Duration::from_millis(1), waiting).await.unwrap().unwrap());
    assert!(take("d").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_storm_in_one_namespace_takes_no_others_turn() {
    let turns = turns(PACE);
    exhaust(&turns);
    let storm: Vec<_> = (0..1000).map(|_| wait(&turns, "storm", Standing::Namespace)).collect();
    tokio::task::yield_now().await;
    for namespace in ["shop", "bank", "shop"] {
        let began = Instant::now();
        assert!(turns.turn(namespace, Standing::Namespace).await.is_ok());
        // Its turn is the next, or the one after it.
        assert!(began.elapsed() <= Duration::from_millis(210), "{:?}", began.elapsed());
    }
    let mut had = 0;
    for one in storm {
        had += usize::from(one.await.unwrap());
    }
    // As many wait as get their turn in time.
    assert!((10..=17).contains(&had), "{had}");
    assert!(turns.state().known.lanes.is_empty() && turns.state().known.ring.is_empty());
}

#[tokio::test(start_paused = true)]
async fn namespaces_that_are_made_up_take_a_small_share() {
    let turns = turns(PACE);
    let strangers = (0..1000).filter(|number| {
        now(&turns, &format!("made-up-{number}"), Standing::Nothing).is_some_and(|turn| turn.is_ok())
    });
    assert_eq!(strangers.count(), 4);
    exhaust(&turns);
    let storm: Vec<_> =
        (0..1000).map(|number| wait(&turns, &format!("made-up-{number}"), Standing::Nothing)).collect();
    tokio::task::yield_now().await;
    assert!(turns.state().strange.waiting <= 8);
    let began = Instant::now();
    for _ in 0..10 {
        assert!(turns.turn("shop", Standing::Namespace).await.is_ok());
    }
    // Four turns of five go to known namespaces.
    assert!(began.elapsed() <= Duration::from_millis(1350), "{:?}", began.elapsed());
    let mut had = 0;
    for one in storm {
        had += usize::from(one.await.unwrap());
    }
    assert!(had > 0, "a new namespace has its turn too");
    assert!(turns.state().strange.lanes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn accounts_that_are_known_come_first_in_their_namespace() {
    let turns = turns(PACE);
    exhaust(&turns);
    let storm: Vec<_> = (0..100).map(|_| wait(&turns, "shop", Standing::Namespace)).collect();
    let other: Vec<_> = (0..100).map(|_| wait(&turns, "storm", Standing::Namespace)).collect();
    tokio::task::yield_now().await;
    let began = Instant::now();
    assert!(turns.turn("shop", Standing::Account).await.is_ok());
    assert!(began.elapsed() <= Duration::from_millis(210), "{:?}", began.elapsed());
    for one in storm.into_iter().chain(other) {
        one.abort();
        drop(one.await);
    }
    assert!(turns.state().known.lanes.is_empty());
    assert_eq!(turns.state().known.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_known_has_a_place_though_one_waits_in_every_namespace() {
    let turns = turns(PACE);
    exhaust(&turns);
    let storm: Vec<_> =
        (0..100).map(|number| wait(&turns, &format!("ns-{number}"), Standing::Namespace)).collect();
    tokio::task::yield_now().await;
    let waiting = turns.state().known.waiting;
    // Where one waits in every namespace, an unknown account of another displaces none of them.
    assert!(matches!(now(&turns, "shop", Standing::Namespace), Some(Err(_))));
    let known = wait(&turns, "shop", Standing::Account);
    let stranger = wait(&turns, "ns-0", Standing::Account);
    tokio::task::yield_now().await;
    assert_eq!(turns.state().known.waiting, waiting);
    assert!(known.await.unwrap() && stranger.await.unwrap());
    let mut had = 0;
    for one in storm {
        had += usize::from(one.await.unwrap());
    }
    assert_eq!(had, waiting - 2);
    // Where a known one waits in every namespace, a known account of another displaces none either.
    exhaust(&turns);
    let known: Vec<_> =
        (0..100).map(|number| wait(&turns, &format!("ns-{number}"), Standing::Account)).collect();
    tokio::task::yield_now().await;
    assert!(matches!(now(&turns, "shop", Standing::Account), Some(Err(_))));
    for one in known {
        drop(one.await);
    }
    assert!(turns.state().known.lanes.is_empty() && turns.state().known.ring.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_more_strangers_wait_than_get_their_turn() {
    let turns = turns(PACE);
    exhaust(&turns);
    while now(&turns, "made-up", Standing::Nothing).is_some_and(|turn| turn.is_ok()) {}
    let storm: Vec<_> =
        (0..100).map(|number| wait(&turns, &format!("made-up-{number}"), Standing::Nothing)).collect();
    tokio::task::yield_now().await;
    let waiting = turns.state().strange.waiting;
    let mut had = 0;
    for one in storm {
        let had_it = timeout(PACE.patience, one).await;
        had += usize::from(matches!(had_it, Ok(Ok(true))));
    }
    assert_eq!(had, waiting);
    assert!((3..=7).contains(&waiting), "{waiting}");
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_leaves_nothing_behind() {
    let turns = turns(PACE);
    exhaust(&turns);
    for _ in 0..10_000 {
        assert!(now(&turns, "shop", Standing::Namespace).is_none());
    }
    let state = turns.state();
    assert_eq!((state.known.waiting, state.known.running), (0, 0));
    assert!(state.known.lanes.is_empty() && state.known.ring.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_more_is_made_only_where_there_is_room() {
    let turns = turns(Pace { burst: 2, ..PACE });
    assert!(turns.take_one_more() && turns.take_one_more() && !turns.take_one_more());
    advance(Duration::from_millis(100)).await;
    assert!(turns.take_one_more());
}
