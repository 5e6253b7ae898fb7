//! The connections of a port, or of one peer, from which one is chosen to be closed.
//!
//! Looking at all of them for every new connection would cost the most in a flood. So a look notes an eighth
//! of them in the order in which they are to be closed, and those are used up before the next look: any later
//! silence begins after those that were noted, so the first note that still holds is still the longest
//! silence.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::activity::{Phase, Seen};
use super::entry::Entry;

/// The least number of connections that a look notes.
const NOTES: usize = 16;

/// A call that takes longer than this may be cut short if nothing silent can be closed. Most take less than a
/// millisecond, and one that waits for a look-up 1.5 s; one that waits for memory or for its turn may take
/// longer, on a replica that has more to do than it can, and is cut if places are short too.
const LONG_CALL: Duration = Duration::from_secs(3);

/// How long a connection without a request counts as one whose handshake is under way and whose call comes
/// next: a thousand handshakes at once, with RSA of 2,048 bits, take less than this on one core.
const YOUNG: Duration = Duration::from_secs(1);

/// How long a look that found nothing holds: while all are busy, every new connection would look again.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
pub(super) struct Group {
    members: HashMap<u64, Arc<Entry>>,
    /// Silent strangers, the longest silent first, each with the state it was in.
    notes: VecDeque<(Seen, Arc<Entry>)>,
    /// When the last look was.
    looked: Option<Duration>,
    /// Whether the last look found any.
    found_some: bool,
}

impl Group {
    pub(super) fn insert(&mut self, entry: Arc<Entry>) {
        self.members.insert(entry.id, entry);
    }

    /// Removes a connection; whether it was a member.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.members.remove(&id).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.members.values()
    }

    /// The member that has been silent for longest; those with a verified certificate come last.
    pub(super) fn silent(&mut self, now: Duration) -> Option<Arc<Entry>> {
        self.silent_stranger(now).or_else(|| self.longest(Seen::is_silent))
    }

    /// The member that has been silent for longest among those without a verified certificate; one whose
    /// handshake may be under way only if there is no other.
    pub(super) fn silent_stranger(&mut self, now: Duration) -> Option<Arc<Entry>> {
        let noted = self.noted();
        if noted.as_ref().is_some_and(|entry| !entry.activity.seen().is_young(now)) {
            return noted;
        }
        if self.looked.is_none_or(|at| now.saturating_sub(at) >= LOOK) || self.found_some && noted.is_none() {
            self.look(now);
            return self.noted();
        }
        noted
    }

    /// The stranger whose call has taken longest.
    pub(super) fn longest_call(&self) -> Option<Arc<Entry>> {
        self.longest(|seen| !seen.is_silent() && !seen.is_known())
    }

    /// The stranger whose call has taken longest, if that is too long.
    pub(super) fn long_call(&self, now: Duration) -> Option<Arc<Entry>> {
        self.longest_call().filter(|entry| now.saturating_sub(entry.activity.seen().since()) > LONG_CALL)
    }

    /// What is closed if no stranger is silent: a call that takes too long, then a silent verified client.
    pub(super) fn last_resort(&self, now: Duration) -> Option<Arc<Entry>> {
        self.long_call(now).or_else(|| self.longest(|seen| seen.is_silent() && seen.is_known()))
    }

    /// The first note that still holds.
    fn noted(&mut self) -> Option<Arc<Entry>> {
        while let Some((seen, entry)) = self.notes.front() {
            if self.members.contains_key(&entry.id) && entry.activity.seen() == *seen {
                return Some(entry.clone());
            }
            self.notes.pop_front();
        }
        None
    }

    fn look(&mut self, now: Duration) {
        let members = self.members.values().map(|entry| (entry.activity.seen(), entry));
        let mut silent: Vec<_> = members.filter(|(seen, _)| seen.is_silent() && !seen.is_known()).collect();
        let order = |(seen, _): &(Seen, &Arc<Entry>)| (seen.is_young(now), seen.since());
        let most = (silent.len() / 8).max(NOTES);
        if most < silent.len() {
            silent.select_nth_unstable_by_key(most, order);
            silent.truncate(most);
        }
        silent.sort_unstable_by_key(order);
        self.notes = silent.into_iter().map(|(seen, entry)| (seen, entry.clone())).collect();
        self.looked = Some(now);
        self.found_some = !self.notes.is_empty();
    }

    fn longest(&self, may_go: impl Fn(Seen) -> bool) -> Option<Arc<Entry>> {
        let members = self.members.values().map(|entry| (entry.activity.seen(), entry));
        let found = members.filter(|(seen, _)| may_go(*seen)).min_by_key(|(seen, _)| seen.since());
        found.map(|(_, entry)| entry.clone())
    }
}

impl Seen {
    /// Whether no request is waiting or being answered.
    fn is_silent(self) -> bool {
        matches!(self.phase(), Phase::Opening | Phase::Idle)
    }

    /// Whether its handshake may be under way.
    pub(super) fn is_young(self, now: Duration) -> bool {
        self.phase() == Phase::Opening && now.saturating_sub(self.since()) < YOUNG
    }
}
