//! Live look-ups that are shared: many calls that miss the same account at the same time make one
//! request.
//!
//! What is looked up was changed just before, or else it would be known: so nothing is remembered,
//! and a call that joined a request which began before it arrived asks once more, unless that one
//! brought what cannot become better.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::{Instant, timeout_at};

use crate::metrics::LookupResult;

/// Namespace and name of an account.
type Account = (Box<str>, Box<str>);

/// The requests that are under way, by the account that each asks for.
#[derive(Debug)]
pub(super) struct Flights<A: Clone>(Mutex<HashMap<Account, Flight<A>>>);

/// A request that is under way. Held weakly: once nobody waits, it is dropped.
#[derive(Debug)]
struct Flight<A: Clone> {
    began: Instant,
    answer: WeakShared<BoxFuture<'static, A>>,
}

impl<A: Clone> Default for Flights<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A: Clone> Flights<A> {
    /// The answer to `request` for this account, `None` if there is none before `deadline`. Of a
    /// request that began before this call only what `is_final` holds of is taken.
    pub(super) async fn ask(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
        request: impl Fn() -> BoxFuture<'static, A>,
        is_final: impl Fn(&A) -> bool,
    ) -> Option<A> {
        let arrived = Instant::now();
        loop {
            let (began, answer) = self.join(namespace, name, &request);
            let answer = timeout_at(deadline, answer).await.ok()?;
            if began >= arrived || is_final(&answer) {
                return Some(answer);
            }
        }
    }

    /// The request under way for this account, or a new one.
    fn join(
        &self,
        namespace: &str,
        name: &str,
        request: impl Fn() -> BoxFuture<'static, A>,
    ) -> (Instant, Shared<BoxFuture<'static, A>>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for any more; few are under way at a time.
        flights.retain(|_, flight| flight.answer.upgrade().is_some_and(|answer| answer.peek().is_none()));
        match flights.entry((namespace.into(), name.into())) {
            Entry::Occupied(entry) if entry.get().answer.upgrade().is_some() => {
                let flight = entry.get();
                // Just seen; a new request costs less than a promise that it cannot end meanwhile.
                let answer = flight.answer.upgrade().unwrap_or_else(|| request().shared());
                (flight.began, answer)
            }
            entry => {
                let answer = request().shared();
                let began = Instant::now();
                if let Some(weak) = answer.downgrade() {
                    entry.insert_entry(Flight { began, answer: weak });
                }
                (began, answer)
            }
        }
    }
}

/// Counts a request once it is over. One that is given up has failed: its callers' time was up.
pub(super) struct Count<F: FnMut(LookupResult)> {
    /// How it ended.
    pub(super) result: LookupResult,
    count: F,
}

impl<F: FnMut(LookupResult)> Count<F> {
    pub(super) fn new(count: F) -> Self {
        Self { result: LookupResult::Error, count }
    }
}

impl<F: FnMut(LookupResult)> Drop for Count<F> {
    fn drop(&mut self) {
        (self.count)(self.result);
    }
}
