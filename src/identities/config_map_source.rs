//! The ConfigMap, whichever source it is known from.

use std::sync::Arc;

use super::Unavailable;
use super::config_map::Entries;
use super::manifests::Manifests;
use crate::injection::Grant;
use crate::source::Source;

/// Where the ConfigMap is known from.
#[derive(Debug, Clone)]
pub enum ConfigMap {
    /// Files that were read at start.
    Manifests(Arc<Manifests>),
    /// A cluster's, which a task keeps up to date.
    Followed(Arc<Source<Entries>>),
}

impl ConfigMap {
    /// The source's name, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Manifests(_) => "manifests",
            Self::Followed(source) => source.name(),
        }
    }

    /// An error if what it says may be old.
    pub fn check_current(&self) -> Result<(), Unavailable> {
        match self {
            Self::Manifests(_) => Ok(()),
            Self::Followed(source) => Unavailable::if_stale(source),
        }
    }

    /// An error before it was read for the first time.
    pub fn check_read(&self) -> Result<(), Unavailable> {
        match self {
            Self::Followed(source) if !source.is_synced() => Err(Unavailable::Cold(source.name())),
            Self::Followed(_) | Self::Manifests(_) => Ok(()),
        }
    }

    /// The role that it gives an account, if any; cold before it was read for the first time.
    pub fn grant(&self, namespace: &str, name: &str) -> Result<Option<Arc<Grant>>, Unavailable> {
        match self {
            Self::Manifests(manifests) => {
                Ok(manifests.entries().and_then(|(entries, _)| entries.grant(namespace, name)))
            }
            Self::Followed(source) => {
                let entries = source.current().ok_or(Unavailable::Cold(source.name()))?;
                Ok(entries.grant(namespace, name))
            }
        }
    }
}
