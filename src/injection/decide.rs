//! What becomes of a pod whose account has an identity: the plan, and the patch that it comes to. One
//! function for the server, `inject`, the benchmarks and the tests, so that none of them decides otherwise.

use super::defaults::Defaults;
use super::denial::Demand;
use super::grant::Grant;
use super::patch;
use super::plan::Plan;
use super::policy::Guard;
use super::review::Subject;

/// What operators have said about pods.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The flags.
    pub defaults: &'a Defaults,
    /// The role policy, where there is one.
    pub guard: Option<Guard<'a>>,
}

/// What becomes of a pod.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What is added, and why the rest is not.
    pub plan: Plan<'a>,
    /// The JSON Patch, if anything is added.
    pub patch: Option<Vec<u8>>,
}

/// Decides what becomes of a pod, or of ephemeral containers, whose account has `grant`; `None` of
/// neither.
///
/// `demand` is who requires that the pod has an identity, if anybody does. `seed` spreads the lifetimes of
/// Pod Identity tokens that nobody set: the request's uid, or `None` offline. A mirror pod must not come here.
#[must_use]
pub fn decide<'a>(
    subject: &'a Subject<'a>,
    grant: &'a Grant,
    rules: Rules<'a>,
    demand: Option<Demand>,
    seed: Option<&str>,
) -> Option<Decision<'a>> {
    let Rules { defaults, guard } = rules;
    let mut plan = match subject {
        Subject::Pod(pod) => Plan::of_pod(pod, grant, defaults, guard, demand, seed),
        Subject::Ephemeral { pod, old } => Plan::of_ephemeral(pod, old, grant, defaults, guard),
        Subject::Other => return None,
    };
    let patch = patch::write(&plan).unwrap_or_else(|excess| {
        plan.give_up(excess, demand);
        None
    });
    Some(Decision { plan, patch })
}
