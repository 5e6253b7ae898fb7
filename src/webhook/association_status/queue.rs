//! Which statuses are to be written, and when.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::kubernetes::jittered;

/// The longest wait before a first write: of several replicas one mostly comes first, and the others see its write.
const SPREAD: Duration = Duration::from_secs(1);

/// How long after a write of its own this replica leaves an object alone: replicas of two versions, or with two
/// policies, would otherwise write against each other without an end while one replaces the other.
pub(super) const REST: Duration = Duration::from_secs(30);

/// Writes of the same status to one object by this replica, one soon after the other, after which somebody else is taken
/// to write against it for good.
pub(super) const MOST: u32 = 4;

/// How long the object is then left alone.
pub(super) const TRUCE: Duration = Duration::from_mins(30);

/// Between two writes: an import of thousands must not take the API server's attention from pods.
pub(super) const GAP: Duration = Duration::from_millis(20);

/// The first pause after a write that failed; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

type Key = (String, String);

/// How long nothing is written after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Longer with each failure in a row.
    Growing,
    /// For so long: what is wrong does not pass by itself.
    For(Duration),
}

/// A replica's own writes of an object.
#[derive(Debug, Clone, Copy)]
struct Writes {
    last: Instant,
    /// What was written last, in short.
    content: u64,
    /// How often that was written, one soon after the other.
    in_a_row: u32,
}

/// What is to be written, by the object.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: HashMap<Key, (Instant, Value)>,
    /// The same, in the order in which it is due.
    order: BTreeSet<(Instant, Key)>,
    /// This replica's writes, for as long as they matter.
    writes: HashMap<Key, Writes>,
    /// Nothing is written before this.
    not_before: Option<Instant>,
    failures: u32,
}

impl Queue {
    /// Says what is to be written to an object now; `None`: nothing. Returns whether it is left alone, because somebody
    /// else writes against this replica.
    pub(super) fn set(&mut self, namespace: &str, name: &str, patch: Option<Value>) -> bool {
        let key = (namespace.to_owned(), name.to_owned());
        let due = self.waiting.get(&key).map(|(due, _)| *due);
        self.remove(&key);
        let Some(patch) = patch else { return false };
        let now = Instant::now();
        let writes = self.writes.get(&key).copied();
        // Where there is something new to say, somebody has changed the association or the policy, and not the status.
        let is_contested =
            writes.is_some_and(|writes| writes.in_a_row >= MOST && writes.content == content(&patch));
        let rest = if is_contested { TRUCE } else { REST };
        let earliest = writes.map_or(now, |writes| now.max(writes.last + rest));
        let due = due.filter(|due| *due <= earliest + SPREAD);
        self.insert(due.unwrap_or_else(|| earliest + jittered(SPREAD)), key, patch);
        is_contested && due.is_none()
    }

    /// The object is gone.
    pub(super) fn forget(&mut self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.remove(&key);
        self.writes.remove(&key);
    }

    /// When the next write is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let (due, _) = self.order.first()?;
        Some(self.not_before.map_or(*due, |not_before| (*due).max(not_before)))
    }

    /// Takes out what is due first.
    pub(super) fn pop(&mut self) -> Option<(Key, Value)> {
        let (_, key) = self.order.pop_first()?;
        let (_, patch) = self.waiting.remove(&key)?;
        self.not_before = Some(Instant::now() + GAP);
        Some((key, patch))
    }

    /// An object was written.
    pub(super) fn written(&mut self, namespace: String, name: String, patch: &Value) {
        let now = Instant::now();
        self.failures = 0;
        self.writes.retain(|_, writes| now.duration_since(writes.last) < 2 * TRUCE);
        let (key, content) = ((namespace, name), content(patch));
        // Writes that are far apart, or say something else each time, are no quarrel.
        let is_again =
            |before: &&Writes| now.duration_since(before.last) < 3 * REST && before.content == content;
        let in_a_row =
            self.writes.get(&key).filter(is_again).map_or(1, |before| before.in_a_row.saturating_add(1));
        self.writes.insert(key, Writes { last: now, content, in_a_row });
    }

    /// A write failed: after a pause for all, it is made again, unless the object says something else by then.
    pub(super) fn failed(&mut self, namespace: String, name: String, patch: Value, pause: Pause) {
        let growing = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        let pause = match pause {
            Pause::Growing => jittered(growing),
            Pause::For(pause) => jittered(pause),
        };
        let until = Instant::now() + pause;
        self.not_before = Some(until);
        let key = (namespace, name);
        if !self.waiting.contains_key(&key) {
            self.insert(until, key, patch);
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

/// What a patch says, in short: neither of which version it is nor when a condition has changed.
fn content(patch: &Value) -> u64 {
    let mut status = patch.get("status").cloned().unwrap_or_default();
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        condition.remove("lastTransitionTime");
    }
    let mut hasher = DefaultHasher::new();
    status.to_string().hash(&mut hasher);
    hasher.finish()
}
