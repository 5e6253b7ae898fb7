//! Roles in the ConfigMap `pod-identity-webhook`, whose key `config` says which accounts have which:
//! `{"namespace/name":{"RoleARN":"…"}}`. In either part of a key, `*` stands for any run of characters.

mod format;
mod pattern;
mod watch;

use std::sync::Arc;

use injection::{AccountName, Grant};

use crate::identities::by_account::ByAccount;
use pattern::Pattern;

pub use format::{ConfigMapDocument, ConfigMapError};
pub use watch::follow;

/// The source's name in log, metrics and readiness.
pub const SOURCE: &str = "config-map";

/// The ConfigMap's name.
pub const NAME: &str = "pod-identity-webhook";

/// The ConfigMap's key that is read.
pub const KEY: &str = "config";

/// What the ConfigMap says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    exact: ByAccount<Entry>,
    /// The entries with wildcards, the closest first.
    globs: Vec<(Pattern, Entry)>,
}

/// A role for the accounts that a key names, or that they have no role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as it was written.
    pub key: Box<str>,
    /// The line of the document on which the entry begins, from 1.
    pub line: usize,
    /// `None` if the accounts have no role, not even that of a farther entry. An entry that cannot be read is
    /// `None` too, because another entry's role would be the wrong one.
    pub grant: Option<Arc<Grant>>,
}

impl Entries {
    /// What an account is granted by the entry that counts for it: the closest of all that name it.
    #[must_use]
    pub fn grant(&self, account: AccountName<'_>) -> Option<Arc<Grant>> {
        self.matching(account).next()?.grant.clone()
    }

    /// Every entry that names an account, the closest first: the one without wildcards, then by
    /// `Pattern::rank`, and last in the order of the keys' bytes.
    pub fn matching(&self, account: AccountName<'_>) -> impl Iterator<Item = &Entry> {
        let globs = self.globs.iter().filter(move |(pattern, _)| pattern.matches(account));
        self.exact.get(account).into_iter().chain(globs.map(|(_, entry)| entry))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.globs.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Entry {
    /// The role, as written.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        match self.grant.as_deref() {
            Some(Grant::Role(role)) => Some(&role.role_arn),
            Some(Grant::Association(_)) | None => None,
        }
    }
}

/// Takes entries in the order of their keys' bytes, no key twice.
impl FromIterator<(Pattern, Entry)> for Entries {
    fn from_iter<I: IntoIterator<Item = (Pattern, Entry)>>(entries: I) -> Self {
        let mut all = Self::default();
        for (pattern, entry) in entries {
            match pattern.account() {
                Some(account) => drop(all.exact.insert(account, entry)),
                None => all.globs.push((pattern, entry)),
            }
        }
        all.exact.shrink_to_fit();
        // The sort is stable: equally close entries stay in the order of their keys.
        all.globs.sort_by_key(|(pattern, _)| pattern.rank());
        all.globs.shrink_to_fit();
        all
    }
}

#[cfg(test)]
mod tests;
