//! EKS Pod Identity's associations, whichever source says so: which accounts have one. The role
//! itself is nothing to the webhook: the node's agent asks EKS for it.

use std::sync::Arc;

use tokio::time::Instant;

use super::Unavailable;
use super::askable::Askable;
use super::association_set::AssociationSet;
use super::manifests::Manifests;
use crate::source::Source;

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
