//! Keeps the index up to date: list in pages, watch from there, and again.
//!
//! A loop of our own over kube's list and watch calls, not kube's `watcher`: that one swallows
//! bookmarks and says nothing when a watch begins again, so it cannot tell a quiet watch from a
//! dead one, and whoever decides from the index has to know which it is.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::{ListParams, PartialObjectMeta, WatchEvent, WatchParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::index::Index;
use super::{ServiceAccounts, live};
use crate::kubernetes::{BACKOFF, GRACE, PAGE, PAGE_LIMIT, SHORT, WATCH, WatchError, jittered};

/// The objects, as errors call them.
const WHAT: &str = "ServiceAccounts";

/// How long the events of a gap may take to come once a watch is open again, at most: nothing
/// tells that the last of them has come.
const CATCH_UP: Duration = Duration::from_secs(1);

/// After a gap of this length the accounts are listed again: what a watch brings of it may take
/// longer than [`CATCH_UP`], or never come from an API server that was restored from a backup.
const LONG: Duration = Duration::from_secs(10);

/// Follows the cluster's accounts for ever. Never ends by itself: every failure is logged, counted
/// and tried again.
pub(super) async fn follow(accounts: &ServiceAccounts, api: &Api<ServiceAccount>) {
    let mut version = None;
    let mut wait = BACKOFF.0;
    // Since when the index may lack changes.
    let mut behind = Instant::now();
    // Whether the last watch failed: a list, however long it took, is to be followed by a watch.
    let mut has_failed = false;
    loop {
        let began = Instant::now();
        let is_too_old = has_failed && behind.elapsed() >= LONG;
        let result = if let Some(known) = version.take().filter(|_| !is_too_old) {
            let result = watch(accounts, api, known, behind).await;
            let was_current = accounts.pause();
            if was_current && result.is_ok() {
                behind = Instant::now();
            }
            if began.elapsed() >= SHORT {
                wait = BACKOFF.0;
                result
            } else {
                // kube tells a cut no different from an end.
                result.and_then(|version| Err((WatchError::Cut { what: WHAT.into() }, Some(version))))
            }
        } else {
            list(accounts, api).await.inspect(|_| behind = began)
        };
        has_failed = result.is_err();
        match result {
            Ok(next) => version = Some(next),
            Err((error, last)) => {
                let expired = error.is_expired();
                accounts.down(&error.to_string(), expired);
                version = last.filter(|_| !expired);
                sleep(jittered(wait)).await;
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    }
}

type Step = Result<String, (WatchError, Option<String>)>;

/// Reads every account, and swaps the index once all are there.
async fn list(accounts: &ServiceAccounts, api: &Api<ServiceAccount>) -> Step {
    let mut index = Index::default();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = match timeout(PAGE_LIMIT, api.list_metadata(&page)).await {
            Ok(Ok(list)) => list,
            Ok(Err(source)) => return Err((WatchError::List { what: WHAT.into(), source }, None)),
            Err(_) => return Err((silent("listing", PAGE_LIMIT), None)),
        };
        for account in &list.items {
            take(accounts, account, |namespace, name, lookup| index.apply(namespace, name, lookup));
        }
        if let Some(token) = list.metadata.continue_.filter(|token| !token.is_empty()) {
            page = page.continue_token(&token)
        } else {
            accounts.synced(index);
            return Ok(list.metadata.resource_version.unwrap_or_default());
        }
    }
}

/// Opens a watch from `version` on, and follows it to its end. What happened since `behind` comes
/// first: only after as long a time again, at most [`CATCH_UP`], is the index current.
async fn watch(
    accounts: &ServiceAccounts,
    api: &Api<ServiceAccount>,
    version: String,
    behind: Instant,
) -> Step {
    let params = WatchParams::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX));
    let events = match timeout(GRACE, api.watch_metadata(&params, &version)).await {
        Ok(Ok(events)) => events.boxed(),
        Ok(Err(source)) => return Err((WatchError::Watch { what: WHAT.into(), source }, Some(version))),
        Err(_) => return Err((silent("asking for a watch of", GRACE), Some(version))),
    };
    let caught_up = async {
        sleep(behind.elapsed().min(CATCH_UP)).await;
        accounts.up();
        std::future::pending().await
    };
    tokio::select! {
        biased;
        end = take_all(accounts, events, version) => end,
        never = caught_up => never,
    }
}

/// Takes in the events of a watch, until the API server ends it, as it does after [`WATCH`]: one
/// that is open for longer is dead.
async fn take_all(
    accounts: &ServiceAccounts,
    mut events: BoxStream<'_, kube::Result<WatchEvent<PartialObjectMeta<ServiceAccount>>>>,
    mut version: String,
) -> Step {
    let dead = Instant::now() + WATCH + GRACE;
    loop {
        let event = match timeout_at(dead, events.try_next()).await {
            Ok(Ok(Some(event))) => event,
            Ok(Ok(None)) => return Ok(version),
            Ok(Err(source)) => return Err((WatchError::Watch { what: WHAT.into(), source }, Some(version))),
            Err(_) => return Err((silent("watching", WATCH + GRACE), Some(version))),
        };
        match event {
            WatchEvent::Added(account) | WatchEvent::Modified(account) => {
                take(accounts, &account, |namespace, name, lookup| accounts.apply(namespace, name, lookup));
                version = account.metadata.resource_version.unwrap_or(version);
            }
            WatchEvent::Deleted(account) => {
                take(accounts, &account, |namespace, name, _| accounts.remove(namespace, name));
                version = account.metadata.resource_version.unwrap_or(version);
            }
            WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) => {
                return Err((WatchError::Refused { what: WHAT.into(), status }, Some(version)));
            }
        }
    }
}

/// Hands an account's names and annotations on; one without a name is none.
fn take(
    accounts: &ServiceAccounts,
    account: &PartialObjectMeta<ServiceAccount>,
    to: impl FnOnce(&str, &str, super::Lookup),
) {
    if let (Some(namespace), Some(name)) = (&account.metadata.namespace, &account.metadata.name) {
        to(namespace, name, live::read(&accounts.prefix, account));
    }
}

fn silent(doing: &'static str, limit: Duration) -> WatchError {
    WatchError::Silent { what: WHAT.into(), doing, limit }
}
