//! One upstream call for all, its answer for as long as it is good, and what is answered while there is none.

mod clock;
mod outage;
mod renewal;

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;
use crate::agent::credentials::tests::credentials;
use crate::telemetry::Registry;

const HOUR: Duration = Duration::from_hours(1);

/// An upstream whose answers and pace a test decides on.
#[derive(Clone)]
struct Upstream {
    calls: Arc<AtomicUsize>,
    asked: Arc<StdMutex<Vec<String>>>,
    /// How long credentials live, by the node's clock, or why there are none.
    answer: Arc<StdMutex<Result<Duration, Failure>>>,
    /// How long they were asked for, if the two differ.
    longest: Arc<StdMutex<Option<Duration>>>,
    /// A call ends once it has one of these.
    ends: Arc<Semaphore>,
}

impl Upstream {
    fn new() -> Self {
        Self {
            calls: Arc::default(),
            asked: Arc::default(),
            answer: Arc::new(StdMutex::new(Ok(HOUR))),
            longest: Arc::default(),
            ends: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// One whose calls hang until they are let go.
    fn held() -> Self {
        Self { ends: Arc::new(Semaphore::new(0)), ..Self::new() }
    }

    fn answers(&self, answer: Result<Duration, Failure>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn lives_for(&self, lifetime: Duration, longest: Duration) {
        self.answers(Ok(lifetime));
        *self.longest.lock().unwrap() = Some(longest);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn cache(&self, settings: CacheSettings) -> Cache {
        let upstream = self.clone();
        let fetch: Fetch = Box::new(move |ask| {
            let upstream = upstream.clone();
            async move {
                let call = upstream.calls.fetch_add(1, Ordering::SeqCst) + 1;
                upstream.asked.lock().unwrap().push(ask.token.text.to_string());
                upstream.ends.acquire().await.unwrap().forget();
                let answer = upstream.answer.lock().unwrap().clone();
                let longest = *upstream.longest.lock().unwrap();
                let credentials = answer.map(|lifetime| credentials(&format!("ASIA{call}"), lifetime));
                credentials.map(|made| Credentials { longest: longest.unwrap_or(made.longest), ..made })
            }
            .boxed()
        });
        Cache::new(settings, fetch, Arc::new(Metrics::new(&Registry::new().unwrap()).unwrap()))
    }
}

fn settings() -> CacheSettings {
    CacheSettings { entries: 100, retention: 3 * HOUR, renewals_per_second: 100 }
}

fn terms(role: &str) -> Arc<Terms> {
    Arc::new(Terms {
        id: "a-1".into(),
        role_arn: role.into(),
        target_role_arn: None,
        disable_session_tags: false,
        policy: None,
        external_id: None,
    })
}

/// A pod asks with its token number `token`.
fn ask(pod: &str, token: i64) -> Ask {
    let expires = seconds() + 86_400 + token;
    let subject = Arc::new(Subject {
        namespace: "shop".into(),
        service_account: "orders".into(),
        account_uid: "account".into(),
        pod_name: pod.into(),
        pod_uid: pod.into(),
        expires,
    });
    Ask { subject, token: Token::new(&format!("{pod}-{token}"), expires), terms: Some(terms("role")) }
}

async fn id(cache: &Cache, ask: &Ask) -> Result<String, Failure> {
    let Ask { subject, token: Token { text, expires }, terms } = ask;
    let asked = Asked { subject, token: text, expires: *expires, terms: terms.as_ref() };
    let body = cache.credentials(asked, Instant::now() + PATIENCE).await?;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    Ok(body["AccessKeyId"].as_str().unwrap().to_owned())
}

/// Lets what was spawned go on, without time passing.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn refused() -> Failure {
    Failure::refused(403, "(AccessDenied): no, fault: client")
}

fn passing() -> Failure {
    Failure::passing(503, "(ServiceUnavailable): later, fault: server")
}

#[tokio::test(start_paused = true)]
async fn all_that_ask_at_once_share_one_call_and_later_ones_its_answer() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    let ids = join_all((0..100).map(|_| id(&cache, &ask))).await;
    assert!(ids.iter().all(|id| id.as_deref() == Ok("ASIA1")), "{ids:?}");
    advance(Duration::from_mins(26)).await;
    assert_eq!((id(&cache, &ask).await.as_deref(), upstream.calls()), (Ok("ASIA1"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_pod_gets_its_own_credentials_alone() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    assert_eq!(id(&cache, &ask("one", 0)).await.as_deref(), Ok("ASIA1"));
    assert_eq!(id(&cache, &ask("two", 0)).await.as_deref(), Ok("ASIA2"));
    let mut another = ask("one", 0);
    another.subject = Arc::new(Subject { account_uid: "made anew".into(), ..(*another.subject).clone() });
    assert_eq!(id(&cache, &another).await.as_deref(), Ok("ASIA3"));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_when_its_client_has_left_and_the_next_finds_its_answer() {
    let upstream = Upstream::held();
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    // An SDK gives up after two seconds.
    let began = Instant::now();
    let failure = id(&cache, &ask).await.unwrap_err();
    assert_eq!((failure.status, failure.kind), (503, FailureKind::Passing));
    assert!(began.elapsed() < Duration::from_secs(2));
    upstream.ends.add_permits(1);
    settle().await;
    assert_eq!((id(&cache, &ask).await.as_deref(), upstream.calls()), (Ok("ASIA1"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_without_an_end_is_given_up_and_made_again() {
    let upstream = Upstream::held();
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    id(&cache, &ask).await.unwrap_err();
    advance(FETCH).await;
    settle().await;
    upstream.ends.add_permits(1);
    advance(Duration::from_secs(1)).await;
    assert_eq!((id(&cache, &ask).await.as_deref(), upstream.calls()), (Ok("ASIA2"), 2));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_takes_what_is_held_and_is_remembered_for_seconds() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    let ask = ask("one", 0);
    id(&cache, &ask).await.unwrap();
    upstream.answers(Err(refused()));
    advance(Duration::from_mins(50)).await;
    assert_eq!(id(&cache, &ask).await, Err(refused()));
    for _ in 0..10 {
        assert_eq!(id(&cache, &ask).await, Err(refused()));
    }
    assert_eq!(upstream.calls(), 2);
    advance(Duration::from_secs(3)).await;
    upstream.answers(Ok(HOUR));
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA3"));
}

#[tokio::test(start_paused = true)]
async fn another_association_is_another_fetch_at_once() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    let mut ask = ask("one", 0);
    id(&cache, &ask).await.unwrap();
    ask.terms = Some(terms("another role"));
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA2"));
    // The same by another read is the same.
    ask.terms = Some(terms("another role"));
    assert_eq!(id(&cache, &ask).await.as_deref(), Ok("ASIA2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_forgotten() {
    let upstream = Upstream::new();
    let cache = upstream.cache(settings());
    let withdrawn = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_current = withdrawn.clone();
    tokio::spawn(cache.clone().keep(move |_| !is_current.load(Ordering::SeqCst)));
    for pod in ["one", "two"] {
        id(&cache, &ask(pod, 0)).await.unwrap();
    }
    cache.forget("one");
    assert_eq!(cache.0.lock().len(), 1);
    withdrawn.store(true, Ordering::SeqCst);
    advance(SWEEP).await;
    settle().await;
    assert_eq!(cache.0.lock().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_held_than_there_is_room_for_and_the_longest_silent_goes_first() {
    let upstream = Upstream::new();
    let cache = upstream.cache(CacheSettings { entries: 2, ..settings() });
    for pod in ["one", "two", "one", "three"] {
        id(&cache, &ask(pod, 0)).await.unwrap();
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(upstream.calls(), 3);
    id(&cache, &ask("one", 0)).await.unwrap();
    assert_eq!(upstream.calls(), 3);
    id(&cache, &ask("two", 0)).await.unwrap();
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn without_room_every_request_is_a_fetch() {
    for settings in [
        CacheSettings { entries: 0, ..settings() },
        CacheSettings { retention: Duration::ZERO, ..settings() },
    ] {
        let upstream = Upstream::new();
        let cache = upstream.cache(settings);
        for _ in 0..3 {
            id(&cache, &ask("one", 0)).await.unwrap();
        }
        assert_eq!((upstream.calls(), cache.0.lock().len()), (3, 0));
        // What is asked for at the same time is still fetched once.
        let ask = ask("one", 0);
        join_all((0..10).map(|_| id(&cache, &ask))).await;
        assert_eq!((upstream.calls(), cache.0.lock().len()), (4, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_has_ended_and_is_made_again() {
    let upstream = Upstream::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, good) = (calls.clone(), upstream.cache(settings()));
    let fetch: Fetch = Box::new(move |ask| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        let good = good.0.clone();
        async move { if is_first { panic!("a bug") } else { (good.fetch)(ask).await } }.boxed()
    });
    let cache = Cache::new(settings(), fetch, Arc::new(Metrics::new(&Registry::new().unwrap()).unwrap()));
    let ask = ask("one", 0);
    assert_eq!(id(&cache, &ask).await.unwrap_err().status, 500);
    advance(Duration::from_secs(1)).await;
    assert_eq!((id(&cache, &ask).await.as_deref(), calls.load(Ordering::SeqCst)), (Ok("ASIA1"), 2));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_have_ended_on_arrival_are_an_error() {
    let upstream = Upstream::new();
    upstream.answers(Ok(Duration::from_secs(10)));
    let cache = upstream.cache(settings());
    let failure = id(&cache, &ask("one", 0)).await.unwrap_err();
    assert!(failure.to_string().contains("is the node's clock right?"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_upstream_is_asked_less_at_the_same_time() {
    let upstream = Upstream::new();
    let throttled = Failure { kind: FailureKind::Throttled, ..passing() };
    upstream.answers(Err(throttled));
    let cache = upstream.cache(CacheSettings { entries: 1000, ..settings() });
    let asks: Vec<_> = (0..200).map(|pod| ask(&pod.to_string(), 0)).collect();
    join_all(asks.iter().map(|ask| id(&cache, ask))).await;
    assert_eq!(upstream.calls(), 200);
    // All turns but one are gone: calls are made one after the other.
    let turn = cache.0.turns.take().await;
    assert!(cache.0.turns.take().now_or_never().is_none());
    drop(turn);
}
