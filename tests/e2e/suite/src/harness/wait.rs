//! Waiting for what has to come about: a condition with a deadline, never a time.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// Long enough for pods to start on a machine that does much else; a test that holds never waits for it.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until `check` gives something, and gives it back; an error ends the waiting.
pub async fn until<T>(what: &str, check: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(PATIENCE, what, check).await
}

/// The same with a deadline of its own.
pub async fn until_within<T>(
    limit: Duration,
    what: &str,
    mut check: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = check().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {limit:?} in vain: {what}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}
