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

/// A list, sorted by namespace and account.
pub(super) type Listed = Arc<[DescribedAssociation]>;

/// What earlier calls have found.
#[derive(Default)]
pub(super) struct Known(Mutex<Found>);

#[derive(Default)]
struct Found {
    accounts: HashMap<AssociationId, OwnedAccountName>,
    listed: Option<(Filter, Instant, Listed)>,
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

    /// The list of which a page was just answered.
    pub(super) fn listed(&self, filter: &Filter) -> Option<Listed> {
        let found = self.found();
        let (of, at, listed) = found.listed.as_ref()?;
        (of == filter && at.elapsed() < SNAPSHOT).then(|| listed.clone())
    }

    /// Keeps a list for its next pages.
    pub(super) fn keep(&self, filter: &Filter, listed: Listed) {
        self.found().listed = Some((filter.clone(), Instant::now(), listed));
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // A poisoned lock holds a whole value: nothing panics halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
