//! Whether the role that a plan injects is a valid one, and whether the role policy allows it. A role that
//! is not injected does not matter.

use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::candidate::Candidate;
use super::super::denial::Denial;
use super::super::grant::{AssociationGrant, Grant, RoleSource};
use super::super::plan::{ContainerPlan, Plan};
use super::super::policy::{ActivePolicy, PolicyMode, Ruling};
use super::super::reason::Reason;
use super::super::review::Subject;
use super::super::role::{self, RoleArnValidation};
use super::super::warning::Warning;
use super::{RoleRuling, Rules, Stop};

/// What the role policy says of the roles, if any are injected and there is a policy; or why they are not. Of several
/// the first that is forbidden counts.
///
/// Ephemeral containers are never refused for their pod's role: the pod runs, and they may be there to find
/// out what is wrong with it. But they do not get a role that the policy does not allow.
pub(super) fn check(
    plan: &Plan<'_>,
    grant: &Grant,
    candidate: &Candidate<'_>,
    rules: &Rules<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<RoleRuling>, Stop> {
    if let Some((arn, source)) = plan.role() {
        check_shape(arn, source, candidate, rules, warnings)?;
        return check_policy(arn, source, plan, candidate, rules, warnings);
    }
    let named = match grant {
        Grant::Association(AssociationGrant { roles: Some(named), .. }) if plan.gives_credentials() => named,
        Grant::Association(_) | Grant::Role(_) => return Ok(None),
    };
    // Whoever wrote the association was told what is wrong with the shape of a role.
    let mut last = None;
    for role in named.iter() {
        last = check_policy(role, RoleSource::Association, plan, candidate, rules, warnings)?;
        if last.as_ref().is_some_and(|ruling| ruling.forbids().is_some()) {
            break;
        }
    }
    Ok(last)
}

fn check_shape(
    arn: &str,
    source: RoleSource,
    candidate: &Candidate<'_>,
    rules: &Rules<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<(), Stop> {
    let Err(error) = role::check(arn) else { return Ok(()) };
    let role_arn = arn.to_owned();
    match (rules.defaults.role_arn_validation, candidate.subject) {
        (RoleArnValidation::Off, _) => Ok(()),
        (RoleArnValidation::Enforce, Subject::Pod(_)) => {
            Err(Stop::Refused(Denial::RoleArn { role_arn, error, source }))
        }
        (RoleArnValidation::Enforce | RoleArnValidation::Warn, _) => {
            warnings.push(Warning::RoleArn { role_arn, error, source });
            Ok(())
        }
    }
}

fn check_policy(
    arn: &str,
    source: RoleSource,
    plan: &Plan<'_>,
    candidate: &Candidate<'_>,
    rules: &Rules<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<RoleRuling>, Stop> {
    let Some(ActivePolicy { policy, mode, file }) = rules.policy else {
        return Ok(None);
    };
    let role_arn = || arn.to_owned();
    let ruling = policy.judge(candidate.account, arn);
    let Ruling::Forbidden(why) = &ruling else {
        return Ok(Some(RoleRuling { role_arn: role_arn(), ruling }));
    };
    let (why, account) = (why.clone(), candidate.account.to_string());
    match (mode, candidate.subject) {
        (PolicyMode::Warn, _) => {
            warnings.push(Warning::RolePolicy { role_arn: role_arn(), account, why });
            Ok(Some(RoleRuling { role_arn: role_arn(), ruling }))
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
