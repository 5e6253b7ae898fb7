//! How many calls an upstream is sent at the same time: fewer once it wants to be asked less, and one more with each
//! that succeeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most calls at the same time. A node starts some ten pods a second; a thousand that start at once are answered
/// within the patience of SDKs if a call takes 200 ms.
const MOST: usize = 64;

/// The calls that may be made.
#[derive(Debug)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    allowed: AtomicUsize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(MOST)), allowed: AtomicUsize::new(MOST) }
    }
}

impl Turns {
    /// Waits for a turn. `None` never: the semaphore is not closed.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// The call of this turn was made.
    pub(super) fn made(&self, turn: Option<OwnedSemaphorePermit>) {
        drop(turn);
        if self.change(|allowed| (allowed < MOST).then_some(allowed + 1)) {
            self.free.add_permits(1);
        }
    }

    /// The call of this turn was one too many. One turn fewer, until calls are made again.
    pub(super) fn throttled(&self, turn: Option<OwnedSemaphorePermit>) {
        if let Some(turn) = turn
            && self.change(|allowed| (allowed > 1).then(|| allowed - 1))
        {
            turn.forget();
        }
    }

    fn change(&self, to: impl FnMut(usize) -> Option<usize>) -> bool {
        self.allowed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_become_fewer_down_to_one_and_come_back() {
        let turns = Turns::default();
        for _ in 0..2 * MOST {
            let turn = turns.take().await;
            turns.throttled(turn);
        }
        assert_eq!((turns.free.available_permits(), turns.allowed.load(Ordering::Relaxed)), (1, 1));
        for _ in 0..2 * MOST {
            let turn = turns.take().await;
            turns.made(turn);
        }
        assert_eq!((turns.free.available_permits(), turns.allowed.load(Ordering::Relaxed)), (MOST, MOST));
    }
}
