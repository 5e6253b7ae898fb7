//! Who has which identity. [`sources`] has a file or folder for each source; precedence is written once, in
//! [`known::Claims::found`]; [`Identities::find`] puts the sources together.
//!
//! Called by the admission path; `inject` reads [`offline`]'s manifests. Never answers from a cold or stale
//! cache: what cannot be known is said to be [`Unavailable`], and the API server asks again. The order in
//! which sources stand or were read makes no difference to an answer.

pub mod account;
mod accounts;
pub mod association_set;
pub mod associations;
mod by_account;
pub mod known;
pub mod offline;
pub mod sources;
mod unavailable;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use injection::{AccountName, Found, Need, Precedence};
use tokio::time::Instant;

use crate::source::Source;
use association_set::Associated;
use associations::Associations;
use known::{AccountState, Claims, Fresh, Known};
use offline::Manifests;
use sources::config_map::Entries;

pub use accounts::Accounts;
pub use unavailable::Unavailable;

/// All sources of identity.
#[derive(Debug)]
pub struct Identities {
    accounts: Accounts,
    associations: Vec<Associations>,
    config_map: Option<Arc<Source<Entries>>>,
}

impl Identities {
    /// Puts sources together.
    #[must_use]
    pub fn new(
        accounts: Accounts,
        associations: Vec<Associations>,
        config_map: Option<Arc<Source<Entries>>>,
    ) -> Self {
        Self { accounts, associations, config_map }
    }

    /// Reads all sources from files alone.
    #[must_use]
    pub fn of_manifests(manifests: Manifests) -> Self {
        let (associations, config_map) = manifests.sources();
        let associations = vec![Associations::Followed(associations)];
        Self::new(Accounts::Manifests(Arc::new(manifests)), associations, config_map)
    }

    /// The identity of an account, found out before `deadline`; `need` says how far to go for it, `precedence`
    /// which one it is of two.
    pub async fn find(
        &self,
        account: AccountName<'_>,
        need: Need,
        precedence: Precedence,
        deadline: Instant,
    ) -> Result<Found, Unavailable> {
        if !account.is_possible() {
            // The name may have any length: no source looks it up, but all must have been read.
            self.check_read()?;
            return Ok(Found::missing());
        }
        let known = self.known(account)?;
        let asks = need.asks() && known.association.is_none();
        let fresh = self.fresh(account, asks, deadline).await;
        let has_asked = fresh.association.is_some();
        let found = known.with(fresh, precedence)?;
        match need {
            Need::Required(_) if found.grant.is_none() => self.last_look(account, has_asked, deadline).await,
            Need::Required(_) | Need::OptedIn | Need::Usual => Ok(found),
        }
    }

    /// What is known without waiting; an error before every source was read, even if the first one has an
    /// association: an answer must not depend on the order of the sources.
    fn known(&self, account: AccountName<'_>) -> Result<Known, Unavailable> {
        let mut association = None;
        for source in &self.associations {
            association = Associated::join(association, source.known(account)?);
        }
        let entry = match &self.config_map {
            None => None,
            Some(source) => source.current().ok_or(Unavailable::Cold(source.name()))?.grant(account),
        };
        self.accounts.check_read()?;
        Ok(Known { association, entry })
    }

    /// What has to be waited for: the account and, if `asks` is set, its association.
    async fn fresh(&self, account: AccountName<'_>, asks: bool, deadline: Instant) -> Fresh {
        if asks && self.accounts.knows(account) {
            // At the same time: both may take until the deadline.
            let state = self.accounts.find(account, deadline);
            let (account, association) = tokio::join!(state, self.fetch_association(account, deadline));
            return Fresh { account, association: Some(association) };
        }
        let state = self.accounts.find(account, deadline).await;
        // Names can be made up without end, and the source has other callers too: it is only asked for
        // accounts that are known to exist.
        let exists = matches!(&state, Ok(state) if *state != AccountState::Missing);
        let association =
            if asks && exists { Some(self.fetch_association(account, deadline).await) } else { None };
        Fresh { account: state, association }
    }

    /// The last look-up of an account without a grant before its pod is refused: what the watch has told may
    /// be a moment old. `has_asked` says that its association has just been asked for.
    async fn last_look(
        &self,
        account: AccountName<'_>,
        has_asked: bool,
        deadline: Instant,
    ) -> Result<Found, Unavailable> {
        let state = self.accounts.fetch(account, deadline).await?;
        let is_new = state != AccountState::Missing && !has_asked;
        let association = if is_new { self.fetch_association(account, deadline).await? } else { None };
        // There is one grant at the most now, and the ConfigMap has none, or the account would have had it.
        let found = Claims { association, account: state, entry: None }.found(Precedence::Association);
        if found.grant.is_none() {
            self.check_current()?;
        }
        Ok(found)
    }

    /// What a source that can be asked for one account names for it now. All are asked at the same time: a source that
    /// cannot answer does not hide another's yes. A yes that says the roles is returned at once; one that does not hides
    /// none that does, for the role policy.
    async fn fetch_association(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<Option<Associated>, Unavailable> {
        let answers = self.associations.iter().map(|source| source.fetch(account, deadline));
        let mut answers: FuturesUnordered<_> = answers.collect();
        let mut association = Ok(None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some(Associated { roles: Some(_), .. })) => return answer,
                Ok(Some(_)) => association = answer,
                Err(_) if !matches!(association, Ok(Some(_))) => association = answer,
                Ok(None) | Err(_) => {}
            }
        }
        association
    }

    /// An error unless every source was read.
    fn check_read(&self) -> Result<(), Unavailable> {
        self.associations.iter().try_for_each(|source| Unavailable::if_cold(source.source()))?;
        self.config_map.iter().try_for_each(|source| Unavailable::if_cold(source))?;
        self.accounts.check_read()
    }

    /// An error if what any source last said may be old, because then no pod may be denied.
    fn check_current(&self) -> Result<(), Unavailable> {
        self.config_map.iter().try_for_each(|source| Unavailable::if_stale(source))?;
        self.associations.iter().try_for_each(Associations::check_current)
    }

    /// The names of all sources, for people, each once.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = vec![self.accounts.name()];
        let config_map = self.config_map.iter().map(|source| source.name());
        for name in config_map.chain(self.associations.iter().map(|source| source.source().name())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests;
