//! Waiting for what has to come about: a condition with a deadline, never a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough for a machine that does much else; a test that holds never waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `check` gives something, and gives it back.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "still waiting: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for the end of something.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("still waiting: {what}"))
}
