//! The ServiceAccounts of a cluster: an index that a watch keeps, and live look-ups where the
//! index does not know or cannot be trusted.
//!
//! An account without a role is believed to have none only while a watch is open that has told
//! everything. What remains is that watch's own lag: an annotation that was written some
//! milliseconds before the pod; and up to 25 s after a watch died without a word, which nobody can
//! tell from a quiet one before it is due to end.

mod index;
mod live;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Doubt, Lookup, Unavailable};
use crate::injection::annotation::Prefix;
use crate::injection::name;
use crate::lifecycle::Latch;
use crate::metrics::Metrics;
use index::Index;
use live::Live;

/// The accounts of a cluster.
pub struct ServiceAccounts {
    prefix: Prefix,
    index: RwLock<Index>,
    live: Live,
    synced: Latch,
    /// Whether a watch is open that has told everything: what answers are decided by.
    is_current: AtomicBool,
    /// What log and metrics say: the moment between two watches does not count.
    is_up: AtomicBool,
    relist: Notify,
    metrics: Arc<Metrics>,
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
        synced: Latch,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            live: Live::new(client, prefix.clone(), lookup_limit, metrics.clone()),
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
        let api: Api<ServiceAccount> = Api::all(client);
        loop {
            tokio::select! {
                biased;
                // Again: the watch may have come up since.
                () = self.relist.notified() => self.forget(),
                () = watch::follow(self, &api) => {}
            }
        }
    }

    /// Whether all accounts were ever read.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced.is_set()
    }

    /// What is known of an account, found out before `deadline`.
    pub async fn find(&self, namespace: &str, name: &str, deadline: Instant) -> Result<Lookup, Doubt> {
        // No account has such a name; and it would be part of the request's path.
        if !name::is_label(namespace) || !name::is_subdomain(name) {
            return Ok(Lookup::Missing);
        }
        // In this order: what is read from the index is then at least as new as the promise.
        let is_current = self.is_current.load(Ordering::Acquire);
        let known = self.read().get(namespace, name);
        match known {
            Some(known) if is_current => Ok(known),
            known => {
                let found = self.live.find(namespace, name, deadline).await;
                found.map_err(|error| Doubt { known, error })
            }
        }
    }

    /// The account as the API server has it now, whatever is known of it.
    pub async fn look_up(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Lookup, Unavailable> {
        if !name::is_label(namespace) || !name::is_subdomain(name) {
            return Ok(Lookup::Missing);
        }
        self.live.find(namespace, name, deadline).await
    }

    /// Forgets every account; each is looked up live until the next list is complete.
    pub fn clear(&self) {
        self.forget();
        self.relist.notify_one();
    }

    /// The accounts that bear annotations of ours, for the debug handler.
    #[must_use]
    pub fn dump(&self) -> Value {
        let index = self.read();
        let accounts = index.iter_annotated().map(|(namespace, name, account)| {
            let role = account.role.as_deref().map(|grant| match grant {
                crate::injection::Grant::Role(role) => json!(role.role_arn),
                crate::injection::Grant::Association(_) => Value::Null,
            });
            (format!("{namespace}/{name}"), json!({ "roleArn": role }))
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
        self.metrics.service_accounts(index.accounts(), index.annotated());
    }

    fn swap(&self, index: Index) {
        // The old one is dropped outside the lock: at 150,000 accounts that takes its time.
        let mut old = index;
        self.change(|current| std::mem::swap(current, &mut old));
    }

    fn apply(&self, namespace: &str, name: &str, lookup: Lookup) {
        self.change(|index| index.apply(namespace, name, lookup));
    }

    fn remove(&self, namespace: &str, name: &str) {
        self.change(|index| index.remove(namespace, name));
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
            tracing::info!(accounts, "ServiceAccounts are all read");
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

    /// No watch is open; answers whether the last had told everything.
    fn pause(&self) -> bool {
        self.is_current.swap(false, Ordering::AcqRel)
    }

    /// No watch is open, and none that could be opened at once.
    fn down(&self, error: &str, expired: bool) {
        self.is_up.store(false, Ordering::Release);
        self.metrics.watch_up(false);
        if expired {
            tracing::info!(error, "the watch of ServiceAccounts is too old: listing again");
        } else {
            tracing::warn!(
                error,
                "the watch of ServiceAccounts is down: looking accounts up live, trying again"
            );
        }
    }
}
