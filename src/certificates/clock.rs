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

/// The machine's clock, and by how much the API server's differs.
#[derive(Clone)]
pub struct Clock {
    machine: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// Seconds that the API server's clock is ahead.
    ahead: Arc<AtomicI64>,
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
        Self { machine: Arc::new(machine), ahead: Arc::default() }
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

    /// Hears what time it is for the API server.
    pub(super) fn hear(&self, date: SystemTime) {
        let ahead = seconds(date).saturating_sub(seconds((self.machine)()));
        let before = self.ahead.load(Ordering::Relaxed);
        // Within the slack nothing is known, and what is known already is no reason to jump.
        if ahead.saturating_sub(before).abs() > SLACK {
            let ahead = if ahead.abs() > SLACK { ahead } else { 0 };
            self.ahead.store(ahead, Ordering::Relaxed);
        }
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

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn time_is_the_api_servers_where_the_clocks_differ() {
        let clock = Clock::new(|| at(1_000_000));
        assert_eq!(clock.seconds(), 1_000_000);
        clock.hear(at(1_000_003));
        assert_eq!((clock.seconds(), clock.difference()), (1_000_000, None));
        clock.hear(at(1_000_030));
        assert_eq!((clock.seconds(), clock.difference()), (1_000_030, None));
        clock.hear(at(500_000));
        assert_eq!((clock.seconds(), clock.difference()), (500_000, Some(-500_000)));
        // An answer that took a while is no new time.
        clock.hear(at(499_998));
        assert_eq!(clock.seconds(), 500_000);
        clock.hear(at(1_000_001));
        assert_eq!((clock.seconds(), clock.difference()), (1_000_000, None));
    }
}
