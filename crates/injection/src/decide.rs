//! What becomes of a pod: the one function that says so, for the server, `inject`, the benchmarks, the fuzz
//! targets and the tests. The rules for refusing a pod, or leaving it unchanged, are here and nowhere else.

mod role;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::Outcome;
use super::candidate::Candidate;
use super::defaults::Defaults;
use super::denial::{Demand, Denial, Unused};
use super::excess::{Excess, TOLD};
use super::found::Found;
use super::grant::{Grant, Method};
use super::patch;
use super::plan::{Access, Plan, Unplanned};
use super::policy::{ActivePolicy, Forbidden, Ruling};
use super::reason::Reason;
use super::text::cut;
use super::warning::Warning;

/// The operator's settings for all pods.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The flags.
    pub defaults: &'a Defaults,
    /// The role policy, where there is one.
    pub policy: Option<ActivePolicy<'a>>,
    /// The names of the sources that were asked for an identity.
    pub sources: &'a [&'static str],
}

/// What becomes of a pod, or of the ephemeral containers that are added to one.
#[derive(Debug)]
pub enum Decision<'a> {
    /// It is admitted unchanged.
    Untouched {
        /// Why it is unchanged.
        reason: Reason,
        /// What the user should know.
        warnings: Vec<Warning>,
    },
    /// It is admitted with what it lacks of its identity.
    Admitted(Admitted<'a>),
    /// It is refused.
    Refused {
        /// Why it is refused.
        denial: Denial,
        /// The denial in words for the user.
        message: String,
        /// What the user should know besides.
        warnings: Vec<Warning>,
    },
}

/// A pod that has an identity.
#[derive(Debug)]
pub struct Admitted<'a> {
    /// What is added, and why the rest is not.
    pub plan: Plan<'a>,
    /// The JSON Patch, if anything is added.
    pub patch: Option<Vec<u8>>,
    /// What the role policy says of the role that is injected. A role that it does not allow is here where the
    /// policy only warns.
    pub ruling: Option<RoleRuling>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// What the role policy says of a role.
#[derive(Debug)]
pub struct RoleRuling {
    /// The role.
    pub role_arn: String,
    /// What is said of it.
    pub ruling: Ruling,
}

/// Decides what becomes of a pod, or of ephemeral containers, of whose account this was found. Pure: the same
/// input gives the same decision.
#[must_use]
pub fn decide<'a>(candidate: &Candidate<'a>, found: &'a Found, rules: &Rules<'a>) -> Decision<'a> {
    if let Some(reason) = candidate.settled() {
        return Decision::untouched(reason);
    }
    let decided = match found.grant.as_deref() {
        Some(grant) => admit(candidate, grant, rules),
        None => Err(without_identity(candidate, found, rules)),
    };
    let mut decision = match decided {
        Ok(admitted) => Decision::Admitted(admitted),
        Err(Stop::Untouched(reason, warnings)) => Decision::Untouched { reason, warnings },
        Err(Stop::Refused(denial)) => {
            let message = denial.message(&rules.defaults.annotation_prefix, candidate.account);
            Decision::Refused { denial, message, warnings: Vec::new() }
        }
    };
    let (Decision::Untouched { warnings, .. }
    | Decision::Admitted(Admitted { warnings, .. })
    | Decision::Refused { warnings, .. }) = &mut decision;
    warnings.extend(strays(candidate, found));
    decision
}

/// Why a pod does not get an identity.
enum Stop {
    Untouched(Reason, Vec<Warning>),
    Refused(Denial),
}

impl Stop {
    /// The pod is beyond a bound: it is left unchanged, unless it must have an identity.
    fn beyond(excess: Excess, demand: Option<Demand>) -> Self {
        match demand {
            None => Self::Untouched(Reason::Excess(excess), vec![Warning::Excess(excess)]),
            Some(demand) => Self::Refused(Denial::RequiredUnused { demand, unused: Unused::Excess(excess) }),
        }
    }
}

fn without_identity(candidate: &Candidate<'_>, found: &Found, rules: &Rules<'_>) -> Stop {
    if let Some(demand) = candidate.need.demand() {
        let (exists, sources) = (found.exists, rules.sources.to_vec());
        return Stop::Refused(Denial::RequiredMissing { demand, exists, sources });
    }
    if found.exists {
        return Stop::Untouched(Reason::NoIdentity, Vec::new());
    }
    // No longer than what a warning quotes.
    let [namespace, name] = [candidate.account.namespace, candidate.account.name].map(|text| cut(text, TOLD));
    let account = format!("{namespace}/{name}");
    Stop::Untouched(Reason::AccountMissing, vec![Warning::AccountMissing { account }])
}

fn admit<'a>(candidate: &Candidate<'a>, grant: &'a Grant, rules: &Rules<'a>) -> Result<Admitted<'a>, Stop> {
    let Candidate { subject, seed, need, account: _ } = *candidate;
    let (demand, mut warnings) = (need.demand(), Vec::new());
    let beyond = |excess| Stop::beyond(excess, demand);
    let plan = match Plan::new(subject, grant, rules.defaults, seed, &mut warnings) {
        Ok(plan) => plan,
        Err(Unplanned::Excess(excess)) => return Err(beyond(excess)),
        Err(Unplanned::NothingNew) => return Err(Stop::Untouched(Reason::NothingNew, warnings)),
        Err(Unplanned::NoVolume) => return Err(Stop::Untouched(Reason::NoVolume, warnings)),
    };
    let ruling = role::check(&plan, grant, candidate, rules, &mut warnings)?;
    if let Some(demand) = demand.filter(|_| !plan.is_usable()) {
        return Err(Stop::Refused(Denial::RequiredUnused { demand, unused: unused(&plan) }));
    }
    let patch = patch::write(&plan).map_err(beyond)?;
    Ok(Admitted { plan, patch, ruling, warnings })
}

/// Why no container of a pod can use its identity.
fn unused(plan: &Plan<'_>) -> Unused {
    if let Some(nodes) = plan.agentless {
        return Unused::NoAgent(nodes);
    }
    let containers = plan.containers.iter().filter_map(|plan| match plan.access {
        Access::None(why) => Some((cut(&plan.container.name, TOLD).to_owned(), why)),
        Access::Added | Access::Present | Access::Other => None,
    });
    Unused::Containers(containers.collect())
}

/// What is to be said of settings that have no effect, on the pod and on its account.
fn strays(candidate: &Candidate<'_>, found: &Found) -> Vec<Warning> {
    let metadata = &candidate.pod().metadata;
    let grant = found.grant.as_deref();
    let is_the_role = |arn: &str| matches!(grant, Some(Grant::Role(role)) if *role.role_arn == *arn);
    let role_on_pod = metadata.role_arn.as_deref().filter(|arn| !is_the_role(arn));
    // The webhook replaces the label's value where there is an association.
    let is_associated = grant.is_some_and(|grant| grant.method() == Method::ContainerCredentials);
    let on_pod = metadata.strays.iter().filter(|stray| !(is_associated && stray.is_pod_identity_label()));
    let on_account = found.strays.iter().flat_map(|strays| strays.iter());
    let strays = on_pod.chain(on_account).cloned().map(Warning::Stray);
    role_on_pod.map(|_| Warning::RoleOnPod).into_iter().chain(strays).collect()
}

impl Decision<'_> {
    /// The decision to leave something unchanged, without a warning.
    #[must_use]
    pub fn untouched(reason: Reason) -> Self {
        Self::Untouched { reason, warnings: Vec::new() }
    }

    /// How the admission ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Untouched { reason, .. } => reason.outcome(),
            Self::Refused { denial, .. } => denial.outcome(),
            Self::Admitted(Admitted { ruling: Some(ruling), .. }) if ruling.forbids().is_some() => {
                Outcome::RolePolicyWarned
            }
            Self::Admitted(Admitted { plan, .. }) if plan.is_unused() => Outcome::Unused,
            Self::Admitted(Admitted { patch: Some(_), .. }) => Outcome::Injected,
            Self::Admitted(Admitted { patch: None, .. }) => Outcome::Complete,
        }
    }

    /// What the user should know.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Untouched { warnings, .. }
            | Self::Admitted(Admitted { warnings, .. })
            | Self::Refused { warnings, .. } => warnings,
        }
    }

    /// The JSON Patch, if anything is added.
    #[must_use]
    pub fn patch(&self) -> Option<&[u8]> {
        match self {
            Self::Admitted(Admitted { patch, .. }) => patch.as_deref(),
            Self::Untouched { .. } | Self::Refused { .. } => None,
        }
    }

    /// The role that the role policy does not allow, and why, whether or not the pod is refused.
    #[must_use]
    pub fn forbidden(&self) -> Option<(&str, &Forbidden)> {
        match self {
            Self::Admitted(Admitted { ruling, .. }) => {
                let ruling = ruling.as_ref()?;
                Some((&*ruling.role_arn, ruling.forbids()?))
            }
            Self::Refused { denial: Denial::RolePolicy { role_arn, why, .. }, .. }
            | Self::Untouched { reason: Reason::RoleWithheld { role_arn, why }, .. } => Some((role_arn, why)),
            Self::Refused { .. } | Self::Untouched { .. } => None,
        }
    }
}

impl RoleRuling {
    fn forbids(&self) -> Option<&Forbidden> {
        match &self.ruling {
            Ruling::Allowed { .. } => None,
            Ruling::Forbidden(why) => Some(why),
        }
    }
}
