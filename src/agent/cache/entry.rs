//! What is held for one pod, and what is to be done when its SDK asks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::freshness::{Freshness, TOO_LITTLE, renewal};
use super::{Ask, Asked, SWEEP, Token};
use crate::agent::credentials::{Credentials, Held};
use crate::agent::failure::{Failure, FailureKind};

/// How long a refusal is kept: an SDK asks three times, a second apart, whatever it is answered. No longer, for an
/// association may have been made a moment ago.
const REFUSAL: Duration = Duration::from_secs(3);

/// The first pause after an upstream could not answer, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What is held for one pod.
#[derive(Debug)]
pub(super) struct Entry {
    state: Mutex<State>,
    /// Told when a fetch has ended.
    pub(super) fetched: Notify,
}

struct State {
    /// The ask of the newest token: a later fetch is made with it.
    newest: Ask,
    held: Option<Held>,
    renew_at: Option<Instant>,
    failed: Option<Failed>,
    failures: u32,
    is_fetching: bool,
    asked: Instant,
    /// Whether somebody asked since the last renewal that nobody waited for.
    is_wanted: bool,
}

struct Failed {
    failure: Failure,
    until: Instant,
}

/// Never shows what is held.
impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").field("is_fetching", &self.is_fetching).finish_non_exhaustive()
    }
}

/// What is to be done for an SDK that asks.
#[derive(Debug)]
pub(super) enum Look {
    /// Answer this. `renew` says that the caller has to fetch too, for nobody waits.
    Answer { body: Bytes, renew: bool },
    /// Answer this.
    Fail(Failure),
    /// Wait for the fetch that is under way, or for one that the caller has to make if `begin` is set; if there is none
    /// in time, answer what is stale.
    Wait { begin: bool, stale: Option<Bytes> },
}

impl Entry {
    pub(super) fn new(ask: Ask) -> Self {
        let state = State {
            newest: ask,
            held: None,
            renew_at: None,
            failed: None,
            failures: 0,
            is_fetching: false,
            asked: Instant::now(),
            is_wanted: true,
        };
        Self { state: Mutex::new(state), fetched: Notify::new() }
    }

    /// An SDK asks: what is to be done.
    pub(super) fn look(&self, asked: Asked<'_>) -> Look {
        let mut state = self.lock();
        let remaining = state.held.as_ref().map(Held::remaining);
        if remaining.is_some_and(|remaining| remaining <= TOO_LITTLE) {
            // What has ended meanwhile, and how long to wait with it, is of no use to an SDK that asks now.
            state.held = None;
            state.failed.take_if(|failed| failed.failure.kind != FailureKind::Refused);
        }
        state.asked = Instant::now();
        state.is_wanted = true;
        if asked.expires > state.newest.token.expires {
            state.newest = asked.ask();
        }
        let held = state.held.as_ref().zip(remaining);
        let held =
            held.map(|(held, remaining)| (Freshness::of(remaining, held.lifetime()), held.body.clone()));
        match (held, state.recent_failure()) {
            (Some((Freshness::Good, body)), _) => Look::Answer { body, renew: state.begin_renewal() },
            (Some((Freshness::Stale, body)), Some(_)) => Look::Answer { body, renew: false },
            (Some((Freshness::Stale, body)), None) => Look::Wait { begin: state.begin(), stale: Some(body) },
            (Some((Freshness::Ended, _)) | None, Some(failure)) => Look::Fail(failure),
            (Some((Freshness::Ended, _)) | None, None) => Look::Wait { begin: state.begin(), stale: None },
        }
    }

    /// What the ended fetch came to; `None` while one is under way.
    pub(super) fn outcome(&self) -> Option<Result<Bytes, Failure>> {
        let state = self.lock();
        if state.is_fetching {
            return None;
        }
        let held = state.held.as_ref().filter(|_| state.has_credentials());
        match (held, &state.failed) {
            (Some(held), _) => Some(Ok(held.body.clone())),
            (None, Some(failed)) => Some(Err(failed.failure.clone())),
            // What was fetched has ended meanwhile.
            (None, None) => None,
        }
    }

    /// Begins a renewal if one is due, somebody asked since the last, and there is a token that still holds.
    pub(super) fn renew(&self, now_seconds: i64) -> bool {
        let mut state = self.lock();
        let begins = state.is_wanted && state.newest.token.expires > now_seconds && state.begin_renewal();
        if begins {
            state.is_wanted = false;
        }
        begins
    }

    /// With what a fetch is to be made.
    pub(super) fn ask(&self) -> Ask {
        self.lock().newest.clone()
    }

    /// The fetch has ended.
    pub(super) fn ended(&self, result: Result<Credentials, Failure>, most: Duration, chance: f64) {
        let mut state = self.lock();
        state.is_fetching = false;
        match result.and_then(|credentials| usable(&credentials)) {
            Ok(held) => {
                state.renew_at = Some(Instant::now() + renewal(held.lifetime(), most, chance));
                state.held = Some(held);
                state.failed = None;
                state.failures = 0;
            }
            Err(failure) => {
                if failure.kind == FailureKind::Refused {
                    state.held = None;
                } else {
                    // The renewal is still to be made.
                    state.is_wanted = true;
                }
                let pause = state.pause(failure.kind, chance);
                state.failures = state.failures.saturating_add(1);
                state.failed = Some(Failed { failure, until: Instant::now() + pause });
            }
        }
        drop(state);
        self.fetched.notify_waiters();
    }

    /// When an SDK last asked.
    pub(super) fn asked(&self) -> Instant {
        self.lock().asked
    }

    /// Whether nothing is held that could be of use, and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        let is_of_use = state.has_credentials() || state.is_fetching || state.recent_failure().is_some();
        !is_of_use && state.asked.elapsed() >= SWEEP
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Credentials that have ended on arrival, or nearly, are of no use: the node's clock may be wrong.
fn usable(credentials: &Credentials) -> Result<Held, Failure> {
    let held = Held::new(credentials);
    if held.remaining() > TOO_LITTLE {
        return Ok(held);
    }
    let text = format!(
        "Credentials that were fetched ended at {}: is the node's clock right?",
        credentials.expiration
    );
    Err(Failure::passing(500, text))
}

impl State {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.is_fetching, true)
    }

    fn begin_renewal(&mut self) -> bool {
        let is_due = self.renew_at.is_some_and(|renew_at| renew_at <= Instant::now());
        is_due && self.recent_failure().is_none() && self.begin()
    }

    fn has_credentials(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.remaining() > TOO_LITTLE)
    }

    fn recent_failure(&self) -> Option<Failure> {
        let failed = self.failed.as_ref().filter(|failed| failed.until > Instant::now())?;
        Some(failed.failure.clone())
    }

    /// How long no fetch is made after a failure. Without credentials an SDK waits, so its next try asks again.
    fn pause(&self, kind: FailureKind, chance: f64) -> Duration {
        if kind == FailureKind::Refused {
            return REFUSAL;
        }
        if !self.has_credentials() {
            return FIRST_PAUSE;
        }
        let growing = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        growing.mul_f64(0.5 + chance / 2.0)
    }
}

impl Token {
    /// A token that ends at `expires`, in seconds since 1970.
    #[must_use]
    pub fn new(text: &str, expires: i64) -> Self {
        Self { text: text.into(), expires }
    }
}
