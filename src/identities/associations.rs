//! Which accounts have an association of EKS Pod Identity, from whichever source. The role matters to the role policy
//! alone, where the source says it: the node's agent asks for it by itself.

use std::sync::Arc;

use injection::AccountName;
use tokio::time::Instant;

use super::association_set::{Associated, AssociationSet};
use super::sources::single_lookups::SingleLookups;
use super::unavailable::Unavailable;
use crate::source::Source;

/// One source of associations. Sources add up: no source can take away what another grants.
#[derive(Debug, Clone)]
pub enum Associations {
    /// A set that a task keeps up to date, or that was read at start.
    Followed(Arc<Source<AssociationSet>>),
    /// The same, from a source that can also be asked for one account.
    Askable(Arc<SingleLookups>),
}

impl Associations {
    pub(super) fn source(&self) -> &Source<AssociationSet> {
        match self {
            Self::Followed(source) => source,
            Self::Askable(lookups) => lookups.source(),
        }
    }

    /// What this source names for the account; an error before it was read for the first time.
    pub(super) fn known(&self, account: AccountName<'_>) -> Result<Option<Associated>, Unavailable> {
        let source = self.source();
        let set = source.current().ok_or(Unavailable::Cold(source.name()))?;
        Ok(set.get(account).cloned())
    }

    /// What this source names for the account now, found out before `deadline`. It is `None` if single
    /// accounts cannot be asked for: then [`Self::known`] has said all that can be known.
    pub(super) async fn fetch(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<Option<Associated>, Unavailable> {
        match self {
            Self::Followed(_) => Ok(None),
            Self::Askable(lookups) => lookups.fetch(account, deadline).await,
        }
    }

    /// An error if what this source says may be old, unless [`Self::fetch`] has just asked it.
    pub(super) fn check_current(&self) -> Result<(), Unavailable> {
        match self {
            Self::Followed(source) => Unavailable::if_stale(source),
            Self::Askable(_) => Ok(()),
        }
    }
}
