//! Who has which identity: one file a source, precedence written once, in [`Identities::find`].
//!
//! Called by the admission path and by `inject`. Never answers from a cold or stale cache: where
//! it cannot know, it says so, and the API server asks again.

pub mod account;
pub mod manifests;
pub mod service_accounts;

use std::sync::Arc;

use tokio::time::Instant;

use crate::injection::Grant;
use account::Account;
use manifests::Manifests;
use service_accounts::ServiceAccounts;

/// All sources of identity.
#[derive(Debug)]
pub enum Identities {
    /// A cluster's ServiceAccounts.
    Cluster(Arc<ServiceAccounts>),
    /// Files.
    Manifests(Manifests),
}

/// What was found out about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its identity, if it has one.
    pub grant: Option<Arc<Grant>>,
    /// Whether the account exists.
    pub exists: bool,
}

/// Why it could not be found out. All of it passes: the caller answers 503 and is asked again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// The first list is not complete.
    #[error("ServiceAccounts are not all read yet")]
    Cold,
    /// The live look-up failed.
    #[error("failed to look up ServiceAccount {namespace}/{name}: {reason}")]
    Lookup {
        /// The account's namespace.
        namespace: Box<str>,
        /// The account's name.
        name: Box<str>,
        /// In the words of the API server or of the connection.
        reason: Arc<str>,
    },
}

impl Identities {
    /// The identity of an account, found out before `deadline`.
    pub async fn find(&self, namespace: &str, name: &str, deadline: Instant) -> Result<Found, Unavailable> {
        match self {
            Self::Cluster(accounts) => Ok(Found::of(accounts.find(namespace, name, deadline).await?, false)),
            Self::Manifests(manifests) => Ok(manifests.find(namespace, name)),
        }
    }
}

impl Found {
    /// What the sources say, put in order: association, then the ServiceAccount's annotation.
    ///
    /// The winner's settings are used whole, but for Pod Identity's regional STS and lifetime,
    /// which always come from the account's annotations.
    #[must_use]
    pub fn of(account: Lookup, has_association: bool) -> Self {
        let exists = account != Lookup::Missing;
        let annotations = account.into_annotations();
        let grant = if has_association {
            let preferences = annotations.map(|account| account.preferences.clone()).unwrap_or_default();
            Some(Arc::new(Grant::Association(preferences)))
        } else {
            annotations.and_then(|account| account.role.clone())
        };
        Self { grant, exists }
    }
}

/// What a source knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It does not exist.
    Missing,
    /// It exists, without an annotation of ours.
    Plain,
    /// It exists, with annotations of ours.
    Annotated(Arc<Account>),
}

impl Lookup {
    /// What an account's annotations come to.
    #[must_use]
    pub fn of(account: Option<Account>) -> Self {
        account.map_or(Self::Plain, |account| Self::Annotated(Arc::new(account)))
    }

    /// Whether a role is known.
    #[must_use]
    pub fn has_role(&self) -> bool {
        self.role_arn().is_some()
    }

    /// The role, as written.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        match self {
            Self::Annotated(account) => match account.role.as_deref() {
                Some(Grant::Role(role)) => Some(&role.role_arn),
                _ => None,
            },
            Self::Missing | Self::Plain => None,
        }
    }

    fn into_annotations(self) -> Option<Arc<Account>> {
        match self {
            Self::Missing | Self::Plain => None,
            Self::Annotated(account) => Some(account),
        }
    }
}
