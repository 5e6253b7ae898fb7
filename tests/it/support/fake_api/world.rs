//! All that the fake knows, in one value: accounts, their history, the controls and the traffic.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::faults::{Faults, Hold};
use super::traffic::{ListRequest, Traffic};

/// One version of a `ServiceAccount`.
pub(super) struct Account {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The resourceVersion at which the account of this name was created: its uid is made from it.
    pub(super) created: u64,
    pub(super) version: u64,
    pub(super) annotations: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// Whether watches hear of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Publicity {
    Announced,
    Unannounced,
}

pub(super) struct Change {
    pub(super) kind: ChangeKind,
    pub(super) account: Arc<Account>,
    publicity: Publicity,
}

/// One page of a list, all pages of which show the state of the same version.
pub(super) struct Page {
    pub(super) version: u64,
    pub(super) accounts: Vec<Arc<Account>>,
    pub(super) remaining: usize,
    pub(super) continue_token: Option<String>,
}

/// The `continue` token is older than what the server remembers.
pub(super) struct Expired;

type Key = (String, String);

#[derive(Default)]
pub(super) struct World {
    accounts: BTreeMap<Key, Arc<Account>>,
    log: Vec<Change>,
    /// The collection's resourceVersion.
    version: u64,
    /// Watches from before this version get 410.
    pub(super) oldest: u64,
    /// The version up to which watches are told; `None`: all.
    told: Option<u64>,
    /// The states that paged lists began with, by version.
    snapshots: BTreeMap<u64, Vec<Arc<Account>>>,

    /// Watches are numbered from 1.
    newest_watch: u64,
    /// Watches up to this number do not count as open, though their clients may not know yet.
    finished: u64,
    /// Watches up to this number are silent.
    pub(super) frozen: u64,
    /// Watches up to this number are to be cut.
    pub(super) dropped: u64,
    /// Connections are numbered from 1.
    newest_connection: u64,
    /// Connections up to this number are silent.
    pub(super) silent: u64,
    /// How many bookmarks every open watch should have had.
    pub(super) bookmarks: u64,

    pub(super) faults: Faults,
    pub(super) hold: Option<Hold>,
    /// How often held GETs were released.
    pub(super) releases: u64,
    pub(super) traffic: Traffic,
}

impl World {
    pub(super) fn put(
        &mut self,
        namespace: &str,
        name: &str,
        annotations: &[(&str, &str)],
        publicity: Publicity,
    ) -> u64 {
        let version = self.advance();
        let key = (namespace.to_owned(), name.to_owned());
        let (kind, created) = match self.accounts.get(&key) {
            Some(account) => (ChangeKind::Modified, account.created),
            None => (ChangeKind::Added, version),
        };
        let account = Arc::new(Account {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            created,
            version,
            annotations: annotations.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        });
        self.accounts.insert(key, account.clone());
        self.log.push(Change { kind, account, publicity });
        version
    }

    pub(super) fn delete(&mut self, namespace: &str, name: &str, publicity: Publicity) -> Option<u64> {
        let key = (namespace.to_owned(), name.to_owned());
        let last = self.accounts.remove(&key)?;
        let version = self.advance();
        // A DELETED event carries the last state, at the deletion's resourceVersion.
        let account = Arc::new(Account {
            namespace: last.namespace.clone(),
            name: last.name.clone(),
            created: last.created,
            version,
            annotations: last.annotations.clone(),
        });
        self.log.push(Change { kind: ChangeKind::Deleted, account, publicity });
        Some(version)
    }

    pub(super) fn withhold(&mut self, withhold: bool) {
        self.told = withhold.then(|| self.told.unwrap_or(self.version));
    }

    /// A version of its own, so that even a watch that has seen everything is too old.
    pub(super) fn expire(&mut self) {
        self.oldest = self.advance();
        self.snapshots.clear();
        self.finish_watches();
        if let Some(told) = &mut self.told {
            *told = self.oldest;
        }
    }

    pub(super) fn open_connection(&mut self) -> u64 {
        self.newest_connection += 1;
        self.newest_connection
    }

    pub(super) fn silence_connections(&mut self) {
        self.silent = self.newest_connection;
    }

    pub(super) fn open_watch(&mut self) -> u64 {
        self.newest_watch += 1;
        self.traffic.watches_open += 1;
        self.newest_watch
    }

    pub(super) fn close_watch(&mut self, number: u64) {
        if number > self.finished {
            self.traffic.watches_open -= 1;
        }
    }

    pub(super) fn drop_watches(&mut self) {
        self.dropped = self.newest_watch;
        self.finish_watches();
    }

    pub(super) fn freeze_watches(&mut self) {
        self.frozen = self.newest_watch;
    }

    /// At once, so that whoever then waits for an open watch waits for the client's next.
    fn finish_watches(&mut self) {
        self.finished = self.newest_watch;
        self.traffic.watches_open = 0;
    }

    pub(super) fn account(&self, namespace: &str, name: &str) -> Option<Arc<Account>> {
        self.accounts.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn page(&mut self, request: &ListRequest) -> Result<Page, Expired> {
        let (version, start) = match &request.continue_token {
            Some(token) => parse_token(token).ok_or(Expired)?,
            None => (self.version, 0),
        };
        let rest = match &request.continue_token {
            Some(_) => self.snapshots.get(&version).ok_or(Expired)?.get(start..).ok_or(Expired)?.to_vec(),
            None => self.accounts.values().cloned().collect(),
        };
        let limit = request.limit.filter(|&limit| limit > 0).unwrap_or(rest.len());
        let accounts: Vec<_> = rest.iter().take(limit).cloned().collect();
        let remaining = rest.len() - accounts.len();
        let next = start + accounts.len();
        if remaining > 0 && start == 0 {
            // Kept until it expires: another client may be half-way through the same version.
            self.snapshots.insert(version, rest);
        }
        Ok(Page {
            version,
            accounts,
            remaining,
            continue_token: (remaining > 0).then(|| format!("v{version}.{next}")),
        })
    }

    /// The first change after `seen` that watches are told of.
    pub(super) fn change_after(&self, seen: u64) -> Option<&Change> {
        let start = self.log.partition_point(|change| change.account.version <= seen);
        self.log
            .get(start..)?
            .iter()
            .take_while(|change| change.account.version <= self.told_version())
            .find(|change| change.publicity == Publicity::Announced)
    }

    /// The version up to which watches may know everything that they will ever be told.
    pub(super) fn told_version(&self) -> u64 {
        self.told.unwrap_or(self.version)
    }

    pub(super) fn advance(&mut self) -> u64 {
        // A fresh API server is past its first versions as well, and 0 has a meaning of its own.
        self.version = self.version.max(1000) + 1;
        self.version
    }
}

/// `v<version>.<offset>`: opaque to clients, and safe in a query as it stands.
fn parse_token(token: &str) -> Option<(u64, usize)> {
    let (version, offset) = token.strip_prefix('v')?.split_once('.')?;
    Some((version.parse().ok()?, offset.parse().ok()?))
}
