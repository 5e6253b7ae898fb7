//! Which statuses are to be written, and when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::kubernetes::jittered;

/// The longest wait before a first write: of several replicas one mostly comes first, and the others see its write.
const SPREAD: Duration = Duration::from_secs(1);

/// The wait after a write that failed.
const RETRY: Duration = Duration::from_secs(10);

/// How long after a write of its own this replica leaves an object alone: replicas of two versions, or with two
/// policies, would otherwise write against each other without an end while one replaces the other.
pub(super) const REST: Duration = Duration::from_secs(30);

/// Between two writes: an import of thousands must not take the API server's attention from pods.
pub(super) const GAP: Duration = Duration::from_millis(20);

type Key = (String, String);

/// What is to be written, by the object.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: HashMap<Key, (Instant, Value)>,
    /// The same, in the order in which it is due.
    order: BTreeSet<(Instant, Key)>,
    /// When an object was last written by this replica, for those that still rest.
    resting: HashMap<Key, Instant>,
    last: Option<Instant>,
}

impl Queue {
    /// Says what is to be written to an object now; `None`: nothing.
    pub(super) fn set(&mut self, namespace: &str, name: &str, patch: Option<Value>) {
        let key = (namespace.to_owned(), name.to_owned());
        let due = self.waiting.get(&key).map(|(due, _)| *due);
        self.remove(&key);
        if let Some(patch) = patch {
            let rests = self.resting.get(&key).map(|written| *written + REST);
            let first = || rests.unwrap_or_else(Instant::now) + jittered(SPREAD);
            self.insert(due.unwrap_or_else(first), key, patch);
        }
    }

    /// The object is gone.
    pub(super) fn forget(&mut self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.remove(&key);
        self.resting.remove(&key);
    }

    /// When the next write is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let (due, _) = self.order.first()?;
        Some(self.last.map_or(*due, |last| (*due).max(last + GAP)))
    }

    /// Takes out what is due first.
    pub(super) fn pop(&mut self) -> Option<(Key, Value)> {
        let (_, key) = self.order.pop_first()?;
        let (_, patch) = self.waiting.remove(&key)?;
        self.last = Some(Instant::now());
        Some((key, patch))
    }

    /// An object was written.
    pub(super) fn written(&mut self, namespace: String, name: String) {
        let now = Instant::now();
        self.resting.retain(|_, written| now.duration_since(*written) < REST);
        self.resting.insert((namespace, name), now);
    }

    /// A write failed: it is made again later, unless the object says something else by then.
    pub(super) fn retry(&mut self, namespace: String, name: String, patch: Value) {
        let key = (namespace, name);
        if !self.waiting.contains_key(&key) {
            self.insert(Instant::now() + jittered(RETRY), key, patch);
        }
    }

    fn insert(&mut self, due: Instant, key: Key, patch: Value) {
        self.order.insert((due, key.clone()));
        self.waiting.insert(key, (due, patch));
    }

    fn remove(&mut self, key: &Key) {
        if let Some((due, _)) = self.waiting.remove(key) {
            self.order.remove(&(due, key.clone()));
        }
    }
}
