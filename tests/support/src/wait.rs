//! Waiting for what has to happen: a condition with a deadline, never a time.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough for a busy machine; a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `check` gives something, and gives it back.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    eventually(what, async || check().await.ok_or(())).await
}

/// Waits until an attempt succeeds; if none does, the last error is shown.
pub async fn eventually<T, E: Debug>(what: impl Debug, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(now) => assert!(Instant::now() < deadline, "still waiting for {what:?}, now: {now:?}"),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for the end of something.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("still waiting: {what}"))
}
