//! Credentials that a pod brings itself: SDKs look at them before the injected ones. docs/sdks.md has what each SDK
//! then does; what only some of them look at is `inject --explain`'s to tell.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::grant::Method;
use super::super::pod::{Container, Pod, Value, env};
use super::super::warning::{MOUNTED_FILE, Warning};
use super::{ContainerPlan, Verdict};

/// The variable that SDKs look at before what a method gives them, if the container has one: most find credentials
/// there, and others fail. They look for keys, then, in different orders, for a web identity and for files, then for an agent: that of ECS first.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
fn preferred(pod: &Pod<'_>, container: &Container<'_>, method: Method) -> Option<&'static str> {
    if container.filled.contains(env::ACCESS_KEY_ID) {
        return Some(env::ACCESS_KEY_ID);
    }
    match method {
        Method::WebIdentity => None,
        Method::ContainerCredentials => before_the_agent(pod, container),
    }
}

/// What SDKs look at before the agent of Pod Identity, besides keys.
fn before_the_agent(pod: &Pod<'_>, container: &Container<'_>) -> Option<&'static str> {
    let fills = |name| container.filled.contains(name);
    if fills(env::WEB_IDENTITY_TOKEN_FILE) {
        // A role without a token does not matter; a token without a role ends the search with an error.
        return Some(if fills(env::ROLE_ARN) { env::ROLE_ARN } else { env::WEB_IDENTITY_TOKEN_FILE });
    }
    let ecs = Some(env::CREDENTIALS_RELATIVE_URI).filter(|name| fills(name));
    let mounts_file = || pod.mounts(container).iter().any(|mount| mount.path.ends_with("/.aws/credentials"));
    file(pod, container).or_else(|| mounts_file().then_some(MOUNTED_FILE)).or(ecs)
}

/// Whether a variable names a file, or a profile in one.
fn names_file(pod: &Pod<'_>, container: &Container<'_>, name: &str) -> bool {
    // The usual way to say that there is no file.
    let is_nothing = |value: &Value<'_>| value.text().is_some_and(|text| text == "/dev/null");
    container.filled.contains(name) && !pod.value(container, name).is_some_and(is_nothing)
}

/// The variable that leads to a file with credentials.
fn file(pod: &Pod<'_>, container: &Container<'_>) -> Option<&'static str> {
    [env::SHARED_CREDENTIALS_FILE, env::PROFILE].into_iter().find(|name| names_file(pod, container, name))
}

/// What leads SDKs in a container to other credentials, where the pair of the method leads to none.
pub(super) fn other(pod: &Pod<'_>, container: &Container<'_>, method: Method) -> Option<&'static str> {
    let foreign = match method {
        Method::WebIdentity => env::CREDENTIALS_FULL_URI,
        Method::ContainerCredentials => env::WEB_IDENTITY_TOKEN_FILE,
    };
    let anywhere = [env::ACCESS_KEY_ID, env::CREDENTIALS_RELATIVE_URI, foreign];
    let variable = anywhere.into_iter().find(|name| container.filled.contains(name));
    let config = || Some(env::CONFIG_FILE).filter(|name| names_file(pod, container, name));
    variable.or_else(|| file(pod, container)).or_else(config)
}

/// One warning for all containers that bring such credentials. Skipped containers do so on purpose.
pub(super) fn warning(pod: &Pod<'_>, containers: &[&ContainerPlan<'_>], method: Method) -> Option<Warning> {
    let judged = containers.iter().filter(|plan| matches!(plan.verdict, Verdict::Judged(_)));
    let bringing = judged
        .filter_map(|plan| Some((plan.container.name.to_string(), preferred(pod, plan.container, method)?)));
    let containers: Vec<_> = bringing.collect();
    (!containers.is_empty()).then_some(Warning::OwnCredentials { method, containers })
}
