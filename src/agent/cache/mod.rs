//! The credentials of this node's pods: one upstream call for all that ask at the same time, which goes on when they
//! have left; renewed before an SDK would ask; the last good ones while the upstream cannot answer.
//!
//! Whoever asks was verified before. A pod's entry is made with one association: where that changes, it is another
//! entry.

mod entry;
mod freshness;
mod turns;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::clock::{self, seconds};
use super::credentials::Credentials;
use super::failure::{Failure, FailureKind};
use super::metrics::{CacheState, Metrics};
use super::trust::Subject;
use crate::association::Terms;
use entry::{Entry, Look};
use turns::Turns;

/// How long an SDK is kept waiting: botocore gives a request two seconds, and asks again after one.
pub const PATIENCE: Duration = Duration::from_millis(1700);

/// How long one upstream call may take, its retries included. It outlives clients that have left.
const FETCH: Duration = Duration::from_secs(10);

/// How often it is looked whether something is to be renewed or dropped.
const SWEEP: Duration = Duration::from_secs(1);

/// What credentials are asked for: for whom, with which token, by which association.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The pod and its account.
    pub subject: Arc<Subject>,
    /// The pod's token.
    pub token: Token,
    /// What the association says; `None` where the upstream knows it alone.
    pub terms: Option<Arc<Terms>>,
}

/// What an SDK asks for, as long as its request lasts. The token is copied into an [`Ask`] only where that is kept.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) subject: &'a Arc<Subject>,
    pub(super) token: &'a str,
    /// When the token ends, in seconds since 1970.
    pub(super) expires: i64,
    pub(super) terms: Option<&'a Arc<Terms>>,
}

impl Asked<'_> {
    fn ask(&self) -> Ask {
        Ask {
            subject: self.subject.clone(),
            token: Token::new(self.token, self.expires),
            terms: self.terms.cloned(),
        }
    }
}

/// A pod's token, as it came.
#[derive(Clone)]
pub struct Token {
    /// Its text, which is secret.
    pub text: Arc<str>,
    /// When it ends, in seconds since 1970.
    pub expires: i64,
}

/// Never shows the text.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// What makes credentials.
pub type Fetch = Box<dyn Fn(Ask) -> BoxFuture<'static, Result<Credentials, Failure>> + Send + Sync>;

/// How much is kept, and for how long.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// Pods whose credentials are kept; 0: none are.
    pub entries: usize,
    /// The longest time from one fetch to the next; zero: nothing is kept.
    pub retention: Duration,
    /// Renewals that nobody waits for, a second.
    pub renewals_per_second: u32,
}

impl CacheSettings {
    fn keeps(&self) -> bool {
        self.entries > 0 && !self.retention.is_zero()
    }
}

/// The credentials of this node's pods.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    entries: Mutex<HashMap<Key, Held>>,
    fetch: Fetch,
    settings: CacheSettings,
    turns: Turns,
    metrics: Arc<Metrics>,
}

/// One pod with one account.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    pod_uid: Arc<str>,
    account_uid: Arc<str>,
}

/// A pod has one account, so its UID is enough to choose a place by; whether it is the same is asked of both.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pod_uid.hash(state);
    }
}

/// A pod's entry, and the association with which it was made.
struct Held {
    terms: Option<Arc<Terms>>,
    entry: Arc<Entry>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("entries", &self.0.lock().len()).finish_non_exhaustive()
    }
}

impl Cache {
    /// An empty cache of what `fetch` makes.
    #[must_use]
    pub fn new(settings: CacheSettings, fetch: Fetch, metrics: Arc<Metrics>) -> Self {
        let entries = Mutex::default();
        Self(Arc::new(Shared { entries, fetch, settings, turns: Turns::default(), metrics }))
    }

    /// The answer to a pod that was verified: the body of its credentials, by `deadline`.
    ///
    /// # Errors
    /// There are no credentials; the failure says what the SDK is answered.
    pub(super) async fn credentials(&self, asked: Asked<'_>, deadline: Instant) -> Result<Bytes, Failure> {
        let (key, entry) = self.entry(asked);
        let (begin, stale) = match entry.look(asked) {
            Look::Answer { body, renew } => {
                self.0.metrics.cache(CacheState::Hit);
                if renew {
                    self.fetch(key, &entry);
                }
                return Ok(body);
            }
            Look::Fail(failure) => return Err(failure),
            Look::Wait { begin, stale } => (begin, stale),
        };
        self.0.metrics.cache(CacheState::Miss);
        // In a box of its own: only a miss waits, and every request would have room for it.
        Box::pin(self.wait(key, &entry, begin, stale, deadline)).await
    }

    /// The answer of the fetch that is under way, or of one that is made if `begin` is set; or else what is stale.
    async fn wait(
        &self,
        key: Key,
        entry: &Arc<Entry>,
        begin: bool,
        stale: Option<Bytes>,
        deadline: Instant,
    ) -> Result<Bytes, Failure> {
        // Made before the fetch begins, or its end could be missed.
        let mut fetched = std::pin::pin!(entry.fetched.notified());
        fetched.as_mut().enable();
        if begin {
            self.fetch(key, entry);
        }
        let outcome = match entry.outcome() {
            None => {
                let is_in_time = timeout_at(deadline, fetched).await.is_ok();
                is_in_time.then(|| entry.outcome()).flatten()
            }
            outcome => outcome,
        };
        match (outcome, stale) {
            (Some(Err(failure)), _) if failure.kind == FailureKind::Refused => Err(failure),
            (Some(Ok(body)), _) | (_, Some(body)) => Ok(body),
            (Some(Err(failure)), None) => Err(failure),
            (None, None) => {
                Err(Failure::passing(503, "Credentials are still being fetched: ask again in a second"))
            }
        }
    }

    /// Renews and drops what is due, for ever. `is_current` says whether an ask would be made in the same way now.
    pub async fn keep(self, is_current: impl Fn(&Ask) -> bool + Send) {
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            sweep.tick().await;
            self.sweep(&is_current);
        }
    }

    /// A pod is gone, and so is what was held for it.
    pub fn forget(&self, pod_uid: &str) {
        self.0.lock().retain(|key, _| &*key.pod_uid != pod_uid);
        self.0.count();
    }

    fn sweep(&self, is_current: &impl Fn(&Ask) -> bool) {
        let entries: Vec<_> =
            self.0.lock().iter().map(|(key, held)| (key.clone(), held.entry.clone())).collect();
        let now = seconds();
        let mut renewals = self.0.settings.renewals_per_second;
        for (key, entry) in entries {
            if entry.is_idle() || !is_current(&entry.ask()) {
                self.0.drop_entry(&key, &entry);
            } else if renewals > 0 && entry.renew(now) {
                renewals -= 1;
                self.fetch(key, &entry);
            }
        }
        self.0.count();
    }

    /// The pod's entry; another one where its association is another.
    fn entry(&self, asked: Asked<'_>) -> (Key, Arc<Entry>) {
        let Subject { pod_uid, account_uid, .. } = &**asked.subject;
        let key = Key { pod_uid: pod_uid.clone(), account_uid: account_uid.clone() };
        let mut entries = self.0.lock();
        if let Some(held) = entries.get(&key).filter(|held| is_same(held.terms.as_ref(), asked.terms)) {
            return (key, held.entry.clone());
        }
        let entry = Arc::new(Entry::new(asked.ask()));
        // Where nothing is kept, an entry is there while it is being fetched.
        let is_full = self.0.settings.keeps() && entries.len() >= self.0.settings.entries;
        if is_full && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, held)| held.entry.asked());
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
                self.0.metrics.cache(CacheState::Evicted);
            }
        }
        entries.insert(key.clone(), Held { terms: asked.terms.cloned(), entry: entry.clone() });
        drop(entries);
        self.0.count();
        (key, entry)
    }

    /// Fetches for an entry that has begun a fetch, whether or not anybody waits for it.
    fn fetch(&self, key: Key, entry: &Arc<Entry>) {
        let (shared, entry) = (self.0.clone(), entry.clone());
        tokio::spawn(async move {
            // A fetch that panicked has ended too: nobody would begin another.
            let fetched = AssertUnwindSafe(shared.fetched(entry.ask())).catch_unwind().await;
            let result = fetched.unwrap_or_else(|_| Err(Failure::passing(500, "A bug: the log says more")));
            if let Err(failure) = &result {
                shared.metrics.cache_error(failure);
            }
            if !shared.settings.keeps() {
                shared.drop_entry(&key, &entry);
            }
            entry.ended(result, shared.settings.retention, chance());
        });
    }
}

impl Shared {
    async fn fetched(&self, ask: Ask) -> Result<Credentials, Failure> {
        let late = || Failure::passing(504, format!("AWS has not answered within {} s", FETCH.as_secs()));
        let turn = timeout(FETCH, self.turns.take()).await.map_err(|_| late())?;
        let result = timeout(FETCH, (self.fetch)(ask)).await.unwrap_or_else(|_| Err(late()));
        match &result {
            Err(Failure { kind: FailureKind::Throttled, .. }) => self.turns.throttled(turn),
            _ => self.turns.made(turn),
        }
        result
    }

    fn drop_entry(&self, key: &Key, entry: &Arc<Entry>) {
        let mut entries = self.lock();
        if entries.get(key).is_some_and(|held| Arc::ptr_eq(&held.entry, entry)) {
            entries.remove(key);
        }
    }

    fn count(&self) {
        let entries = self.lock().len();
        self.metrics.cached(entries);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: Option<&Arc<Terms>>, other: Option<&Arc<Terms>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
        _ => false,
    }
}

/// From 0 to 1, as chance has it: pods that came at the same moment are not all renewed at the same.
fn chance() -> f64 {
    f64::from(clock::since_1970().subsec_nanos() % 1000) / 1000.0
}

#[cfg(test)]
mod tests;
