//! What earlier calls have found: whose association has which id, and the list whose next page comes. Ids are made of
//! UIDs, so without this every call by id would have to read all associations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use injection::OwnedAccountName;
use tokio::time::Instant;

use crate::association::{Association, AssociationId};
use crate::eks_endpoint::answer::DescribedAssociation;
use crate::eks_endpoint::route::Filter;

/// Ids that are remembered: several times EKS's quota for a cluster.
const MOST: usize = 20_000;

/// How long the pages of one list are of the state that its first page saw.
const SNAPSHOT: Duration = Duration::from_mins(1);

/// Lists that are kept at the same time: several scripts go through pages side by side.
const LISTS: usize = 4;

/// A list, sorted by namespace and account.
pub(super) type Listed = Arc<[DescribedAssociation]>;

/// What earlier calls have found.
#[derive(Default)]
pub(super) struct Known(Mutex<Found>);

#[derive(Default)]
struct Found {
    accounts: HashMap<AssociationId, OwnedAccountName>,
    /// The lists whose next page may come, the oldest first, and when they were made.
    lists: Vec<(Filter, Instant, Listed)>,
}

impl Known {
    /// The account whose association had this id.
    pub(super) fn account(&self, id: &AssociationId) -> Option<OwnedAccountName> {
        self.found().accounts.get(id).cloned()
    }

    /// Remembers whose association this is.
    pub(super) fn remember(&self, association: &Association) {
        let mut found = self.found();
        if found.accounts.len() >= MOST {
            found.accounts.clear();
        }
        found.accounts.insert(association.id(), association.account.clone());
    }

    /// The account's association is gone, or another one now.
    pub(super) fn forget(&self, id: &AssociationId) {
        self.found().accounts.remove(id);
    }

    /// The list of which an earlier page was answered.
    pub(super) fn listed(&self, filter: &Filter) -> Option<Listed> {
        let found = self.found();
        let (_, at, listed) = found.lists.iter().find(|(of, ..)| of == filter)?;
        (at.elapsed() < SNAPSHOT).then(|| listed.clone())
    }

    /// Keeps a list, which is new, for its next pages.
    pub(super) fn keep(&self, filter: &Filter, listed: Listed) {
        let lists = &mut self.found().lists;
        lists.retain(|(of, at, _)| of != filter && at.elapsed() < SNAPSHOT);
        if lists.len() >= LISTS {
            lists.remove(0);
        }
        lists.push((filter.clone(), Instant::now(), listed));
    }

    /// The list's last page was answered.
    pub(super) fn drop_list(&self, filter: &Filter) {
        self.found().lists.retain(|(of, ..)| of != filter);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // A poisoned lock holds a whole value: nothing panics halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn filter(namespace: &str) -> Filter {
        Filter { namespace: Some(namespace.to_owned()), service_account: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_kept_from_its_first_page_to_its_last_for_a_minute_at_most() {
        let known = Known::default();
        known.keep(&filter("a"), Listed::default());
        // Pages in between do not make it any younger.
        advance(SNAPSHOT / 2).await;
        assert!(known.listed(&filter("a")).is_some());
        advance(SNAPSHOT / 2).await;
        assert!(known.listed(&filter("a")).is_none());
        known.keep(&filter("a"), Listed::default());
        known.drop_list(&filter("a"));
        assert!(known.listed(&filter("a")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_lists_are_kept_side_by_side() {
        let known = Known::default();
        for namespace in ["a", "b", "c", "d", "b", "e"] {
            known.keep(&filter(namespace), Listed::default());
        }
        let kept = ["a", "b", "c", "d", "e"].map(|namespace| known.listed(&filter(namespace)).is_some());
        assert_eq!(kept, [false, true, true, true, true]);
        assert_eq!(known.found().lists.len(), LISTS);
    }
}
