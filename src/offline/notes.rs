//! What single SDKs make of a container's variables and mounts, where not all agree: for `--explain` alone,
//! because a warning would be wrong for the others. docs/sdks.md has what each of them was seen to do.

use injection::Pod;
use injection::grant::Method;
use injection::pod::{Container, env};

/// When a variable is of interest.
enum When {
    /// It has a value.
    Filled,
    /// It is there without a value.
    Empty,
}

use Method::{ContainerCredentials, WebIdentity};
use When::{Empty, Filled};

/// A variable, the method under which it is of interest (`None`: both), when it is, and what SDKs make of it.
const NOTES: [(&str, Option<Method>, When, &str); 12] = [
    (
        env::CONFIG_FILE,
        Some(ContainerCredentials),
        Filled,
        "all SDKs prefer the keys or the role of its profile, if that has any",
    ),
    (
        env::AUTHORIZATION_TOKEN,
        Some(ContainerCredentials),
        Filled,
        "the SDK for Java sends it to the agent instead of the pod's token",
    ),
    (
        env::DEFAULT_PROFILE,
        Some(ContainerCredentials),
        Filled,
        "the SDKs for Python and Go prefer that profile; the one for Python fails if there is none",
    ),
    (
        env::CREDENTIALS_RELATIVE_URI,
        Some(ContainerCredentials),
        Empty,
        "the SDKs for Python and Java look for the agent of ECS, and the one for Rust fails",
    ),
    (
        env::SHARED_CREDENTIALS_FILE,
        Some(WebIdentity),
        Filled,
        "the SDKs for JavaScript and Rust prefer its keys, if it has any",
    ),
    (
        env::CONFIG_FILE,
        Some(WebIdentity),
        Filled,
        "the SDKs for JavaScript and Rust prefer the keys or the role of its profile, if that has any",
    ),
    (
        env::PROFILE,
        Some(WebIdentity),
        Filled,
        "the SDKs for JavaScript and Rust prefer that profile, as does the one for Python if it names a role; those \
         for Python and Go fail if there is none",
    ),
    (env::DEFAULT_PROFILE, Some(WebIdentity), Filled, "the SDK for Python fails if there is no such profile"),
    (
        env::REGION,
        Some(WebIdentity),
        Empty,
        "all SDKs but the one for Java fail if AWS_DEFAULT_REGION is empty too",
    ),
    (
        env::ENDPOINT_URL,
        Some(WebIdentity),
        Filled,
        "all SDKs but the one for Go call STS there, with the pod's token; AWS_ENDPOINT_URL_S3 and the like do not",
    ),
    (env::PROFILE, None, Empty, "the SDK for Python fails: no profile has an empty name"),
    (env::ACCESS_KEY, None, Filled, "the SDK for Go prefers keys under this old name"),
];

/// One line for everything in the container that matters to some SDKs.
pub(super) fn of<'p>(
    pod: &'p Pod<'_>,
    container: &'p Container<'_>,
    method: Method,
) -> impl Iterator<Item = String> + 'p {
    let variables = NOTES.iter().filter_map(move |(name, only, when, what)| {
        let is_filled = container.filled.contains(name);
        let is_so = match when {
            Filled => is_filled,
            Empty => container.env_names.contains(name) && !is_filled,
        };
        let state = if is_filled { "" } else { " is empty" };
        (is_so && only.is_none_or(|only| only == method)).then(|| format!("{name}{state}: {what}"))
    });
    let who = match method {
        WebIdentity => "the SDKs for JavaScript and Rust prefer",
        ContainerCredentials => "all SDKs prefer",
    };
    let is_of_aws =
        |path: &str| ["/.aws", "/.aws/config", "/.aws/credentials"].iter().any(|end| path.ends_with(end));
    let mounts = pod.mounts(container).iter();
    let folders = mounts.filter(move |mount| is_of_aws(mount.path.trim_end_matches('/')));
    let folders = folders
        .map(move |mount| format!("mount {}: {who} keys there, if it is in the user's home", mount.path));
    variables.chain(folders)
}
