//! All open connections, and which of them is closed when another comes and there is no room. New ones do not
//! queue: a thousand connections that send nothing would shut the API server out.
//!
//! The connection that has been silent for longest is closed first, whether it idles or has asked nothing
//! yet; a peer that has more than its share loses one of its own. A call is never cut short while anything
//! else can be closed, and connections that carried admissions for a verified client are closed last of all.
//! An idle connection is told to end, and finishes a call that comes just then; the others are ended at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntGauge;

use super::activity::{Activity, Phase};
use super::entry::Entry;
use super::group::Group;
use super::limits::Limits;
use super::metrics::{ClosedConnection, Metrics, Port};
use super::peer::Peer;
use crate::server::pressure::{PRESSED, Pressure};
use crate::telemetry::Throttle;

/// While all are busy, a peer loses a call to a newcomer if it has this many times as many connections as the
/// newcomer's peer, the newcomer counted. If fewer were enough, two peers taking turns would cut each other's
/// calls for ever.
const LARGER: usize = 2;

/// Closed connections are reported at most once in this time.
const COMPLAINTS: Duration = Duration::from_secs(10);

/// Connections, beyond the number allowed, that were told to end and have not: a call may have come on them
/// that they finish. Without one they end within microseconds. Those of both ports together are half of the
/// descriptors that the process has in reserve.
const GOING: usize = 32;

/// All connections of one port.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    per_peer: usize,
    idle: Duration,
    idle_when_full: Duration,
    answer: Duration,
    pressure: Option<Arc<Pressure>>,
    origin: Instant,
    state: Mutex<State>,
    open: Option<IntGauge>,
    port: Port,
    metrics: Arc<Metrics>,
    complaints: Throttle,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    all: Group,
    peers: HashMap<Peer, Group>,
    /// Connections that were told to end and are still open.
    going: Group,
}

/// A connection's place; dropping it frees the place, however the connection ended.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    pub(super) entry: Arc<Entry>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.remove(&self.entry);
    }
}

impl Connections {
    pub(super) fn new(
        limits: &Limits,
        metrics: Arc<Metrics>,
        port: Port,
        open: Option<IntGauge>,
        pressure: Option<Arc<Pressure>>,
    ) -> Self {
        let share = limits.connections_per_peer;
        Self {
            most: limits.connections,
            per_peer: if share == 0 { usize::MAX } else { share },
            idle: limits.idle,
            idle_when_full: limits.idle_when_full.min(limits.idle),
            answer: limits.request,
            pressure,
            origin: Instant::now(),
            state: Mutex::default(),
            open,
            port,
            metrics,
            complaints: Throttle::new(COMPLAINTS),
        }
    }

    /// A place for a connection of this peer, after another was closed if need be; `None` if every other
    /// connection is in the middle of a call.
    pub(super) fn admit(self: &Arc<Self>, peer: Peer) -> Option<Place> {
        self.admit_at(peer, self.origin.elapsed())
    }

    fn admit_at(self: &Arc<Self>, peer: Peer, now: Duration) -> Option<Place> {
        let mut state = self.state();
        let victim = self.victim(&mut state, peer, now);
        if let Ok(Some((victim, reason))) = &victim {
            self.close(&mut state, victim, *reason);
        }
        if victim.is_err() {
            let open = state.all.len();
            drop(state);
            self.say(peer, ClosedConnection::Refused, open);
            return None;
        }
        state.next += 1;
        let activity = Activity::new(self.origin);
        let entry = Arc::new(Entry::new(state.next, activity, peer));
        state.all.insert(entry.clone());
        state.peers.entry(peer).or_default().insert(entry.clone());
        self.count(&state);
        Some(Place { connections: self.clone(), entry })
    }

    /// The connection to close for one of `peer`, if one has to be closed; an error if none can be.
    fn victim(
        &self,
        state: &mut State,
        peer: Peer,
        now: Duration,
    ) -> Result<Option<(Arc<Entry>, ClosedConnection)>, NoVictim> {
        let is_full = state.all.len() >= self.most;
        let share = self.per_peer;
        if let Some(own) = state.peers.get_mut(&peer).filter(|own| own.len() >= share) {
            match own.silent(now) {
                // A client may open many at once, each for a call that comes next.
                Some(silent) if !is_full && silent.activity.seen().is_young(now) => return Ok(None),
                Some(victim) => return Ok(Some((victim, ClosedConnection::PeerShare))),
                None => (),
            }
            if is_full {
                let long = own.long_call(now);
                let victim = long.or_else(|| state.silent_beside(peer, share, now));
                let victim = victim.or_else(|| state.peers.get(&peer)?.longest_call()).ok_or(NoVictim)?;
                return Ok(Some((victim, ClosedConnection::PeerShare)));
            }
        }
        if !is_full {
            return Ok(None);
        }
        if let Some(victim) = state.greedy(share, now) {
            return Ok(Some((victim, ClosedConnection::PeerShare)));
        }
        let victim = state.silent_for(peer, now).or_else(|| state.busy(peer, share, now));
        victim.map(|victim| Some((victim, ClosedConnection::Full))).ok_or(NoVictim)
    }

    /// Closes one connection because something other than places has run out.
    pub(super) fn close_one(&self) {
        let now = self.origin.elapsed();
        let mut state = self.state();
        if let Some(victim) = state.all.silent_stranger(now).or_else(|| state.all.last_resort(now)) {
            self.close(&mut state, &victim, ClosedConnection::Descriptors);
        }
    }

    /// Closes connections that take an answer too slowly, or idle for too long while so many are open.
    pub(super) fn sweep(&self) {
        let now = self.origin.elapsed();
        let mut state = self.state();
        let took = |entry: &Entry| now.saturating_sub(entry.activity.seen().since());
        let is = |entry: &Entry, phase| entry.activity.seen().phase() == phase;
        let is_pressed = self.pressure.as_ref().is_some_and(|pressure| pressure.is_up());
        let most = if is_pressed { self.answer.min(PRESSED) } else { self.answer };
        // A connection's first request, and a call, have deadlines of their own.
        let all = state.all.members().chain(state.going.members());
        let answers = all.filter(|entry| is(entry, Phase::Answering) && took(entry) > most);
        let answers: Vec<_> = answers.cloned().collect();
        for entry in answers {
            self.close(&mut state, &entry, ClosedConnection::SlowReader);
        }
        let shortest = self.idle_time(state.all.len());
        let idlers = state.all.members().filter(|entry| is(entry, Phase::Idle) && took(entry) > shortest);
        let mut idlers: Vec<_> = idlers.map(|entry| (took(entry), entry.clone())).collect();
        idlers.sort_unstable_by_key(|(took, _)| std::cmp::Reverse(*took));
        for (took, entry) in idlers {
            // Each that is closed gives the others more time. The rest can wait: the next sweep is soon.
            let is_first = is(&entry, Phase::Idle) && took > self.idle_time(state.all.len());
            if is_first && state.going.len() < GOING {
                self.close(&mut state, &entry, ClosedConnection::Idle);
            }
        }
    }

    /// How long a connection may idle while `open` are open: it falls once half of all places are taken.
    fn idle_time(&self, open: usize) -> Duration {
        let half = self.most / 2;
        let above = u32::try_from(open.saturating_sub(half)).unwrap_or(u32::MAX);
        let range = u32::try_from((self.most - half).max(1)).unwrap_or(u32::MAX);
        let fall = self.idle.saturating_sub(self.idle_when_full) / range * above.min(range);
        self.idle.saturating_sub(fall)
    }

    fn close(&self, state: &mut State, entry: &Arc<Entry>, reason: ClosedConnection) {
        let open = state.all.len();
        let seen = entry.activity.seen();
        let was_told = state.remove(entry);
        // A call that comes just now would be lost, and the client would not repeat it.
        if seen.phase() == Phase::Idle && !was_told && state.going.len() < GOING {
            entry.tell(seen);
            state.going.insert(entry.clone());
        } else {
            entry.close();
        }
        self.count(state);
        self.say(entry.peer, reason, open);
    }

    fn say(&self, peer: Peer, reason: ClosedConnection, open: usize) {
        self.metrics.closed(self.port, reason);
        // Closing idle connections is routine; the metric is enough.
        if reason == ClosedConnection::Idle {
            return;
        }
        if let Some(left_out) = self.complaints.allow() {
            let (port, reason) = (self.port.label(), reason.label());
            tracing::warn!(%peer, port, reason, open, left_out, "a connection was closed to keep to the limits");
        }
    }

    fn remove(&self, entry: &Arc<Entry>) {
        let mut state = self.state();
        state.remove(entry);
        self.count(&state);
    }

    fn count(&self, state: &State) {
        if let Some(open) = &self.open {
            open.set(i64::try_from(state.all.len()).unwrap_or(i64::MAX));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every connection is in the middle of a call.
struct NoVictim;

impl State {
    /// The longest silent connection of the largest peer that has more than its share.
    fn greedy(&mut self, share: usize, now: Duration) -> Option<Arc<Entry>> {
        let greedy = self.peers.values_mut().filter(|group| group.len() > share);
        greedy.max_by_key(|group| group.len())?.silent_stranger(now)
    }

    /// The longest silent connection of the other peers that have their share, the largest of them first.
    fn silent_beside(&mut self, peer: Peer, share: usize, now: Duration) -> Option<Arc<Entry>> {
        let others = self.peers.iter_mut().filter(|(other, group)| **other != peer && group.len() >= share);
        let silent = others.filter_map(|(_, group)| Some((group.len(), group.silent_stranger(now)?)));
        silent.max_by_key(|(size, _)| *size).map(|(_, entry)| entry)
    }

    /// The connection that is closed for one of `peer` while some are silent. The handshake of a peer that
    /// has fewer is spared: a connection that was admitted at the cost of larger peers would be closed again
    /// for their next.
    fn silent_for(&mut self, peer: Peer, now: Duration) -> Option<Arc<Entry>> {
        let silent = self.all.silent_stranger(now)?;
        let size = |peer| self.peers.get(&peer).map_or(0, Group::len);
        if !silent.activity.seen().is_young(now) || size(silent.peer) >= size(peer) {
            return Some(silent);
        }
        let own = self.peers.get_mut(&peer)?;
        own.silent_stranger(now).or_else(|| own.longest_call())
    }

    /// The connection that is closed for one of `peer` while all are busy. A peer with more than a share, or
    /// far more than the newcomer's peer, gives up a call, however short: a few peers that always have one
    /// under way would otherwise keep everybody out.
    fn busy(&self, peer: Peer, share: usize, now: Duration) -> Option<Arc<Entry>> {
        let own = self.peers.get(&peer).map_or(0, Group::len);
        let gives = share.saturating_add(1).min(LARGER * (own + 1));
        let larger = self.peers.iter().filter(|(other, group)| **other != peer && group.len() >= gives);
        let calls = larger.filter_map(|(_, group)| Some((group.len(), group.longest_call()?)));
        let call = calls.max_by_key(|(size, _)| *size).map(|(_, call)| call);
        call.or_else(|| self.all.last_resort(now))
    }

    /// Removes a connection; whether it had been told to end.
    fn remove(&mut self, entry: &Arc<Entry>) -> bool {
        self.all.remove(entry.id);
        let was_told = self.going.remove(entry.id);
        if let Some(peer) = self.peers.get_mut(&entry.peer) {
            peer.remove(entry.id);
            if peer.len() == 0 {
                self.peers.remove(&entry.peer);
            }
        }
        was_told
    }
}

#[cfg(test)]
mod tests;
