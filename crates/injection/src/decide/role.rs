//! Whether the role that a plan injects is a valid one, and whether the role policy allows it. A role that
//! is not injected does not matter.

use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::candidate::Candidate;
use super::super::denial::Denial;
use super::super::plan::{ContainerPlan, Plan};
use super::super::policy::{ActivePolicy, PolicyMode, Ruling};
use super::super::reason::Reason;
use super::super::review::Subject;
use super::super::role::{self, RoleArnValidation};
use super::super::warning::Warning;
use super::{Rules, Stop};

/// What the role policy says of the role, if a role is injected and there is a policy; or why it is not injected.
///
/// Ephemeral containers are never refused for their pod's role: the pod runs, and they may be there to find
/// out what is wrong with it. But they do not get a role that the policy does not allow.
pub(super) fn check(
    plan: &Plan<'_>,
    candidate: &Candidate<'_>,
    rules: &Rules<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Ruling>, Stop> {
    let Some((arn, source)) = plan.role() else {
        return Ok(None);
    };
    let (subject, role_arn) = (candidate.subject, || arn.to_owned());
    if let Err(error) = role::check(arn) {
        match (rules.defaults.role_arn_validation, subject) {
            (RoleArnValidation::Off, _) => {}
            (RoleArnValidation::Enforce, Subject::Pod(_)) => {
                return Err(Stop::Refused(Denial::RoleArn { role_arn: role_arn(), error, source }));
            }
            (RoleArnValidation::Enforce | RoleArnValidation::Warn, _) => {
                warnings.push(Warning::RoleArn { role_arn: role_arn(), error, source });
            }
        }
    }
    let Some(ActivePolicy { policy, mode, file }) = rules.policy else {
        return Ok(None);
    };
    let ruling = policy.judge(candidate.account, arn);
    let Ruling::Forbidden(why) = &ruling else {
        return Ok(Some(ruling));
    };
    let (why, account) = (why.clone(), candidate.account.to_string());
    match (mode, subject) {
        (PolicyMode::Warn, _) => {
            warnings.push(Warning::RolePolicy { role_arn: role_arn(), account, why });
            Ok(Some(ruling))
        }
        (PolicyMode::Enforce, Subject::Pod(_)) => {
            let (role_arn, file) = (role_arn(), file.to_owned());
            Err(Stop::Refused(Denial::RolePolicy { role_arn, source, file, why }))
        }
        (PolicyMode::Enforce, Subject::Ephemeral { .. }) => {
            let getting = plan.containers.iter().filter(|plan| plan.gets_credentials());
            let names: Vec<_> = getting.map(|ContainerPlan { container, .. }| &*container.name).collect();
            let containers = names.join(", ");
            let warning =
                Warning::RoleWithheld { containers, role_arn: role_arn(), account, why: why.clone() };
            Err(Stop::Untouched(Reason::RoleWithheld { role_arn: role_arn(), why }, vec![warning]))
        }
    }
}
