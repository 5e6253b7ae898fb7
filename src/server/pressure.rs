//! Whether the memory for calls is short: told by whoever counts it, heeded by whoever can end what holds
//! it without getting on.
//!
//! Memory is short because of many honest calls, which end in milliseconds, or because of a few that send
//! or read slowly on purpose: those are given ten seconds as long as nobody wants their memory, and one as
//! soon as somebody does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a call may send its body, or read its answer, while others wait for its memory. Within a
/// cluster a review of any size takes some tens of milliseconds.
pub const PRESSED: Duration = Duration::from_secs(1);

/// For how long memory counts as short after somebody has waited for it: longer than between two looks of
/// those who wait.
const LASTS: Duration = Duration::from_millis(500);

/// Whether the memory for calls is short.
#[derive(Debug)]
pub struct Pressure {
    origin: Instant,
    /// When somebody last waited for memory, in microseconds from the origin; 0: never.
    raised: AtomicU64,
    news: Notify,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { origin: Instant::now(), raised: AtomicU64::new(0), news: Notify::new() }
    }
}

impl Pressure {
    /// Somebody waits for memory.
    pub fn raise(&self) {
        self.raised.store(self.now().max(1), Ordering::Relaxed);
        self.news.notify_waiters();
    }

    /// Whether somebody waited for memory a moment ago.
    #[must_use]
    pub fn is_up(&self) -> bool {
        let raised = self.raised.load(Ordering::Relaxed);
        raised > 0 && Duration::from_micros(self.now().saturating_sub(raised)) < LASTS
    }

    /// Waits until somebody waits for memory, and what began at `began` has had its time.
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
