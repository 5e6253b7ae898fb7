//! Which role a pod's credentials are of: what the sources of associations say now, and what the role policy allows.

use std::sync::Arc;

use injection::AccountName;
use injection::policy::PolicyMode;

use super::failure::{Failure, FailureKind};
use crate::association::Terms;
use crate::identities::association_set::AssociationSet;
use crate::role_policy::PolicyFile;
use crate::source::Source;

/// Who gets credentials of which role.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The sources in the order in which they count.
    sources: Vec<Arc<Source<AssociationSet>>>,
    policy: Option<PolicyFile>,
}

impl Grants {
    /// The grants of these sources, of which an earlier one counts before a later one.
    #[must_use]
    pub fn new(sources: Vec<Arc<Source<AssociationSet>>>, policy: Option<PolicyFile>) -> Self {
        Self { sources, policy }
    }

    /// What the account's association says.
    ///
    /// # Errors
    /// It has none, its role is not known, or the policy does not allow it.
    pub(super) fn of(&self, account: AccountName<'_>) -> Result<Arc<Terms>, Failure> {
        let mut nameless = None;
        for source in &self.sources {
            let set = source.current().ok_or_else(|| {
                Failure::passing(503, format!("The associations of {} are not read yet", source.name()))
            })?;
            let Some(associated) = set.get(account) else { continue };
            match &associated.terms {
                Some(terms) => return self.allowed(account, terms.clone()),
                None => nameless = nameless.or(Some(source.name())),
            }
        }
        Err(match nameless {
            None => {
                not_found(&format!("No association of ServiceAccount {account} is known on this cluster"))
            }
            Some(source) => not_found(&format!(
                "The association of ServiceAccount {account} in {source} does not say its role's ARN: give it by its \
                 ARN, not by a reference"
            )),
        })
    }

    fn allowed(&self, account: AccountName<'_>, terms: Arc<Terms>) -> Result<Arc<Terms>, Failure> {
        let Some(policy) = &self.policy else { return Ok(terms) };
        let policy =
            policy.current().ok_or_else(|| Failure::passing(503, "The role policy is not read yet"))?;
        if policy.mode() == PolicyMode::Warn {
            return Ok(terms);
        }
        match policy.forbidden(account, terms.roles()) {
            None => Ok(terms),
            Some((role, why)) => Err(Failure {
                status: 403,
                text: format!(
                    "(AccessDeniedException): The role policy does not allow ServiceAccount {account} the role \
                     {role}: {why}, fault: client"
                )
                .into(),
                kind: FailureKind::Refused,
                code: "AccessDeniedException".into(),
            }),
        }
    }
}

fn not_found(what: &str) -> Failure {
    Failure {
        status: 404,
        text: format!("(ResourceNotFoundException): {what}, fault: client").into(),
        kind: FailureKind::Refused,
        code: "ResourceNotFoundException".into(),
    }
}
