//! The node's clock, by which tokens and credentials end. It may be set at any moment, back too: what must not be set
//! with it goes by [`tokio::time::Instant`]. Tests of this crate set it without setting the machine's.

use std::time::{Duration, SystemTime};

/// The time, as the node has it.
pub(super) fn now() -> SystemTime {
    #[cfg(test)]
    return tests::shifted(SystemTime::now());
    #[cfg(not(test))]
    SystemTime::now()
}

/// The time since 1970; none before.
pub(super) fn since_1970() -> Duration {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The time in whole seconds since 1970.
pub(super) fn seconds() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How far this test's clock is ahead of the machine's, and behind it. Each test has a thread.
        static SET: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
    }

    pub(super) fn shifted(time: SystemTime) -> SystemTime {
        let (ahead, behind) = SET.get();
        time + ahead - behind
    }

    /// Sets the clock forward.
    pub(in crate::agent) fn set_forward(by: Duration) {
        let (ahead, behind) = SET.get();
        SET.set((ahead + by, behind));
    }

    /// Sets the clock back.
    pub(in crate::agent) fn set_back(by: Duration) {
        let (ahead, behind) = SET.get();
        SET.set((ahead, behind + by));
    }

    /// Lets time pass on both clocks, in a test whose time is paused.
    pub(in crate::agent) async fn pass(duration: Duration) {
        set_forward(duration);
        tokio::time::advance(duration).await;
    }
}
