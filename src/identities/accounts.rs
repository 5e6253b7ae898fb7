//! Where ServiceAccounts are read: in a cluster, or in files.

use std::sync::Arc;

use injection::AccountName;
use tokio::time::Instant;

use super::known::{AccountState, LookupFailure};
use super::offline::{self, Manifests};
use super::sources::service_accounts::{self, ServiceAccounts};
use super::unavailable::Unavailable;

/// Where ServiceAccounts are read.
#[derive(Debug, Clone)]
pub enum Accounts {
    /// A cluster.
    Cluster(Arc<ServiceAccounts>),
    /// Files that were read at start.
    Manifests(Arc<Manifests>),
}

impl Accounts {
    /// The source's name, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Cluster(_) => service_accounts::NAME,
            Self::Manifests(_) => offline::NAME,
        }
    }

    /// An error before all accounts were read.
    pub(super) fn check_read(&self) -> Result<(), Unavailable> {
        match self {
            Self::Cluster(accounts) if !accounts.is_synced() => Err(Unavailable::Cold(self.name())),
            Self::Cluster(_) | Self::Manifests(_) => Ok(()),
        }
    }

    /// Whether the account was there when it was last heard of.
    pub(super) fn knows(&self, account: AccountName<'_>) -> bool {
        match self {
            Self::Cluster(accounts) => accounts.knows(account),
            Self::Manifests(manifests) => manifests.account(account).is_some(),
        }
    }

    /// The account as it is known; if nothing is known, or it may be old, the API server is asked.
    pub(super) async fn find(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<AccountState, LookupFailure> {
        match self {
            Self::Cluster(accounts) => accounts.find(account, deadline).await,
            Self::Manifests(manifests) => Ok(manifests.state(account)),
        }
    }

    /// The account as the API server has it now.
    pub(super) async fn fetch(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<AccountState, Unavailable> {
        match self {
            Self::Cluster(accounts) => accounts.fetch(account, deadline).await,
            Self::Manifests(manifests) => Ok(manifests.state(account)),
        }
    }
}
