//! An ordinary user's worst: crafted pods at the API server, and whatever can be sent to the webhook's ports
//! by anyone who reaches them. Bounded in number and time, and only to replicas of a test's own release.

mod crafted;
mod flood;
mod held;
mod target;
mod user;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Test;
use super::cluster::Skipped;
use super::release::Release;
use crafted::{Call, Review};
use target::Target;
use user::User;

/// How many calls of a kind the user has under way: more would keep the API server busy instead.
const HANDS: usize = 2;

/// Between two calls of one hand.
const PAUSE: Duration = Duration::from_millis(50);

/// An attack that goes on until [`Attack::end`].
pub struct Attack {
    tasks: JoinSet<()>,
    tally: Tally,
}

/// Variable that leaves these parts of the attack alone, separated by commas, to find out which of them does
/// the harm; none of them is a look at how the cluster does without.
const PARTS: &str = "ATTACK";

#[derive(Clone, Copy)]
enum Part {
    Pods,
    Reviews,
    Connections,
    Names,
    Readers,
}

impl Part {
    fn is_wanted(self) -> bool {
        let name = match self {
            Self::Pods => "pods",
            Self::Reviews => "reviews",
            Self::Connections => "connections",
            Self::Names => "names",
            Self::Readers => "readers",
        };
        std::env::var(PARTS).map_or(true, |wanted| wanted.split(',').any(|part| part == name))
    }
}

/// How often each thing was done.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

impl Attack {
    /// Begins with everything at once. The user's namespace is that of `test`.
    pub async fn begin(test: &Test, release: &Release) -> Result<Self> {
        let user = Arc::new(User::of(test).await?);
        let targets = Target::of(test, release).await?;
        let (needed, open) = (targets.len() * held::DESCRIPTORS, descriptors()?);
        if open < needed {
            return Err(Skipped(format!("the attack needs {needed} descriptors, ulimit -n is {open}")).into());
        }

        let (mut tasks, tally) = (JoinSet::new(), Tally::default());
        if Part::Pods.is_wanted() {
            let calls = Arc::new(crafted::calls());
            for hand in 0..HANDS {
                tasks.spawn(calling(user.clone(), calls.clone(), hand, tally.clone()));
            }
        }
        let reviews = Arc::new(crafted::reviews(&test.namespace));
        for target in targets {
            let target = Arc::new(target);
            if Part::Reviews.is_wanted() {
                tasks.spawn(reviewing(target.clone(), reviews.clone(), tally.clone()));
            }
            if Part::Connections.is_wanted() {
                held::spawn(&mut tasks, &target, &tally);
            }
            if Part::Names.is_wanted() {
                flood::ask_for_names(&mut tasks, &target, &test.namespace, &tally);
            }
            if Part::Readers.is_wanted() {
                flood::read_slowly(&mut tasks, &target, &test.namespace, &tally);
            }
        }
        Ok(Self { tasks, tally })
    }

    /// Whether the whole attack was asked for.
    pub fn is_whole() -> bool {
        std::env::var_os(PARTS).is_none()
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends the attack, and says what was done.
    pub async fn end(mut self) -> Tally {
        self.tasks.shutdown().await;
        self.tally
    }
}

impl Tally {
    /// Counts one more.
    fn count(&self, what: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what.to_owned()).or_default() += 1;
    }

    /// How often all things were done whose names begin like this.
    pub fn of(&self, what: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, count)| count).sum()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().try_for_each(|(name, count)| writeln!(f, "    {count:>6} {name}"))
    }
}

/// Crafted pods to the API server, one after the other; each hand begins with another one.
async fn calling(user: Arc<User>, calls: Arc<Vec<Call>>, hand: usize, tally: Tally) {
    for call in calls.iter().cycle().skip(hand * calls.len() / HANDS) {
        let outcome = user.call(call).await;
        tally.count(&format!("pods of {}: {outcome}", call.what));
        sleep(PAUSE).await;
    }
}

/// Crafted reviews to a replica, one after the other.
async fn reviewing(target: Arc<Target>, reviews: Arc<Vec<Review>>, tally: Tally) {
    for review in reviews.iter().cycle() {
        let outcome = match target.post(review.body.clone()).await {
            Ok(answer) => answer.status.as_u16().to_string(),
            Err(_) => "no answer".to_owned(),
        };
        tally.count(&format!("reviews of {}: {outcome}", review.what));
        sleep(PAUSE).await;
    }
}

/// How many descriptors this process may have open.
fn descriptors() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line =
        limits.lines().find(|line| line.starts_with("Max open files")).context("no limit of open files")?;
    Ok(line.split_whitespace().nth(3).context("no soft limit")?.parse().unwrap_or(usize::MAX))
}
