//! Why an identity could not be found out.

use std::sync::Arc;

use injection::OwnedAccountName;

use crate::source::Source;

/// Why an identity could not be found out. It always passes: the caller answers 503 and is asked again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// A source was not read yet: what it has to say may change the answer.
    #[error("the source of identities {0} is not read yet")]
    Cold(&'static str),
    /// The live look-up of an account failed.
    #[error("failed to look up ServiceAccount {account}: {reason}")]
    Lookup {
        /// The account.
        account: OwnedAccountName,
        /// Why it failed, in the words of the API server or of the connection.
        reason: Arc<str>,
    },
    /// A source cannot be read now: what it last said may be old, and nothing is denied because of it.
    #[error("the source of identities {source_name} cannot be read: {reason}")]
    Stale {
        /// The source that cannot be read.
        source_name: &'static str,
        /// Why it cannot be read, in the words of the task that reads it.
        reason: Box<str>,
    },
    /// The live look-up of an association failed.
    #[error("failed to look up an association of {account} in {source_name}: {reason}")]
    Association {
        /// The source that was asked.
        source_name: &'static str,
        /// The account.
        account: OwnedAccountName,
        /// Why it failed, in the words of the source or of the connection.
        reason: Arc<str>,
    },
}

impl Unavailable {
    /// An error before the source was read for the first time.
    pub(super) fn if_cold<T: Send + Sync + 'static>(source: &Source<T>) -> Result<(), Self> {
        if source.is_synced() { Ok(()) } else { Err(Self::Cold(source.name())) }
    }

    /// An error if what the source says may be old.
    pub(super) fn if_stale<T: Send + Sync + 'static>(source: &Source<T>) -> Result<(), Self> {
        let stale = |reason| Self::Stale { source_name: source.name(), reason };
        source.trouble().map_or(Ok(()), |reason| Err(stale(reason)))
    }
}
