//! Live look-ups that are shared: many calls that miss the same thing at the same time make one
//! request.
//!
//! What has to be looked up was changed just before, or it would be known: so nothing is remembered, and a
//! call that joined a request sent before it arrived asks once more, unless the answer cannot get better. A
//! failure can: its cause may have been over when the call came.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::{Instant, timeout_at};

use super::metrics::LookupResult;

/// The requests that are under way, by what each asks for.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, A: Clone>(Mutex<HashMap<K, Flight<A>>>);

/// A request that is under way. It is held weakly, and so dropped once nothing waits for it.
#[derive(Debug)]
struct Flight<A: Clone> {
    departure: Departure,
    answer: WeakShared<BoxFuture<'static, A>>,
}

/// When a request was sent: until then it waits for its turn, and is new enough for all that join it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Departure(Arc<OnceLock<Instant>>);

impl Departure {
    /// The request is sent now.
    pub(crate) fn now(&self) {
        // The request is sent once, so this cannot fail.
        let _ = self.0.set(Instant::now());
    }

    /// Whether the request was sent before `instant`.
    fn was_before(&self, instant: Instant) -> bool {
        self.0.get().is_some_and(|sent| *sent < instant)
    }
}

impl<K, A: Clone> Default for SingleFlight<K, A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, A: Clone> SingleFlight<K, A> {
    /// The answer to `request` for this key, `None` if there is none before `deadline`. The answer to a
    /// request that was sent before this call is taken only if `is_final` holds for it.
    pub(crate) async fn ask(
        &self,
        key: K,
        deadline: Instant,
        request: impl Fn(Departure) -> BoxFuture<'static, A>,
        is_final: impl Fn(&A) -> bool,
    ) -> Option<A> {
        let arrived = Instant::now();
        loop {
            let mut seat = self.join(&key, &request);
            let answer = timeout_at(deadline, seat.answer.as_mut()?).await.ok()?;
            if !seat.departure.was_before(arrived) || is_final(&answer) {
                return Some(answer);
            }
        }
    }

    /// A seat in the request under way for this key, or in a new one.
    fn join(&self, key: &K, request: impl Fn(Departure) -> BoxFuture<'static, A>) -> Seat<'_, K, A> {
        let mut flights = self.lock();
        let known = flights.get(key);
        let known = known.and_then(|flight| Some((flight.departure.clone(), flight.answer.upgrade()?)));
        // A request that was answered is not joined: its answer is from before this call.
        let (departure, answer) = known.filter(|(_, answer)| answer.peek().is_none()).unwrap_or_else(|| {
            let departure = Departure::default();
            let answer = request(departure.clone()).shared();
            if let Some(weak) = answer.downgrade() {
                flights.insert(key.clone(), Flight { departure: departure.clone(), answer: weak });
            }
            (departure, answer)
        });
        drop(flights);
        Seat { flights: self, key: key.clone(), departure, answer: Some(answer) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Flight<A>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller's part in a request. The last to leave forgets it.
struct Seat<'f, K: Hash + Eq + Clone, A: Clone> {
    flights: &'f SingleFlight<K, A>,
    key: K,
    departure: Departure,
    answer: Option<Shared<BoxFuture<'static, A>>>,
}

impl<K: Hash + Eq + Clone, A: Clone> Drop for Seat<'_, K, A> {
    fn drop(&mut self) {
        // This happens outside the lock: the last of its callers drops the request.
        drop(self.answer.take());
        let mut flights = self.flights.lock();
        let flight = flights.get(&self.key);
        let is_over =
            flight.is_some_and(|flight| flight.answer.upgrade().is_none_or(|answer| answer.peek().is_some()));
        if is_over {
            flights.remove(&self.key);
        }
    }
}

/// Counts a request once it is over. One that is given up has failed: its callers ran out of time.
pub(crate) struct Count<F: FnMut(LookupResult)> {
    /// How the request ended.
    pub(crate) result: LookupResult,
    count: F,
}

impl<F: FnMut(LookupResult)> Count<F> {
    pub(crate) fn new(count: F) -> Self {
        Self { result: LookupResult::Error, count }
    }
}

impl<F: FnMut(LookupResult)> Drop for Count<F> {
    fn drop(&mut self) {
        (self.count)(self.result);
    }
}
