//! One connection, as those know it who look for one to close.

use std::sync::OnceLock;

use tokio::task::AbortHandle;

use super::activity::Activity;
use super::peer::Peer;

/// One connection.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) activity: Activity,
    pub(super) peer: Peer,
    task: OnceLock<AbortHandle>,
}

impl Entry {
    pub(super) fn new(id: u64, activity: Activity, peer: Peer) -> Self {
        Self { id, activity, peer, task: OnceLock::new() }
    }

    /// Tells the task by which the connection is closed.
    pub(super) fn task(&self, task: AbortHandle) {
        drop(self.task.set(task));
    }

    pub(super) fn close(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}
