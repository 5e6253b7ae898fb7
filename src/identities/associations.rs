//! EKS Pod Identity's associations, whichever source says so: which accounts have one. The role
//! itself is nothing to the webhook: the node's agent asks EKS for it.

use std::sync::Arc;

use tokio::time::Instant;

use super::Unavailable;
use super::askable::Askable;
use super::by_account::ByAccount;
use super::manifests::Manifests;
use crate::source::Source;

/// The accounts that associations name, namespace and name to the letter.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AssociationSet(ByAccount<()>);

impl AssociationSet {
    pub(super) fn insert(&mut self, namespace: &str, name: &str) {
        self.0.insert(namespace, name, ());
    }

    /// Gives back the memory that growing has left over.
    pub(super) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Whether an association names this account.
    #[must_use]
    pub fn contains(&self, namespace: &str, name: &str) -> bool {
        self.0.get(namespace, name).is_some()
    }

    /// Namespace and name of every account, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(namespace, name, ())| (namespace, name))
    }

    /// How many accounts there are, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: AsRef<str>, A: AsRef<str>> FromIterator<(N, A)> for AssociationSet {
    fn from_iter<I: IntoIterator<Item = (N, A)>>(associations: I) -> Self {
        let mut set = Self::default();
        for (namespace, name) in associations {
            set.insert(namespace.as_ref(), name.as_ref());
        }
        set.shrink_to_fit();
        set
    }
}

/// One source of associations. Sources add up: none can take away what another grants.
#[derive(Debug, Clone)]
pub enum Associations {
    /// Files that were read at start.
    Manifests(Arc<Manifests>),
    /// A set that a task keeps up to date.
    Followed(Arc<Source<AssociationSet>>),
    /// Such a set, of a source that can be asked for one account too.
    Askable(Arc<Askable>),
}

impl Associations {
    /// Whether this source names the account; `None` before it was read for the first time.
    #[must_use]
    pub fn contains(&self, namespace: &str, name: &str) -> Option<bool> {
        match self {
            Self::Manifests(manifests) => Some(manifests.association_place(namespace, name).is_some()),
            Self::Followed(source) => Some(source.current()?.contains(namespace, name)),
            Self::Askable(askable) => Some(askable.source().current()?.contains(namespace, name)),
        }
    }

    /// An error before it was read for the first time.
    pub fn check_read(&self) -> Result<(), Unavailable> {
        let is_read = match self {
            Self::Manifests(_) => true,
            Self::Followed(source) => source.is_synced(),
            Self::Askable(askable) => askable.source().is_synced(),
        };
        if is_read { Ok(()) } else { Err(Unavailable::Cold(self.name())) }
    }

    /// Whether this source names the account now, asked before `deadline`: `false` where there is
    /// nobody to ask, for then [`Self::contains`] has said all that can be known.
    pub async fn look_up(&self, namespace: &str, name: &str, deadline: Instant) -> Result<bool, Unavailable> {
        match self {
            Self::Manifests(_) | Self::Followed(_) => Ok(false),
            Self::Askable(askable) => askable.look_up(namespace, name, deadline).await,
        }
    }

    /// An error if what this source says may be old, unless [`Self::look_up`] has just asked it.
    pub fn check_current(&self) -> Result<(), Unavailable> {
        match self {
            Self::Manifests(_) | Self::Askable(_) => Ok(()),
            Self::Followed(source) => Unavailable::if_stale(source),
        }
    }

    /// The source's name, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Manifests(_) => "manifests",
            Self::Followed(source) => source.name(),
            Self::Askable(askable) => askable.source().name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        let set: AssociationSet = [("shop", "orders")].into_iter().collect();
        assert!(set.contains("shop", "orders"));
        for (namespace, name) in
            [("shop", "order"), ("sho", "porders"), ("orders", "shop"), ("Shop", "orders")]
        {
            assert!(!set.contains(namespace, name), "{namespace}/{name}");
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
