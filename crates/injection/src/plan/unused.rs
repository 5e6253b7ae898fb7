//! What keeps SDKs in a pod from its identity, for the pod's creator: what they prefer, containers that cannot use
//! it or use another one, nodes without an agent, and proxies before it.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::pod::{Container, Pod};
use super::super::text::cut;
use super::super::unable::Unable;
use super::super::warning::{LONGEST_ARN, Warning};
use super::access::{Access, Difference};
use super::credentials::Credentials;
use super::{ContainerPlan, Plan, Verdict, own, proxy};

/// The warnings of a plan. A pod that gets what it should has none.
pub(super) fn warnings(pod: &Pod<'_>, plan: &Plan<'_>, warnings: &mut Vec<Warning>) {
    let mut containers: Vec<_> = plan.containers.iter().collect();
    // The pod may have the lists in the other order.
    containers.sort_by_key(|plan| (plan.container.list, plan.container.index));
    warnings.extend(own::warning(pod, &containers, plan.method));
    warnings.extend(unable(plan, &containers));
    differences(plan, &containers, warnings);
    if let Some(nodes) = plan.agentless {
        warnings.push(Warning::NoAgent { nodes });
    } else if let Credentials::Agent(agent) = &plan.values.credentials {
        let judged = containers.iter().filter(|plan| matches!(plan.verdict, Verdict::Judged(_)));
        let getting = judged.filter(|plan| plan.access.is_usable());
        let proxied = getting.filter_map(|plan| {
            Some((plan.container.name.to_string(), proxy::before(agent, pod, plan.container)?))
        });
        let proxied: Vec<_> = proxied.collect();
        if !proxied.is_empty() {
            warnings.push(Warning::Proxy { host: agent.host().to_string(), containers: proxied });
        }
    }
}

/// The containers whose variables are a mistake; and those that are left out, if no container is left that finds
/// any credentials.
fn unable(plan: &Plan<'_>, containers: &[&ContainerPlan<'_>]) -> Option<Warning> {
    let why = |plan: &&ContainerPlan<'_>| match plan.access {
        Access::None(why) => Some((plan.container.name.to_string(), why)),
        Access::Added | Access::Present | Access::Other => None,
    };
    let is_left_out = |why: Unable| why.is_mistake() || matches!(why, Unable::Skipped(_));
    let nobody = containers.iter().all(|plan| matches!(plan.access, Access::None(why) if is_left_out(why)));
    let told = |(_, why): &(_, Unable)| if nobody { is_left_out(*why) } else { why.is_mistake() };
    let containers: Vec<_> = containers.iter().filter_map(why).filter(told).collect();
    (!containers.is_empty()).then_some(Warning::Unable { method: plan.method, containers })
}

/// One warning for every role, or agent, that containers have instead of the pod's, with the pod's token.
fn differences(plan: &Plan<'_>, containers: &[&ContainerPlan<'_>], warnings: &mut Vec<Warning>) {
    let judged = containers.iter().filter(|plan| matches!(plan.verdict, Verdict::Judged(_)));
    let mut differing: BTreeMap<&str, Vec<&Container<'_>>> = BTreeMap::new();
    for ContainerPlan { container, difference, .. } in judged {
        // Whoever brings a token of his own needs not be told of it.
        if let Some(Difference { there, has_own_token: false }) = difference {
            differing.entry(there).or_default().push(container);
        }
    }
    warnings.extend(differing.into_iter().map(|(there, containers)| Warning::Difference {
        method: plan.method,
        containers: containers.iter().map(|container| container.name.to_string()).collect(),
        there: cut(there, LONGEST_ARN).to_string(),
        wanted: cut(plan.wanted(), LONGEST_ARN).to_string(),
    }));
}
