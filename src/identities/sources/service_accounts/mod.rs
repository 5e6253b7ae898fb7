//! The ServiceAccounts of a cluster: an index that a watch keeps, and live look-ups where the
//! index does not know or cannot be trusted.
//!
//! An account without a role is believed to have none only while a watch is open that has told everything.
//! What remains is that watch's own lag: an annotation that was written some milliseconds before the pod; and
//! up to 25 s after a watch died without a word, which cannot be told from a quiet one before it is due to
//! end.

mod index;
mod live;
mod metrics;
mod object;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use injection::annotation::Prefix;
use injection::{AccountName, Grant};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::identities::Unavailable;
use crate::identities::known::{AccountState, LookupFailure};
use crate::kubernetes::{IDLE_CONNECTIONS, WatchError};
use crate::process::Latch;
use crate::source::turns::{Pace, Standing, Turns};
use index::Index;
use live::Live;

pub use metrics::Metrics;

/// The source's name in log, metrics and readiness.
pub const NAME: &str = "service-accounts";

/// Look-ups at the same time in one namespace: with more, a storm in one namespace would take the places of
/// all others while the API server is slow.
const IN_A_NAMESPACE: usize = 8;

/// How many ServiceAccounts are looked up live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupPace {
    /// Look-ups a second, over time.
    pub rate: u32,
    /// Look-ups at once, after a while with fewer.
    pub burst: u32,
}

/// How fast accounts are looked up; `limit` is how long one may take. As many run at the same time as
/// connections are kept: at 50 a second that is ten times what an API server that answers in 60 ms needs.
#[must_use]
pub fn pace(lookups: LookupPace, limit: Duration) -> Pace {
    let LookupPace { rate, burst } = lookups;
    Pace { at_once: IDLE_CONNECTIONS, in_a_namespace: IN_A_NAMESPACE, rate, burst, patience: limit }
}

/// The same for the associations of accounts, which are asked for by fewer pods: no more of them are in memory at once
/// than the chart's limit has room for.
#[must_use]
pub fn association_pace(lookups: LookupPace, limit: Duration) -> Pace {
    Pace { at_once: ASSOCIATIONS_AT_ONCE, in_a_namespace: ASSOCIATIONS_AT_ONCE / 2, ..pace(lookups, limit) }
}

/// Associations that are looked up at the same time: at 50 a second enough for an API server that answers in 80 ms.
pub const ASSOCIATIONS_AT_ONCE: usize = 4;

/// The accounts of a cluster.
pub struct ServiceAccounts {
    prefix: Prefix,
    index: RwLock<Index>,
    live: Live,
    synced: Latch,
    /// Whether a watch is open that has told everything; answers depend on this.
    is_current: AtomicBool,
    /// Whether log and metrics say that the watch is up: they ignore the moment between two watches.
    is_up: AtomicBool,
    relist: Notify,
    metrics: Metrics,
}

impl std::fmt::Debug for ServiceAccounts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServiceAccounts").finish_non_exhaustive()
    }
}

impl ServiceAccounts {
    /// Accounts of the cluster behind `client`; empty and cold until [`Self::follow`] has listed
    /// them, which sets the latch `synced` for good.
    #[must_use]
    pub fn new(
        client: kube::Client,
        prefix: Prefix,
        lookup_limit: Duration,
        pace: Pace,
        synced: Latch,
        metrics: Metrics,
    ) -> Self {
        Self {
            live: Live::new(
                client,
                prefix.clone(),
                lookup_limit,
                Arc::new(Turns::new(pace)),
                metrics.clone(),
            ),
            prefix,
            index: RwLock::default(),
            synced,
            is_current: AtomicBool::new(false),
            is_up: AtomicBool::new(false),
            relist: Notify::new(),
            metrics,
        }
    }

    /// Keeps the index up to date, for ever.
    pub async fn follow(&self, client: kube::Client) {
        loop {
            tokio::select! {
                biased;
                // The accounts are forgotten again, because the watch may have come up since.
                () = self.relist.notified() => self.forget(),
                () = watch::follow(self, &client) => {}
            }
        }
    }

    /// Whether all accounts were read at least once.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced.is_set()
    }

    /// What is known of an account, found out before `deadline`.
    pub async fn find(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<AccountState, LookupFailure> {
        // No account can have such a name, and it would become part of the request's path.
        if !account.is_possible() {
            return Ok(AccountState::Missing);
        }
        // This is read before the index, so that what the index says is at least as new as this promise.
        let is_current = self.is_current.load(Ordering::Acquire);
        let (known, standing) = self.known(account);
        match known {
            Some(known) if is_current => Ok(known),
            known => {
                let found = self.live.fetch(account, standing, deadline).await;
                found.map_err(|error| LookupFailure { known, error })
            }
        }
    }

    /// The account as the API server has it now, whatever is known of it.
    pub async fn fetch(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<AccountState, Unavailable> {
        if !account.is_possible() {
            return Ok(AccountState::Missing);
        }
        let (_, standing) = self.known(account);
        self.live.fetch(account, standing, deadline).await
    }

    /// Whether the account was there when it was last heard of.
    #[must_use]
    pub fn knows(&self, account: AccountName<'_>) -> bool {
        self.read().get(account).is_some()
    }

    /// What is known of an account, and how much its look-up counts beside others.
    fn known(&self, account: AccountName<'_>) -> (Option<AccountState>, Standing) {
        let index = self.read();
        let known = index.get(account);
        let standing = match known {
            Some(_) => Standing::Account,
            // An index without accounts tells nothing of namespaces.
            None if index.has_namespace(account.namespace) || index.accounts() == 0 => Standing::Namespace,
            None => Standing::Nothing,
        };
        (known, standing)
    }

    /// Forgets every account; each is looked up live until the next list is complete.
    pub fn clear(&self) {
        self.forget();
        self.relist.notify_one();
    }

    /// The accounts with annotations that are read, for the debug handler.
    #[must_use]
    pub fn dump(&self) -> Value {
        let index = self.read();
        let accounts = index.iter_annotated().map(|(name, account)| {
            let role = account.role.as_deref().map(|grant| match grant {
                Grant::Role(role) => json!(role.role_arn),
                Grant::Association(_) => Value::Null,
            });
            (name.to_string(), json!({ "roleArn": role }))
        });
        Value::Object(accounts.collect())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        // A poisoned index is whole: nothing in it panics halfway through a change.
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Index)) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut index);
        self.metrics.known(index.accounts(), index.annotated());
    }

    fn swap(&self, index: Index) {
        // The old one is dropped outside the lock: at 150,000 accounts that takes its time.
        let mut old = index;
        self.change(|current| std::mem::swap(current, &mut old));
    }

    fn apply(&self, account: AccountName<'_>, state: AccountState) {
        self.change(|index| index.apply(account, state));
    }

    fn remove(&self, account: AccountName<'_>) {
        self.change(|index| index.remove(account));
    }

    fn forget(&self) {
        self.pause();
        self.is_up.store(false, Ordering::Release);
        self.metrics.watch_up(false);
        self.swap(Index::default());
    }

    fn synced(&self, index: Index) {
        let accounts = index.accounts();
        self.swap(index);
        if self.synced.set() {
            tracing::info!(accounts, "all ServiceAccounts are read");
        }
    }

    /// A watch is open and has told everything.
    fn up(&self) {
        self.is_current.store(true, Ordering::Release);
        if !self.is_up.swap(true, Ordering::AcqRel) {
            tracing::info!("the watch of ServiceAccounts is up");
        }
        self.metrics.watch_up(true);
    }

    /// No watch is open for now: the next is about to be opened.
    fn pause(&self) {
        self.is_current.store(false, Ordering::Release);
    }

    /// No watch is open, and none could be opened at once.
    fn down(&self, failure: &WatchError) {
        self.pause();
        self.is_up.store(false, Ordering::Release);
        self.metrics.watch_up(false);
        let error = failure.to_string();
        if failure.is_expired() {
            tracing::info!(error, "the watch of ServiceAccounts is too old: listing again");
        } else {
            tracing::warn!(
                error,
                "the watch of ServiceAccounts is down: looking accounts up live, trying again"
            );
        }
    }
}
