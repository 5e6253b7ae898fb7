//! Live look-ups that are shared: many calls that miss the same thing at the same time make one
//! request.
//!
//! What is looked up was changed just before, or else it would be known: so nothing is remembered,
//! and a call that joined a request which was sent before it arrived asks once more, unless that one
//! brought what cannot become better. A failure can: it may be of what was over when the call came.

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

/// A request that is under way. Held weakly: once nobody waits, it is dropped.
#[derive(Debug)]
struct Flight<A: Clone> {
    departure: Departure,
    answer: WeakShared<BoxFuture<'static, A>>,
}

/// When a request was sent: what waits for its turn until then is as new to all who wait with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Departure(Arc<OnceLock<Instant>>);

impl Departure {
    /// It is sent now.
    pub(crate) fn now(&self) {
        // There is one sending.
        let _ = self.0.set(Instant::now());
    }

    /// Whether that was before `instant`.
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
    /// The answer to `request` for this key, `None` if there is none before `deadline`. Of a
    /// request that was sent before this call only what `is_final` holds of is taken.
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
        // One that has landed is of before.
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
        // Not under the lock: with the last of its callers the request goes.
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

/// Counts a request once it is over. One that is given up has failed: its callers' time was up.
pub(crate) struct Count<F: FnMut(LookupResult)> {
    /// How it ended.
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
