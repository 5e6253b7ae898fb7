//! Who has which identity: one file a source, precedence written once, in [`Found::of`].
//!
//! Called by the admission path and by `inject`. Never answers from a cold or stale cache: where
//! it cannot know, it says so, and the API server asks again. The order in which sources stand or
//! were read makes no difference to an answer.

pub mod account;
pub mod askable;
pub mod association_file;
pub mod association_resources;
pub mod association_set;
pub mod associations;
mod by_account;
pub mod config_map;
pub mod config_map_source;
#[cfg(feature = "eks-api")]
pub mod eks_api;
mod flights;
pub mod manifests;
mod need;
pub mod service_accounts;
pub mod turns;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use self::manifests::Manifests;
use crate::injection::{Grant, name};
use crate::source::Source;
use account::Account;
use associations::Associations;
use config_map_source::ConfigMap;
pub use need::Need;
use service_accounts::ServiceAccounts;

/// All sources of identity.
#[derive(Debug)]
pub struct Identities {
    accounts: Accounts,
    associations: Vec<Associations>,
    config_map: Option<ConfigMap>,
}

/// Where ServiceAccounts are known from.
#[derive(Debug, Clone)]
pub enum Accounts {
    /// A cluster.
    Cluster(Arc<ServiceAccounts>),
    /// Files that were read at start.
    Manifests(Arc<Manifests>),
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
    /// A source was not read for the first time yet: what it has to say may change the answer.
    #[error("the source of identities {0} is not read yet")]
    Cold(&'static str),
    /// The live look-up of an account failed.
    #[error("failed to look up ServiceAccount {namespace}/{name}: {reason}")]
    Lookup {
        /// The account's namespace.
        namespace: Box<str>,
        /// The account's name.
        name: Box<str>,
        /// In the words of the API server or of the connection.
        reason: Arc<str>,
    },
    /// A source cannot be read now: what it last said may be old, and nothing is denied because of it.
    #[error("the source of identities {source_name} cannot be read: {reason}")]
    Stale {
        /// The source.
        source_name: &'static str,
        /// In the words of whoever reads it.
        reason: Box<str>,
    },
    /// The live look-up of an association failed.
    #[error("failed to look up an association of {namespace}/{name} in {source_name}: {reason}")]
    Association {
        /// The source that was asked.
        source_name: &'static str,
        /// The account's namespace.
        namespace: Box<str>,
        /// The account's name.
        name: Box<str>,
        /// In the words of whoever was asked, or of the connection.
        reason: Arc<str>,
    },
}

impl Unavailable {
    fn if_stale<T: Send + Sync + 'static>(source: &Source<T>) -> Result<(), Self> {
        let stale = |reason| Self::Stale { source_name: source.name(), reason };
        source.trouble().map_or(Ok(()), |reason| Err(stale(reason)))
    }
}

/// An account that could not be looked up.
#[derive(Debug)]
pub struct Doubt {
    /// What was known of it before, which may be old.
    pub known: Option<Lookup>,
    /// Why it is not known now.
    pub error: Unavailable,
}

impl Identities {
    /// Puts sources together.
    #[must_use]
    pub fn new(accounts: Accounts, associations: Vec<Associations>, config_map: Option<ConfigMap>) -> Self {
        Self { accounts, associations, config_map }
    }

    /// Files alone, for all sources.
    #[must_use]
    pub fn of_manifests(manifests: Manifests) -> Self {
        let manifests = Arc::new(manifests);
        Self::new(
            Accounts::Manifests(manifests.clone()),
            vec![Associations::Manifests(manifests.clone())],
            Some(ConfigMap::Manifests(manifests)),
        )
    }

    /// The identity of an account, found out before `deadline`; `need` says how far to go for it.
    pub async fn find(
        &self,
        namespace: &str,
        name: &str,
        need: Need,
        deadline: Instant,
    ) -> Result<Found, Unavailable> {
        if !name::is_label(namespace) || !name::is_subdomain(name) {
            // No account has such a name, which may have any length: no source is asked, but all were read.
            self.check_read()?;
            return Ok(Found { grant: None, exists: false });
        }
        let is_associated = self.is_associated(namespace, name)?;
        let entry = self.config_map.as_ref().map_or(Ok(None), |source| source.grant(namespace, name))?;
        self.accounts.check_synced()?;
        let asks = !is_associated && need.asks();
        let (account, news) = if asks && self.accounts.knows(namespace, name) {
            // At the same time: both may take until the deadline.
            let account = self.accounts.find(namespace, name, deadline);
            let (account, news) = tokio::join!(account, self.look_up(namespace, name, deadline));
            (account, Some(news))
        } else {
            let account = self.accounts.find(namespace, name, deadline).await;
            // Names can be made up without end, and who is asked has other callers too: not for an account that is
            // not known to exist.
            let exists = matches!(&account, Ok(lookup) if *lookup != Lookup::Missing);
            let news =
                if asks && exists { Some(self.look_up(namespace, name, deadline).await) } else { None };
            (account, news)
        };
        let is_associated = is_associated || matches!(news, Some(Ok(true)));
        let account = account.or_else(|Doubt { known, error }| match known {
            // A grant that is known is better than none, even if it may be old: so is the ConfigMap's
            // for an account that had no role of its own when it was last seen.
            Some(known) if is_associated || known.has_role() || entry.is_some() => Ok(known),
            // The API server makes no pods of accounts that do not exist.
            None if is_associated => Ok(Lookup::Plain),
            // Of an account that was never seen the ConfigMap alone tells nothing: its own annotation,
            // which nobody has read yet, would come first.
            Some(_) | None => Err(error),
        })?;
        let mut found = Found::of(Claims { is_associated, account, entry });
        if found.grant.is_some() {
            // Here too a grant that is known is better than none.
            return Ok(found);
        }
        let was_asked = news.transpose()?.is_some();
        if let Need::Required(_) = need {
            // What the watch has told may be a moment old, and this is the last chance.
            let account = self.accounts.look_up(namespace, name, deadline).await?;
            let is_new = account != Lookup::Missing && !was_asked;
            let is_associated = is_new && self.look_up(namespace, name, deadline).await?;
            found = Found::of(Claims { is_associated, account, entry: None });
            if found.grant.is_none() {
                self.check_current()?;
            }
        }
        Ok(found)
    }

    /// An error unless every source was read.
    fn check_read(&self) -> Result<(), Unavailable> {
        self.associations.iter().try_for_each(Associations::check_read)?;
        self.config_map.as_ref().map_or(Ok(()), ConfigMap::check_read)?;
        self.accounts.check_synced()
    }

    /// An error if any source's last word may be old: no ground to deny anything.
    fn check_current(&self) -> Result<(), Unavailable> {
        self.config_map.as_ref().map_or(Ok(()), ConfigMap::check_current)?;
        self.associations.iter().try_for_each(Associations::check_current)
    }

    /// The names of all sources, for people.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let accounts = std::iter::once(self.accounts.name());
        let config_map = self.config_map.as_ref().map(ConfigMap::name);
        let mut names: Vec<_> = accounts.chain(config_map).collect();
        names.extend(self.associations.iter().map(Associations::name));
        names.dedup();
        names
    }

    /// Whether any source has an association for the account. All of them must have been read, also
    /// where the first one has: an answer must not depend on their order.
    fn is_associated(&self, namespace: &str, name: &str) -> Result<bool, Unavailable> {
        self.associations.iter().try_fold(false, |is_associated, source| {
            let names_it = source.contains(namespace, name).ok_or(Unavailable::Cold(source.name()))?;
            Ok(is_associated || names_it)
        })
    }

    /// Whether a source that can be asked for one account names it now. All are asked at the same time:
    /// one that cannot answer hides no other's yes, and a yes waits for nobody.
    async fn look_up(&self, namespace: &str, name: &str, deadline: Instant) -> Result<bool, Unavailable> {
        let answers = self.associations.iter().map(|source| source.look_up(namespace, name, deadline));
        let mut answers: FuturesUnordered<_> = answers.collect();
        let mut is_associated = Ok(false);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(true) => return answer,
                Ok(false) => {}
                Err(_) => is_associated = answer,
            }
        }
        is_associated
    }
}

impl Accounts {
    fn name(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "service-accounts",
            Self::Manifests(_) => "manifests",
        }
    }

    /// The account as the API server has it now.
    async fn look_up(&self, namespace: &str, name: &str, deadline: Instant) -> Result<Lookup, Unavailable> {
        match self {
            Self::Cluster(accounts) => accounts.look_up(namespace, name, deadline).await,
            Self::Manifests(manifests) => Ok(manifests.lookup(namespace, name)),
        }
    }

    fn check_synced(&self) -> Result<(), Unavailable> {
        match self {
            Self::Cluster(accounts) if !accounts.is_synced() => Err(Unavailable::Cold("service-accounts")),
            Self::Cluster(_) | Self::Manifests(_) => Ok(()),
        }
    }

    /// Whether the account was there when it was last heard of.
    fn knows(&self, namespace: &str, name: &str) -> bool {
        match self {
            Self::Cluster(accounts) => accounts.knows(namespace, name),
            Self::Manifests(manifests) => manifests.account(namespace, name).is_some(),
        }
    }

    async fn find(&self, namespace: &str, name: &str, deadline: Instant) -> Result<Lookup, Doubt> {
        match self {
            Self::Cluster(accounts) => accounts.find(namespace, name, deadline).await,
            Self::Manifests(manifests) => Ok(manifests.lookup(namespace, name)),
        }
    }
}

/// What all sources say of one account, in the order in which they count.
#[derive(Debug)]
pub struct Claims {
    /// Whether any source of associations names it.
    pub is_associated: bool,
    /// Its ServiceAccount's annotations.
    pub account: Lookup,
    /// What the ConfigMap's closest entry grants it.
    pub entry: Option<Arc<Grant>>,
}

impl Found {
    /// Precedence: association, then the ServiceAccount's annotation, then the ConfigMap.
    ///
    /// The winner's settings are used whole, but for Pod Identity's regional STS and lifetime,
    /// which always come from the account's annotations.
    #[must_use]
    pub fn of(claims: Claims) -> Self {
        let Claims { is_associated, account, entry } = claims;
        let exists = account != Lookup::Missing;
        let annotations = account.into_annotations();
        let grant = if is_associated {
            let preferences = annotations.map(|account| account.preferences.clone()).unwrap_or_default();
            Some(Arc::new(Grant::Association(preferences)))
        } else {
            annotations.and_then(|account| account.role.clone()).or(entry)
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

#[cfg(test)]
mod tests;
