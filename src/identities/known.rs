//! What is known of an account, in types that all sources share.

use std::sync::Arc;

use injection::grant::AssociationGrant;
use injection::{Found, Grant, Precedence};

use super::account::Account;
use super::association_set::Associated;
use super::unavailable::Unavailable;

/// What a ServiceAccount says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountState {
    /// The account does not exist.
    Missing,
    /// The account exists, without an annotation that the webhook reads.
    Plain,
    /// The account exists, with such annotations.
    Annotated(Arc<Account>),
}

impl AccountState {
    /// The state of an account that exists, from its annotations.
    #[must_use]
    pub fn of(account: Option<Account>) -> Self {
        account.map_or(Self::Plain, |account| Self::Annotated(Arc::new(account)))
    }

    /// Whether the account names a role.
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

/// What all sources say of one account, in the order in which they count.
#[derive(Debug)]
pub struct Claims {
    /// The account's association, if any source names one.
    pub association: Option<Associated>,
    /// The annotations of the ServiceAccount.
    pub account: AccountState,
    /// What the ConfigMap's closest entry grants the account.
    pub entry: Option<Arc<Grant>>,
}

impl Claims {
    /// Association, then the ServiceAccount's annotation, then the ConfigMap; the association comes last for a
    /// pod to which no agent answers.
    ///
    /// The winner's settings are used whole, but for Pod Identity's regional STS and lifetime,
    /// which always come from the account's annotations.
    #[must_use]
    pub fn found(self, precedence: Precedence) -> Found {
        let Self { association, account, entry } = self;
        let exists = account != AccountState::Missing;
        let annotations = account.into_annotations();
        let strays = annotations.as_ref().and_then(|account| account.strays.clone());
        let role = annotations.as_ref().and_then(|account| account.role.clone()).or(entry);
        let comes_first = precedence == Precedence::Association || role.is_none();
        let grant = match association.filter(|_| comes_first) {
            Some(Associated { roles, terms: _ }) => {
                let preferences = annotations.map(|account| account.preferences.clone()).unwrap_or_default();
                Some(Arc::new(Grant::Association(AssociationGrant { roles, preferences })))
            }
            None => role,
        };
        Found { grant, exists, strays }
    }
}

/// What is known of an account without waiting.
#[derive(Debug)]
pub(super) struct Known {
    /// The account's association, if any source names one.
    pub(super) association: Option<Associated>,
    /// What the ConfigMap's closest entry grants the account.
    pub(super) entry: Option<Arc<Grant>>,
}

/// What was found out about the account since.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) account: Result<AccountState, LookupFailure>,
    /// What a source that supports single look-ups names for the account; `None` if none was asked.
    pub(super) association: Option<Result<Option<Associated>, Unavailable>>,
}

/// An account that could not be looked up.
#[derive(Debug)]
pub struct LookupFailure {
    /// What was known of the account before, which may be old.
    pub known: Option<AccountState>,
    /// Why it is not known now.
    pub error: Unavailable,
}

impl Known {
    /// What the two come to together. A known grant is better than none, even if it may be old: a failure to
    /// ask matters only if there is no grant.
    pub(super) fn with(self, fresh: Fresh, precedence: Precedence) -> Result<Found, Unavailable> {
        let Self { association: known, entry } = self;
        let Fresh { account, association: asked } = fresh;
        let (asked, ill) = match asked {
            Some(Ok(asked)) => (asked, None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let association = Associated::join(known, asked);
        // A pod to which no agent answers needs the account's role, if there is one.
        let is_enough = association.is_some() && precedence == Precedence::Association;
        let account = account.or_else(|LookupFailure { known, error }| match known {
            // The ConfigMap's entry counts for an account that had no role of its own when it was last seen.
            Some(known) if is_enough || known.has_role() || entry.is_some() => Ok(known),
            // The API server makes no pods of accounts that do not exist.
            None if is_enough => Ok(AccountState::Plain),
            // For an account that was never seen, the ConfigMap alone decides nothing: the account's own
            // annotation, which has not been read yet, would come first.
            Some(_) | None => Err(error),
        })?;
        let found = Claims { association, account, entry }.found(precedence);
        match ill {
            Some(error) if found.grant.is_none() => Err(error),
            Some(_) | None => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use injection::annotation::Prefix;
    use injection::grant::Preferences;

    #[test]
    fn a_grant_that_is_known_is_better_than_none() {
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        let annotated = AccountState::of(Account::read(&prefix, [("eks.amazonaws.com/role-arn", "own")]));
        let plain = AccountState::Plain;
        let entry = Arc::new(Grant::Association(AssociationGrant {
            roles: None,
            preferences: Preferences { regional_sts: Some(true), lifetime: None },
        }));
        let failure = |what| Unavailable::Cold(what);
        let failed = |known: Option<&AccountState>| {
            Err(LookupFailure { known: known.cloned(), error: failure("accounts") })
        };
        // Each row has a known association, an entry, the account, the association that was asked for, and
        // which grant is found or which failure is reported.
        let (none, own, of_entry, associated) = (Ok(""), Ok("own"), Ok("entry"), Ok("association"));
        let (no_account, no_association) = (Err("accounts"), Err("associations"));
        let (ill, no, yes) =
            (Some(Err(failure("associations"))), Some(Ok(None)), Some(Ok(Some(Associated::default()))));
        let seen = |is_associated: bool, has_entry: bool, account, association, precedence| {
            let association_known = is_associated.then(Associated::default);
            let known = Known { association: association_known, entry: has_entry.then(|| entry.clone()) };
            let found = known.with(Fresh { account, association }, precedence);
            match found.map(|found| found.grant) {
                Ok(None) => Ok(String::new()),
                Ok(Some(grant)) if Arc::ptr_eq(&grant, &entry) => Ok("entry".to_owned()),
                Ok(Some(grant)) => match &*grant {
                    Grant::Role(role) => Ok(role.role_arn.to_string()),
                    Grant::Association(_) => Ok("association".to_owned()),
                },
                Err(Unavailable::Cold(what)) => Err(what),
                Err(error) => panic!("{error}"),
            }
        };
        for (number, (is_associated, has_entry, account, association, expected)) in [
            (false, false, Ok(plain.clone()), None, none),
            (false, false, Ok(plain.clone()), no.clone(), none),
            (false, false, Ok(plain.clone()), yes.clone(), associated),
            (false, false, Ok(plain.clone()), ill.clone(), no_association),
            (false, true, Ok(plain.clone()), ill.clone(), of_entry),
            (false, false, Ok(annotated.clone()), ill.clone(), own),
            (true, true, Ok(annotated.clone()), None, associated),
            (false, false, failed(None), None, no_account),
            (false, true, failed(None), None, no_account),
            (true, false, failed(None), None, associated),
            (false, false, failed(None), yes, associated),
            (false, false, failed(Some(&plain)), None, no_account),
            (false, true, failed(Some(&plain)), None, of_entry),
            (false, false, failed(Some(&annotated)), None, own),
            (false, false, failed(Some(&annotated)), ill.clone(), own),
            (false, false, failed(Some(&plain)), ill, no_account),
            (true, false, failed(Some(&plain)), None, associated),
        ]
        .into_iter()
        .enumerate()
        {
            let seen = seen(is_associated, has_entry, account, association, Precedence::Association);
            assert_eq!(seen, expected.map(str::to_owned), "row {number}");
        }
        // Where no agent answers, an association is no better than nothing: the account has to be known.
        for (number, (has_entry, account, expected)) in [
            (false, Ok(plain.clone()), associated),
            (true, Ok(plain.clone()), of_entry),
            (true, Ok(annotated.clone()), own),
            (false, failed(None), no_account),
            (false, failed(Some(&plain)), no_account),
            (true, failed(Some(&plain)), of_entry),
            (false, failed(Some(&annotated)), own),
        ]
        .into_iter()
        .enumerate()
        {
            let seen = seen(true, has_entry, account, None, Precedence::Role);
            assert_eq!(seen, expected.map(str::to_owned), "row {number}");
        }
    }
}
