//! Which role a pod's credentials are of: what the sources of associations say now, and what the role policy allows.

use std::sync::Arc;
use std::time::Duration;

use injection::AccountName;
use injection::policy::PolicyMode;

use super::failure::{Failure, FailureKind};
use crate::association::Terms;
use crate::identities::association_set::AssociationSet;
use crate::role_policy::PolicyFile;
use crate::source::Source;
use crate::telemetry::Throttle;

/// How often it is logged that pods have roles which the policy does not allow: each pod asks a few times an hour.
const WARNINGS: Duration = Duration::from_mins(1);

/// Who gets credentials of which role.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The sources in the order in which they count.
    sources: Vec<Arc<Source<AssociationSet>>>,
    policy: Option<PolicyFile>,
    warnings: Arc<Throttle>,
}

impl Grants {
    /// The grants of these sources, of which an earlier one counts before a later one.
    #[must_use]
    pub fn new(sources: Vec<Arc<Source<AssociationSet>>>, policy: Option<PolicyFile>) -> Self {
        Self { sources, policy, warnings: Arc::new(Throttle::new(WARNINGS)) }
    }

    /// What the account's association says.
    ///
    /// # Errors
    /// It has none, its role is not known, or the policy does not allow it.
    pub(super) fn of(&self, account: AccountName<'_>) -> Result<Arc<Terms>, Failure> {
        for source in &self.sources {
            let set = source.current().ok_or_else(|| {
                Failure::passing(503, format!("The associations of {} are not read yet", source.name()))
            })?;
            match set.get(account).map(|associated| &associated.terms) {
                Some(Some(terms)) => return self.allowed(account, terms.clone()),
                // A later source must not decide on what an earlier one has.
                Some(None) => {
                    return Err(not_found(&format!(
                        "The association of ServiceAccount {account} in {} does not say its role's ARN: give it by \
                         its ARN, not by a reference",
                        source.name()
                    )));
                }
                None => {}
            }
        }
        Err(not_found(&format!("No association of ServiceAccount {account} is known on this cluster")))
    }

    fn allowed(&self, account: AccountName<'_>, terms: Arc<Terms>) -> Result<Arc<Terms>, Failure> {
        let Some(policy) = &self.policy else { return Ok(terms) };
        let policy =
            policy.current().ok_or_else(|| Failure::passing(503, "The role policy is not read yet"))?;
        let Some((role, why)) = policy.forbidden(account, terms.roles()) else { return Ok(terms) };
        if policy.mode() == PolicyMode::Warn {
            if let Some(left_out) = self.warnings.allow() {
                let account = account.to_string();
                tracing::warn!(
                    account,
                    role,
                    left_out,
                    "the role policy does not allow what a pod gets: {why}"
                );
            }
            return Ok(terms);
        }
        let text = format!(
            "(AccessDeniedException): The role policy does not allow ServiceAccount {account} the role {role}: {why}, \
             fault: client"
        );
        let code = "AccessDeniedException".into();
        Err(Failure { status: 403, text: text.into(), kind: FailureKind::Refused, code })
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
