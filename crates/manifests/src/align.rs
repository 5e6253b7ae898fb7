//! Tells which items of a grown list were there before, for `edit`.

use serde_json::Value;

/// Where an item of the new list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairing {
    /// It is the next item of the old list, perhaps changed within.
    Kept,
    Added,
}

/// Tells added items from kept ones, or `None` if items were removed. Any answer leads to the right
/// value; a good one makes the edit small.
pub(super) fn align(old: &[Value], new: &[Value]) -> Option<Vec<Pairing>> {
    let mut spare = new.len().checked_sub(old.len())?;
    let mut rest = old.iter().peekable();
    let pairings = new.iter().map(|value| {
        if rest.next_if(|before| spare == 0 || is_kin(before, value)).is_some() {
            return Pairing::Kept;
        }
        spare = spare.saturating_sub(1);
        Pairing::Added
    });
    Some(pairings.collect())
}

/// Whether one value may have grown out of the other: both have the same name, as containers and
/// variables do, or nothing of the old one is lost.
fn is_kin(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => match (before.get("name"), after.get("name")) {
            (Some(before), Some(after)) => before == after,
            _ => before.iter().all(|(key, value)| after.get(key).is_some_and(|after| is_kin(value, after))),
        },
        (Value::Null, _) => true,
        (Value::Array(before), Value::Array(after)) => before.len() <= after.len(),
        _ => old == new,
    }
}
