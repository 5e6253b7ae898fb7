//! Credentials that a pod brings itself: SDKs may silently prefer them to the injected ones.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::grant::Method;
use super::super::pod::env;
use super::super::warning::Warning;
use super::{ContainerPlan, Verdict};

/// The variables that SDKs prefer to a method. They look for keys, then for a web identity, then for the
/// agent of Pod Identity.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
fn preferred(method: Method) -> &'static [&'static str] {
    match method {
        Method::WebIdentity => &[env::ACCESS_KEY_ID],
        Method::ContainerCredentials => &[env::ACCESS_KEY_ID, env::ROLE_ARN, env::WEB_IDENTITY_TOKEN_FILE],
    }
}

/// One warning for all containers that set such a variable, in the order in which they start. Skipped
/// containers do so on purpose.
pub(super) fn warning(containers: &[ContainerPlan<'_>], method: Method) -> Option<Warning> {
    let judged = containers.iter().filter(|plan| matches!(plan.verdict, Verdict::Judged(_)));
    let mut found: Vec<_> = judged
        .filter_map(|plan| {
            let set = plan.container.env_names;
            let variable = preferred(method).iter().find(|name| set.contains(name))?;
            Some((plan.container, *variable))
        })
        .collect();
    // The pod may have the lists in the other order.
    found.sort_by_key(|(container, _)| (container.list, container.index));
    let containers: Vec<_> =
        found.into_iter().map(|(container, variable)| (container.name.to_string(), variable)).collect();
    (!containers.is_empty()).then_some(Warning::OwnCredentials { method, containers })
}
