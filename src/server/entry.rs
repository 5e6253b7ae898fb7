//! One connection, as those know it who look for one to close.

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
    /// What it did when it was told to go.
    told: OnceLock<Seen>,
    tell: Notify,
}

impl Entry {
    pub(super) fn new(id: u64, activity: Activity, peer: Peer) -> Self {
        Self { id, activity, peer, task: OnceLock::new(), told: OnceLock::new(), tell: Notify::new() }
    }

    /// Tells the task by which the connection is closed.
    pub(super) fn task(&self, task: AbortHandle) {
        drop(self.task.set(task));
    }

    /// Closes it once it has seen that nothing more has come, and after the call if something has.
    pub(super) fn tell(&self, seen: Seen) {
        if self.told.set(seen).is_ok() {
            self.tell.notify_one();
        }
    }

    /// Whether it is to go.
    pub(super) fn is_told(&self) -> bool {
        self.told.get().is_some()
    }

    /// Waits until it is to go; whether it does what it did when that was decided.
    pub(super) async fn told(&self) -> bool {
        self.tell.notified().await;
        // What has come by now is known to the runtime when it has looked at its sockets: that is between.
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
