//! Decides which look-up is next. So many run at once and so many a second, and namespaces take turns, so
//! that a storm of names in one takes nothing from the others.
//!
//! Anyone who may create a pod, or who reaches the port, can name an account that is not known. Waiting is
//! bounded, and a call that would wait for too long is told so at once: the API server asks again.

mod bucket;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use bucket::Bucket;

/// At most one turn in this many goes to namespaces in which no account is known: strangers can make up as
/// many as they like, and a real one is known a moment after its first account was made.
const STRANGERS: u32 = 5;

/// How often a waiting look-up checks by itself; mostly the end of another's turn calls it.
const LOOK: Duration = Duration::from_secs(1);

/// How many turns are given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Turns at the same time.
    pub at_once: usize,
    /// Turns at the same time in one namespace.
    pub in_a_namespace: usize,
    /// Turns a second.
    pub rate: u32,
    /// Turns at once after a while without any.
    pub burst: u32,
    /// How long callers wait before they give up; more than get their turn in this time do not wait.
    pub patience: Duration,
}

/// What is known of an account that is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The account was there when it was last heard of.
    Account,
    /// Other accounts of its namespace are known.
    Namespace,
    /// No account of its namespace is known.
    Nothing,
}

/// More look-ups wait than can have their turn in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many other look-ups: at most {rate} a second and {at_once} at the same time are made")]
pub(crate) struct Busy {
    rate: u32,
    at_once: usize,
}

/// Hands out turns.
#[derive(Debug)]
pub(crate) struct Turns {
    pace: Pace,
    state: Mutex<State>,
}

/// The right to make one look-up; over once it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    class: Class,
    namespace: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Known,
    Strange,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    known: Queue,
    strange: Queue,
    strange_bucket: Bucket,
    /// Turns of known namespaces since the last turn of an unknown one.
    since_strange: u32,
}

/// The look-ups of one class: those that wait, by namespace, and how many have their turn.
#[derive(Debug, Default)]
struct Queue {
    lanes: HashMap<Box<str>, NamespaceQueue>,
    /// The namespaces in which look-ups wait, the next first.
    ring: VecDeque<Box<str>>,
    running: usize,
    waiting: usize,
}

#[derive(Debug, Default)]
struct NamespaceQueue {
    running: usize,
    /// Look-ups of accounts that are known.
    accounts: VecDeque<oneshot::Sender<Turn>>,
    others: VecDeque<oneshot::Sender<Turn>>,
}

impl Turns {
    pub(crate) fn new(pace: Pace) -> Self {
        let strange_bucket = Bucket::new((pace.rate / STRANGERS).max(1), (pace.burst / STRANGERS).max(1));
        let state = State {
            bucket: Bucket::new(pace.rate, pace.burst),
            known: Queue::default(),
            strange: Queue::default(),
            strange_bucket,
            since_strange: 0,
        };
        Self { pace, state: Mutex::new(state) }
    }

    /// Waits for a turn. An error, mostly at once, if too many others wait.
    pub(crate) async fn turn(self: &Arc<Self>, namespace: &str, standing: Standing) -> Result<Turn, Busy> {
        let class = if standing == Standing::Nothing { Class::Strange } else { Class::Known };
        let (wake, turn) = oneshot::channel();
        self.enter(class, namespace, standing, wake)?;
        let mut waiting = Waiting { turns: self, class, namespace, turn };
        loop {
            let next = self.call();
            tokio::select! {
                biased;
                // An error means that a look-up with precedence took the place.
                turn = &mut waiting.turn => return turn.map_err(|_| self.busy()),
                () = sleep_until(next) => {}
            }
        }
    }

    /// One more look-up within a turn, if one may be made now.
    pub(crate) fn take_one_more(&self) -> bool {
        self.state().bucket.take(Instant::now())
    }

    fn enter(
        &self,
        class: Class,
        namespace: &str,
        standing: Standing,
        wake: oneshot::Sender<Turn>,
    ) -> Result<(), Busy> {
        // A displaced look-up is dropped once the lock is free.
        let mut displaced = None;
        let mut state = self.state();
        let most = state.most_waiting(class, &self.pace, Instant::now());
        let queue = state.queue(class);
        if queue.waiting >= most {
            displaced =
                Some(queue.displace(namespace, standing, self.pace.in_a_namespace).ok_or(self.busy())?);
        }
        queue.push(namespace, standing, wake);
        drop(state);
        drop(displaced);
        Ok(())
    }

    fn busy(&self) -> Busy {
        Busy { rate: self.pace.rate, at_once: self.pace.at_once }
    }

    /// Gives every look-up its turn that may have it now; answers when to check again.
    fn call(self: &Arc<Self>) -> Instant {
        let now = Instant::now();
        loop {
            let mut state = self.state();
            let Some((class, namespace, wake)) = state.next(&self.pace, now) else {
                return state.when(now);
            };
            drop(state);
            // If nothing waits for the turn any more, it is dropped here, and so over.
            drop(wake.send(Turn { turns: self.clone(), class, namespace }));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.state().queue(self.class).end(&self.namespace);
        self.turns.call();
    }
}

/// A place in a queue, given up when it is dropped.
struct Waiting<'t> {
    turns: &'t Turns,
    class: Class,
    namespace: &'t str,
    turn: oneshot::Receiver<Turn>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turn.close();
        self.turns.state().queue(self.class).forget_closed(self.namespace);
        // A turn that has come meanwhile ends here.
    }
}

impl State {
    fn queue(&mut self, class: Class) -> &mut Queue {
        match class {
            Class::Known => &mut self.known,
            Class::Strange => &mut self.strange,
        }
    }

    /// How many look-ups of a class may wait: as many as get their turn in time.
    fn most_waiting(&mut self, class: Class, pace: &Pace, now: Instant) -> usize {
        let bucket = match class {
            Class::Known => &mut self.bucket,
            Class::Strange => &mut self.strange_bucket,
        };
        bucket.within(pace.patience, now).max(1)
    }

    /// The look-up that has the next turn, if there is one now.
    fn next(&mut self, pace: &Pace, now: Instant) -> Option<(Class, Box<str>, oneshot::Sender<Turn>)> {
        if self.known.running + self.strange.running >= pace.at_once || !self.bucket.has(now) {
            return None;
        }
        let strangers = pace.at_once.div_ceil(STRANGERS as usize);
        let is_open = self.strange.running < strangers && self.strange_bucket.has(now);
        let is_due = self.since_strange + 1 >= STRANGERS;
        let known = |state: &mut Self| Some((Class::Known, state.known.pop(pace.in_a_namespace)?));
        let strange = |state: &mut Self| {
            let next = if is_open { state.strange.pop(pace.in_a_namespace) } else { None };
            Some((Class::Strange, next?))
        };
        let next = if is_due {
            strange(self).or_else(|| known(self))
        } else {
            known(self).or_else(|| strange(self))
        };
        let (class, (namespace, wake)) = next?;
        self.bucket.take(now);
        match class {
            Class::Known => self.since_strange = self.since_strange.saturating_add(1),
            Class::Strange => {
                self.strange_bucket.take(now);
                self.since_strange = 0;
            }
        }
        Some((class, namespace, wake))
    }

    /// When there may be another turn even if none ends.
    fn when(&self, now: Instant) -> Instant {
        self.bucket.when(now).or_else(|| self.strange_bucket.when(now)).unwrap_or(now + LOOK)
    }
}

impl Queue {
    fn push(&mut self, namespace: &str, standing: Standing, wake: oneshot::Sender<Turn>) {
        if !self.lanes.contains_key(namespace) {
            self.lanes.insert(namespace.into(), NamespaceQueue::default());
        }
        let Some(lane) = self.lanes.get_mut(namespace) else { return };
        if lane.waiting() == 0 {
            self.ring.push_back(namespace.into());
        }
        let side = if standing == Standing::Account { &mut lane.accounts } else { &mut lane.others };
        side.push_back(wake);
        self.waiting += 1;
    }

    /// The next look-up of the next namespace that has fewer than `most` running; it has its turn then.
    fn pop(&mut self, most: usize) -> Option<(Box<str>, oneshot::Sender<Turn>)> {
        for _ in 0..self.ring.len() {
            let namespace = self.ring.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&namespace) else { continue };
            if lane.running < most
                && let Some(wake) = lane.accounts.pop_front().or_else(|| lane.others.pop_front())
            {
                lane.running += 1;
                self.running += 1;
                self.waiting -= 1;
                if lane.waiting() > 0 {
                    self.ring.push_back(namespace.clone());
                }
                return Some((namespace, wake));
            }
            self.ring.push_back(namespace);
        }
        None
    }

    /// Makes room for one more of this namespace. A known account displaces an unknown one of its namespace,
    /// or, while fewer than `most` known ones wait there, of any: one waiting in each namespace must not shut
    /// out all. Otherwise the last goes where most wait.
    fn displace(
        &mut self,
        namespace: &str,
        standing: Standing,
        most: usize,
    ) -> Option<oneshot::Sender<Turn>> {
        let own = self.lanes.get_mut(namespace);
        let (waiting, accounts) = own.as_deref().map_or((0, 0), |lane| (lane.waiting(), lane.accounts.len()));
        let is_account = standing == Standing::Account;
        let of_own = own.filter(|_| is_account).and_then(|lane| lane.others.pop_back());
        let (gone, from) = of_own
            .map(|gone| (gone, Box::from(namespace)))
            .or_else(|| if is_account && accounts < most { self.pop_other() } else { None })
            .or_else(|| {
                let (longest, lane) = self.lanes.iter_mut().max_by_key(|(_, lane)| lane.waiting())?;
                let is_longer = lane.waiting() > waiting + 1;
                let gone = is_longer.then(|| lane.others.pop_back().or_else(|| lane.accounts.pop_back()));
                Some((gone.flatten()?, longest.clone()))
            })?;
        self.waiting -= 1;
        self.tidy(&from);
        Some(gone)
    }

    /// Takes out the last unknown account of the namespace where most wait.
    fn pop_other(&mut self) -> Option<(oneshot::Sender<Turn>, Box<str>)> {
        let lanes = self.lanes.iter_mut().filter(|(_, lane)| !lane.others.is_empty());
        let (longest, lane) = lanes.max_by_key(|(_, lane)| lane.waiting())?;
        Some((lane.others.pop_back()?, longest.clone()))
    }

    fn forget_closed(&mut self, namespace: &str) {
        let Some(lane) = self.lanes.get_mut(namespace) else { return };
        let before = lane.waiting();
        lane.accounts.retain(|wake| !wake.is_closed());
        lane.others.retain(|wake| !wake.is_closed());
        self.waiting -= before - lane.waiting();
        self.tidy(namespace);
    }

    fn end(&mut self, namespace: &str) {
        if let Some(lane) = self.lanes.get_mut(namespace) {
            lane.running -= 1;
            self.running -= 1;
        }
        self.tidy(namespace);
    }

    /// Forgets a namespace if nothing waits or runs in it.
    fn tidy(&mut self, namespace: &str) {
        let Some(lane) = self.lanes.get(namespace) else { return };
        if lane.waiting() == 0 {
            self.ring.retain(|known| **known != *namespace);
            if lane.running == 0 {
                self.lanes.remove(namespace);
            }
        }
    }
}

impl NamespaceQueue {
    fn waiting(&self) -> usize {
        self.accounts.len() + self.others.len()
    }
}

#[cfg(test)]
mod tests;
