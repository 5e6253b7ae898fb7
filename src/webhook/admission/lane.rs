//! Where large reviews are worked on: one at a time, beside the threads that serve all others, so that probes
//! and small pods never wait for more than a fraction of a millisecond.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;

/// A review that takes this many bytes, in the body or for the patch, is large: less takes under a
/// millisecond. A pod of a hundred containers is smaller.
const LARGE: usize = 256 << 10;

/// The one place for large reviews.
#[derive(Debug)]
pub(super) struct Lane(Semaphore);

impl Lane {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(1))
    }

    /// Does work on this many bytes: at once if they are few, otherwise once earlier large reviews are done.
    pub(super) async fn run<T>(
        &self,
        bytes: usize,
        deadline: Instant,
        work: impl FnOnce() -> T,
    ) -> Result<T, Refusal> {
        if bytes <= LARGE {
            return Ok(work());
        }
        let place = timeout_at(deadline, self.0.acquire()).await;
        // The semaphore is never closed: only the wait can fail.
        let _place = place.ok().and_then(Result::ok).ok_or(Refusal::Busy)?;
        Ok(match Handle::current().runtime_flavor() {
            // A runtime of one thread, as in tests, has no other that could take over.
            RuntimeFlavor::CurrentThread => work(),
            _ => block_in_place(work),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn large_reviews_wait_for_each_other_and_nobody_for_them() {
        let lane = Arc::new(Lane::new());
        let soon = || Instant::now() + Duration::from_mins(1);
        let (started, has_started) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let (lane, deadline) = (lane.clone(), soon());
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    ended.recv().unwrap();
                };
                lane.run(LARGE + 1, deadline, work).await.is_ok()
            }
        });
        // The first review has the runtime's one thread; another thread serves all that follows.
        tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
        let small = tokio::spawn({
            let (lane, deadline) = (lane.clone(), soon());
            async move { lane.run(LARGE, deadline, || 1).await.unwrap() }
        });
        assert_eq!(small.await.unwrap(), 1);
        let refused = lane.run(LARGE + 1, Instant::now() + Duration::from_millis(1), || ()).await;
        assert!(matches!(refused, Err(Refusal::Busy)));
        end.send(()).unwrap();
        assert!(first.await.unwrap());
        assert_eq!(lane.run(LARGE + 1, soon(), || 2).await.unwrap(), 2);
    }
}
