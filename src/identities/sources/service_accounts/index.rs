//! The accounts of a cluster, kept small: those with annotations that are read in full, the others as names.
//!
//! A store of whole metadata takes 360 bytes an account before its strings; at 150,000 accounts
//! that is the difference between a small pod and a large one.

use std::sync::Arc;

use injection::AccountName;

use crate::identities::account::Account;
use crate::identities::by_account::ByAccount;
use crate::identities::known::AccountState;

/// Every account of the cluster that the watch has reported.
#[derive(Debug, Default)]
pub(super) struct Index {
    accounts: ByAccount<IndexedAccount>,
    annotated: usize,
}

/// [`AccountState`] without its `Missing`: what is missing is not in the index.
#[derive(Debug)]
enum IndexedAccount {
    Plain,
    Annotated(Arc<Account>),
}

impl Index {
    /// What is known of an account; `None` if the watch has not reported it.
    pub(super) fn get(&self, account: AccountName<'_>) -> Option<AccountState> {
        Some(match self.accounts.get(account)? {
            IndexedAccount::Plain => AccountState::Plain,
            IndexedAccount::Annotated(account) => AccountState::Annotated(account.clone()),
        })
    }

    /// Whether there is any account in this namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.accounts.has_namespace(namespace)
    }

    /// Takes in an account as it is now.
    pub(super) fn apply(&mut self, account: AccountName<'_>, lookup: AccountState) {
        let known = match lookup {
            AccountState::Missing => return self.remove(account),
            AccountState::Plain => IndexedAccount::Plain,
            AccountState::Annotated(account) => IndexedAccount::Annotated(account),
        };
        self.annotated += usize::from(known.is_annotated());
        if let Some(previous) = self.accounts.insert(account, known) {
            self.annotated -= usize::from(previous.is_annotated());
        }
    }

    /// Forgets an account.
    pub(super) fn remove(&mut self, account: AccountName<'_>) {
        if let Some(previous) = self.accounts.remove(account) {
            self.annotated -= usize::from(previous.is_annotated());
        }
    }

    /// How many accounts there are.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// How many accounts have annotations that are read.
    pub(super) fn annotated(&self) -> usize {
        self.annotated
    }

    /// The accounts with annotations that are read.
    pub(super) fn iter_annotated(&self) -> impl Iterator<Item = (AccountName<'_>, &Account)> {
        self.accounts.iter().filter_map(|(name, known)| match known {
            IndexedAccount::Plain => None,
            IndexedAccount::Annotated(account) => Some((name, &**account)),
        })
    }
}

impl IndexedAccount {
    fn is_annotated(&self) -> bool {
        matches!(self, Self::Annotated(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use injection::annotation::Prefix;

    fn annotated() -> AccountState {
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        AccountState::of(Account::read(&prefix, [("eks.amazonaws.com/role-arn", "arn")]))
    }

    #[test]
    fn counts_what_it_holds() {
        let mut index = Index::default();
        index.apply(AccountName::new("a", "one"), AccountState::Plain);
        index.apply(AccountName::new("a", "two"), annotated());
        index.apply(AccountName::new("a", "two"), annotated());
        assert_eq!((index.accounts(), index.annotated()), (2, 1));
        index.apply(AccountName::new("a", "two"), AccountState::Plain);
        index.apply(AccountName::new("a", "one"), annotated());
        assert_eq!((index.accounts(), index.annotated()), (2, 1));
        index.remove(AccountName::new("a", "one"));
        index.remove(AccountName::new("a", "one"));
        index.remove(AccountName::new("b", "one"));
        index.apply(AccountName::new("a", "two"), AccountState::Missing);
        assert_eq!((index.accounts(), index.annotated()), (0, 0));
    }
}
