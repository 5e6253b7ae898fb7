//! The time by which certificates are made and judged: the API server's, which is who accepts or refuses them.
//!
//! It is read from the answers to this process's own requests. Without any, or where both agree, it is this
//! machine's; never a timer's, which would stand still while a machine is suspended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds by which two clocks may differ before it is told of.
const TOLD: i64 = 60;

/// Seconds by which an answer's time may differ by itself: it is cut to whole seconds, and the answer takes a while.
const SLACK: i64 = 5;

/// Times that are believed, in seconds since 1970: from 2020 to 2200. Certificates have no room for all that a header may
/// say.
const BELIEVED: std::ops::Range<i64> = 1_577_836_800..7_258_118_400;

/// No difference: nothing to confirm.
const NONE: i64 = i64::MIN;

/// The machine's clock, and by how much the API server's differs.
#[derive(Clone)]
pub struct Clock {
    machine: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// Seconds that the API server's clock is ahead.
    ahead: Arc<AtomicI64>,
    /// What the last answer said of that, if it was something else.
    rumour: Arc<AtomicI64>,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl Clock {
    /// A clock on top of the machine's, or of a test's.
    pub fn new(machine: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { machine: Arc::new(machine), ahead: Arc::default(), rumour: Arc::new(AtomicI64::new(NONE)) }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let machine = (self.machine)();
        let ahead = self.ahead.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let now = if ahead < 0 { machine.checked_sub(by) } else { machine.checked_add(by) };
        now.unwrap_or(machine)
    }

    /// What time it is, in seconds since 1970.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        seconds(self.now())
    }

    /// Hears what time it is for the API server. One answer alone changes nothing: it may be of another API server, or of
    /// something else that answers in its place.
    pub(super) fn hear(&self, date: SystemTime) {
        let date = seconds(date);
        if !BELIEVED.contains(&date) {
            return;
        }
        let ahead = date.saturating_sub(seconds((self.machine)()));
        let is_near = |other: i64| other != NONE && ahead.saturating_sub(other).abs() <= SLACK;
        // Within the slack nothing is known, and what is known already is no reason to jump.
        let rumour = if is_near(self.ahead.load(Ordering::Relaxed)) {
            NONE
        } else if is_near(self.rumour.load(Ordering::Relaxed)) {
            self.ahead.store(if ahead.abs() > SLACK { ahead } else { 0 }, Ordering::Relaxed);
            NONE
        } else {
            ahead
        };
        self.rumour.store(rumour, Ordering::Relaxed);
    }

    /// By how many seconds the API server's clock is ahead of this machine's, if it is worth telling.
    pub(super) fn difference(&self) -> Option<i64> {
        let ahead = self.ahead.load(Ordering::Relaxed);
        (ahead.abs() >= TOLD).then_some(ahead)
    }
}

/// A time in seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> i64 {
    let signed = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => signed(since),
        Err(before) => signed(before.duration()).saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// What the clock says, less the begin, after two answers with this time.
    fn after(clock: &Clock, seconds: u64) -> (i64, Option<i64>) {
        clock.hear(at(seconds));
        clock.hear(at(seconds));
        (clock.seconds() - 1_800_000_000, clock.difference())
    }

    #[test]
    fn time_is_the_api_servers_where_the_clocks_differ() {
        let clock = Clock::new(|| at(BEGIN));
        assert_eq!(after(&clock, BEGIN + 3), (0, None));
        assert_eq!(after(&clock, BEGIN + 30), (30, None));
        assert_eq!(after(&clock, BEGIN - 500_000), (-500_000, Some(-500_000)));
        // An answer that took a while is no new time.
        assert_eq!(after(&clock, BEGIN - 500_002), (-500_000, Some(-500_000)));
        assert_eq!(after(&clock, BEGIN + 1), (0, None));
    }

    #[test]
    fn one_answer_alone_and_times_that_cannot_be_change_nothing() {
        let clock = Clock::new(|| at(BEGIN));
        // Of two API servers that differ, the first that was heard twice in a row counts.
        for _ in 0..10 {
            clock.hear(at(BEGIN));
            clock.hear(at(BEGIN + 86_400));
        }
        assert_eq!(clock.seconds(), 1_800_000_000);
        assert_eq!(after(&clock, 253_402_300_799), (0, None), "the year 9999");
        assert_eq!(after(&clock, 1), (0, None));
    }
}
