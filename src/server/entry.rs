//! One connection, as the search for one to close knows it.

use std::sync::OnceLock;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};

use super::activity::{Activity, Seen};
use super::peer::Peer;

/// One connection.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) activity: Activity,
    pub(super) peer: Peer,
    task: OnceLock<AbortHandle>,
    /// What it was doing when it was told to end.
    told: OnceLock<Seen>,
    tell: Notify,
}

impl Entry {
    pub(super) fn new(id: u64, activity: Activity, peer: Peer) -> Self {
        Self { id, activity, peer, task: OnceLock::new(), told: OnceLock::new(), tell: Notify::new() }
    }

    /// Sets the task that serves the connection; aborting it closes the connection.
    pub(super) fn task(&self, task: AbortHandle) {
        drop(self.task.set(task));
    }

    /// Tells the connection to end: once nothing more has come, or after the call if something has.
    pub(super) fn tell(&self, seen: Seen) {
        if self.told.set(seen).is_ok() {
            self.tell.notify_one();
        }
    }

    /// Whether it was told to end.
    pub(super) fn is_told(&self) -> bool {
        self.told.get().is_some()
    }

    /// Waits until it is told to end; whether it is still doing what it did when that was decided.
    pub(super) async fn told(&self) -> bool {
        self.tell.notified().await;
        // The runtime looks at its sockets meanwhile, and so knows what has come by now.
        yield_now().await;
        self.told.get() == Some(&self.activity.seen())
    }

    /// Closes it at once, whatever is under way.
    pub(super) fn close(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}
