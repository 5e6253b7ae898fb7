//! The accounts of a cluster, small: those with our annotations in full, the others as names.
//!
//! A store of whole metadata takes 360 bytes an account before its strings; at 150,000 accounts
//! that is the difference between a small pod and a large one.

use std::sync::Arc;

use super::super::Lookup;
use super::super::account::Account;
use super::super::by_account::ByAccount;

/// Every account of the cluster that the watch has told of.
#[derive(Debug, Default)]
pub(super) struct Index {
    accounts: ByAccount<Known>,
    annotated: usize,
}

/// [`Lookup`] without its `Missing`: what is missing is not in the index.
#[derive(Debug)]
enum Known {
    Plain,
    Annotated(Arc<Account>),
}

impl Index {
    /// What is known of an account; `None` where the watch has not told of it.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Lookup> {
        Some(match self.accounts.get(namespace, name)? {
            Known::Plain => Lookup::Plain,
            Known::Annotated(account) => Lookup::Annotated(account.clone()),
        })
    }

    /// Whether there is any account in this namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.accounts.has_namespace(namespace)
    }

    /// Takes in an account as it is now.
    pub(super) fn apply(&mut self, namespace: &str, name: &str, lookup: Lookup) {
        let known = match lookup {
            Lookup::Missing => return self.remove(namespace, name),
            Lookup::Plain => Known::Plain,
            Lookup::Annotated(account) => Known::Annotated(account),
        };
        self.annotated += usize::from(known.is_annotated());
        if let Some(previous) = self.accounts.insert(namespace, name, known) {
            self.annotated -= usize::from(previous.is_annotated());
        }
    }

    /// Forgets an account.
    pub(super) fn remove(&mut self, namespace: &str, name: &str) {
        if let Some(previous) = self.accounts.remove(namespace, name) {
            self.annotated -= usize::from(previous.is_annotated());
        }
    }

    /// How many accounts there are.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// How many of them bear annotations of ours.
    pub(super) fn annotated(&self) -> usize {
        self.annotated
    }

    /// The accounts that bear annotations of ours.
    pub(super) fn iter_annotated(&self) -> impl Iterator<Item = (&str, &str, &Account)> {
        self.accounts.iter().filter_map(|(namespace, name, known)| match known {
            Known::Plain => None,
            Known::Annotated(account) => Some((namespace, name, &**account)),
        })
    }
}

impl Known {
    fn is_annotated(&self) -> bool {
        matches!(self, Self::Annotated(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::injection::annotation::Prefix;

    fn annotated() -> Lookup {
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        Lookup::of(Account::read(&prefix, [("eks.amazonaws.com/role-arn", "arn")]))
    }

    #[test]
    fn counts_what_it_holds() {
        let mut index = Index::default();
        index.apply("a", "one", Lookup::Plain);
        index.apply("a", "two", annotated());
        index.apply("a", "two", annotated());
        assert_eq!((index.accounts(), index.annotated()), (2, 1));
        index.apply("a", "two", Lookup::Plain);
        index.apply("a", "one", annotated());
        assert_eq!((index.accounts(), index.annotated()), (2, 1));
        index.remove("a", "one");
        index.remove("a", "one");
        index.remove("b", "one");
        index.apply("a", "two", Lookup::Missing);
        assert_eq!((index.accounts(), index.annotated()), (0, 0));
    }
}
