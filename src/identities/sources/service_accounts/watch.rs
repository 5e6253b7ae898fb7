//! Keeps the index up to date, and says when it is current.

use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;

use super::ServiceAccounts;
use super::index::Index;
use super::object::{Named, read_named};
use crate::kubernetes::{Change, Collection, ListWatch, Progress};

/// After a gap of this length the accounts are listed again: a watch may bring what was missed too late or,
/// from an API server that was restored from a backup, never.
const LONG: Duration = Duration::from_secs(10);

/// Follows the cluster's accounts for ever. Never ends by itself: every failure is logged, counted
/// and tried again.
pub(super) async fn follow(accounts: &ServiceAccounts, client: &Client) {
    let all = Collection::of::<ServiceAccount>(&(), None).metadata();
    let prefix = accounts.prefix.clone();
    let read = move |all: &_, account: &_| read_named(&prefix, all, account);
    let mut objects = ListWatch::<_, Index>::new(client.clone(), all, "ServiceAccounts", read).resume(LONG);
    loop {
        match objects.next().await {
            Progress::Listed(index) => accounts.synced(index),
            Progress::Changed(Change::Applied(Some(Named { account, state }))) => {
                accounts.apply(account.get(), state);
            }
            Progress::Changed(Change::Deleted(Some(Named { account, .. }))) => {
                accounts.remove(account.get());
            }
            Progress::CaughtUp => accounts.up(),
            Progress::Ended => accounts.pause(),
            Progress::Expired(error) | Progress::Lost(error) => accounts.down(&error),
            Progress::Proven | Progress::Changed(Change::Applied(None) | Change::Deleted(None)) => {}
        }
    }
}

impl Extend<Option<Named>> for Index {
    fn extend<I: IntoIterator<Item = Option<Named>>>(&mut self, accounts: I) {
        for Named { account, state } in accounts.into_iter().flatten() {
            self.apply(account.get(), state);
        }
    }
}
