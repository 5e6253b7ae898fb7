//! Keeps the index up to date: list in pages, watch from there, and again.
//!
//! A loop of our own over kube's list and watch calls, not kube's `watcher`: that one swallows
//! bookmarks and says nothing when a watch begins again, so it cannot tell a quiet watch from a
//! dead one, and whoever decides from the index has to know which it is.

use std::panic::resume_unwind;
use std::time::Duration;

use injection::AccountName;
use injection::annotation::Prefix;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::WatchParams;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::index::Index;
use super::{ServiceAccounts, object};
use crate::kubernetes::{
    ApiError, BACKOFF, Collection, Event, Events, GRACE, METADATA_PAGE, Next, PageEnd, Pages, SHORT, WATCH,
    WatchError, jittered, read_page,
};

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
pub(super) async fn follow(accounts: &ServiceAccounts, client: &Client) {
    let all = Collection::of::<ServiceAccount>(&(), None).metadata();
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
            let result = watch(accounts, client, &all, known, behind).await;
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
            list(accounts, client, &all).await.inspect(|_| behind = began)
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
async fn list(accounts: &ServiceAccounts, client: &Client, all: &Collection) -> Step {
    let mut pages = Pages::new(client, all, WHAT, None, METADATA_PAGE);
    let mut index = Index::default();
    let failed = |error| (error, None);
    loop {
        let text = pages.next().await.map_err(failed)?;
        let (all, prefix) = (all.clone(), accounts.prefix.clone());
        // Thousands of accounts take tens of milliseconds, and this thread may be the only one that answers.
        let reading = spawn_blocking(move || {
            let end = take_page(&all, &prefix, &text, &mut index);
            (index, end)
        });
        let (more, end) = match reading.await.map_err(JoinError::try_into_panic) {
            Ok(read) => read,
            // Which ends this task, and so the process.
            Err(Ok(panic)) => resume_unwind(panic),
            // The process ends.
            Err(Err(_)) => return std::future::pending().await,
        };
        index = more;
        let end = end.map_err(|source| (WatchError::List { what: WHAT.into(), source }, None))?;
        match pages.turn(end).map_err(failed)? {
            Next::Page => {}
            Next::Done(version) => {
                accounts.synced(index);
                return Ok(version);
            }
        }
    }
}

fn take_page(all: &Collection, prefix: &Prefix, text: &str, index: &mut Index) -> Result<PageEnd, ApiError> {
    read_page(text, &mut |account| {
        object::take_item(prefix, all, account, |namespace, name, lookup| {
            index.apply(AccountName::new(namespace, name), lookup)
        })
    })
}

/// Opens a watch from `version` on, and follows it to its end. What happened since `behind` comes
/// first: only after as long a time again, at most [`CATCH_UP`], is the index current.
async fn watch(
    accounts: &ServiceAccounts,
    client: &Client,
    all: &Collection,
    version: String,
    behind: Instant,
) -> Step {
    let params = WatchParams::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX));
    let events = match timeout(GRACE, Events::open(client, all, &params, &version)).await {
        Ok(Ok(events)) => events,
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
async fn take_all(accounts: &ServiceAccounts, mut events: Events, mut version: String) -> Step {
    let dead = Instant::now() + WATCH + GRACE;
    let prefix = &accounts.prefix;
    loop {
        let event = match timeout_at(dead, events.next()).await {
            Ok(Ok(Some(event))) => event,
            Ok(Ok(None)) => return Ok(version),
            Ok(Err(source)) => return Err((WatchError::Watch { what: WHAT.into(), source }, Some(version))),
            Err(_) => return Err((silent("watching", WATCH + GRACE), Some(version))),
        };
        let (taken, newer) = match event {
            Event::Applied(account, newer) => {
                let apply = |namespace: &_, name: &_, lookup| {
                    accounts.apply(AccountName::new(namespace, name), lookup)
                };
                (object::take(prefix, &account, apply), newer)
            }
            Event::Deleted(account, newer) => {
                let remove = |namespace: &_, name: &_, _| accounts.remove(AccountName::new(namespace, name));
                (object::take(prefix, &account, remove), newer)
            }
            Event::Bookmark(newer) => (Ok(()), newer),
            Event::Refused(status) => {
                return Err((WatchError::Refused { what: WHAT.into(), status }, Some(version)));
            }
        };
        if let Err(source) = taken {
            return Err((WatchError::Watch { what: WHAT.into(), source }, Some(version)));
        }
        version = newer.unwrap_or(version);
    }
}

fn silent(doing: &'static str, limit: Duration) -> WatchError {
    WatchError::Silent { what: WHAT.into(), doing, limit }
}
