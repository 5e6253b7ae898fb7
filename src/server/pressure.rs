//! Whether the memory for calls is short. What counts that memory raises the pressure; what can end a stalled
//! call heeds it.
//!
//! Memory is short because of many honest calls, which end in milliseconds, or because of a few that send or
//! read slowly on purpose. These have ten seconds as long as no other call wants their memory, and one second
//! as soon as one does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a call may send its body, or read its answer, while others wait for its memory. Within a
/// cluster a review of any size takes some tens of milliseconds.
pub const PRESSED: Duration = Duration::from_secs(1);

/// How long memory counts as short after a call has waited for it; waiting calls look again sooner.
const LASTS: Duration = Duration::from_millis(500);

/// Whether the memory for calls is short.
#[derive(Debug)]
pub struct Pressure {
    origin: Instant,
    /// When a call last waited for memory, in microseconds from the origin; 0: never.
    raised: AtomicU64,
    news: Notify,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { origin: Instant::now(), raised: AtomicU64::new(0), news: Notify::new() }
    }
}

impl Pressure {
    /// Reports that a call waits for memory.
    pub fn raise(&self) {
        self.raised.store(self.now().max(1), Ordering::Relaxed);
        self.news.notify_waiters();
    }

    /// Whether a call waited for memory a moment ago.
    #[must_use]
    pub fn is_up(&self) -> bool {
        let raised = self.raised.load(Ordering::Relaxed);
        raised > 0 && Duration::from_micros(self.now().saturating_sub(raised)) < LASTS
    }

    /// Waits until a call waits for memory after what began at `began` has had its time.
    pub async fn ends(&self, began: Instant) {
        loop {
            self.news.notified().await;
            if began.elapsed() >= PRESSED {
                return;
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
