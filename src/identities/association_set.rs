//! The accounts that a source of associations names, and what it says of their roles.

use std::sync::Arc;

use injection::AccountName;
use injection::grant::Roles;

use super::by_account::ByAccount;
use crate::association::Terms;

/// The accounts that associations name, namespace and name to the letter.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AssociationSet(ByAccount<Associated>);

/// An account's association, as far as a source says what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Associated {
    /// The roles that it gives, for the role policy; `None` where the source does not say.
    pub roles: Option<Roles>,
    /// What it says of credentials; `None` where the source does not say, or was not asked to keep it.
    pub terms: Option<Arc<Terms>>,
}

impl Associated {
    /// What two sources say together. Nobody knows whose association the agent will be given, so the roles of all are
    /// the pod's.
    #[must_use]
    pub fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (one, other) = match (one, other) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return one.or(other),
        };
        let roles = match (one.roles, other.roles) {
            (Some(one), Some(other)) if one != other => {
                Some(one.iter().chain(other.iter()).cloned().collect())
            }
            (one, other) => one.or(other),
        };
        // Only the agent reads terms, and it asks one source after the other.
        Some(Self { roles, terms: one.terms.or(other.terms) })
    }
}

impl AssociationSet {
    /// The set of these accounts, each with what is known of its association.
    pub(in crate::identities) fn with<'a>(
        associations: impl IntoIterator<Item = (AccountName<'a>, Associated)>,
    ) -> Self {
        let mut set = Self::default();
        for (account, associated) in associations {
            set.0.insert(account, associated);
        }
        set.shrink_to_fit();
        set
    }

    pub(in crate::identities) fn insert(&mut self, account: AccountName<'_>) {
        self.insert_with(account, Associated::default());
    }

    pub(in crate::identities) fn insert_with(&mut self, account: AccountName<'_>, associated: Associated) {
        self.0.insert(account, associated);
    }

    /// Gives back the memory that growing has left over.
    pub(in crate::identities) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Whether an association names this account.
    #[must_use]
    pub fn contains(&self, account: AccountName<'_>) -> bool {
        self.0.get(account).is_some()
    }

    /// What is known of this account's association, if it has one.
    #[must_use]
    pub fn get(&self, account: AccountName<'_>) -> Option<&Associated> {
        self.0.get(account)
    }

    /// Every account, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = AccountName<'_>> {
        self.0.iter().map(|(account, _)| account)
    }

    /// How many accounts there are, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<AccountName<'a>> for AssociationSet {
    fn from_iter<I: IntoIterator<Item = AccountName<'a>>>(associations: I) -> Self {
        let mut set = Self::default();
        associations.into_iter().for_each(|account| set.insert(account));
        set.shrink_to_fit();
        set
    }
}

impl<N: AsRef<str>, A: AsRef<str>> FromIterator<(N, A)> for AssociationSet {
    fn from_iter<I: IntoIterator<Item = (N, A)>>(associations: I) -> Self {
        let mut set = Self::default();
        for (namespace, name) in associations {
            set.insert(AccountName::new(namespace.as_ref(), name.as_ref()));
        }
        set.shrink_to_fit();
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        let set: AssociationSet = [("shop", "orders")].into_iter().collect();
        assert!(set.contains(AccountName::new("shop", "orders")));
        for (namespace, name) in
            [("shop", "order"), ("sho", "porders"), ("orders", "shop"), ("Shop", "orders")]
        {
            assert!(!set.contains(AccountName::new(namespace, name)), "{namespace}/{name}");
        }
    }

    #[test]
    fn order_and_repetition_make_no_difference() {
        let one: AssociationSet = [("a", "x"), ("b", "x"), ("a", "y")].into_iter().collect();
        let other: AssociationSet = [("a", "y"), ("a", "x"), ("b", "x"), ("a", "x")].into_iter().collect();
        assert_eq!(one, other);
        assert_eq!((one.len(), AssociationSet::default().is_empty()), (3, true));
        assert_ne!(one, [("a", "x"), ("b", "x"), ("b", "y")].into_iter().collect());
    }
}
