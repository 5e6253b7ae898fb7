//! Limits how often a line of the log is written.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets one line through per interval, and counts the others.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    burst: u32,
    state: Mutex<Throttled>,
}

#[derive(Debug, Default)]
struct Throttled {
    /// When the last line would have been written, had none come sooner than an interval after another.
    due: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// One line every `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, burst: 1, state: Mutex::default() }
    }

    /// The same, except that `burst` lines may come at once after a time without any.
    #[must_use]
    pub fn with_burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// Whether to write now, and how many lines were left out before.
    pub fn allow(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = state.due.map_or(now, |last| now.max(last + self.interval));
        if due > now + self.interval * self.burst.saturating_sub(1) {
            state.left_out += 1;
            return None;
        }
        state.due = Some(due);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_an_interval_says_how_many_were_left_out() {
        let throttle = Throttle::new(Duration::from_secs(1));
        assert_eq!(throttle.allow(), Some(0));
        assert_eq!((throttle.allow(), throttle.allow()), (None, None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.allow(), Some(2));
        assert_eq!(throttle.allow(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.allow(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_comes_through_and_then_one_line_an_interval() {
        let throttle = Throttle::new(Duration::from_secs(1)).with_burst(3);
        let allowed = |tries| (0..tries).filter(|_| throttle.allow().is_some()).count();
        assert_eq!(allowed(10), 3);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(allowed(10), 1);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(allowed(10), 3);
    }
}
