//! The warnings of an answer: `kubectl` prints them, and the API server logs them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::excess::{Excess, TOLD};
use super::grant::{MAX_LIFETIME, MIN_LIFETIME, Method, RoleSource};
use super::pod::Agentless;
use super::policy::Forbidden;
use super::role::RoleArnError;
use super::setting::Stray;
use super::text::{Line, Quoted};
use super::unable::Unable;

/// A warning; its Display is one line, unless names are long within the 120 characters that Kubernetes
/// advises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The pod's account does not exist.
    AccountMissing {
        /// `namespace/name`.
        account: String,
    },
    /// The role is not a valid IAM role ARN, and injected nevertheless: this says why AWS may refuse it.
    RoleArn {
        /// The role as injected.
        role_arn: String,
        /// What is wrong with it.
        error: RoleArnError,
        /// Where it was written.
        source: RoleSource,
    },
    /// The role policy does not allow the role, and is not enforced.
    RolePolicy {
        /// The role as injected.
        role_arn: String,
        /// `namespace/name` of the account.
        account: String,
        /// Why the policy forbids it.
        why: Forbidden,
    },
    /// The role policy does not allow the role, and the pod runs: ephemeral containers do not get it.
    RoleWithheld {
        /// The ephemeral containers, separated by commas.
        containers: String,
        /// The role as it would be injected.
        role_arn: String,
        /// `namespace/name` of the account.
        account: String,
        /// Why the policy forbids it.
        why: Forbidden,
    },
    /// A lifetime is not a decimal integer, and ignored.
    LifetimeUnreadable {
        /// The lifetime's owner.
        owner: Owner,
        /// The lifetime as written.
        value: String,
    },
    /// A lifetime is below what the API server accepts, and raised.
    LifetimeRaised {
        /// The lifetime's owner.
        owner: Owner,
        /// The lifetime as written, in seconds.
        seconds: i64,
    },
    /// A lifetime is above what the API server accepts, and lowered.
    LifetimeLowered {
        /// The lifetime's owner.
        owner: Owner,
        /// The lifetime as written, in seconds.
        seconds: i64,
    },
    /// A list of container names is not a CSV record, and ignored.
    NamesUnreadable {
        /// The annotation's name without the prefix.
        annotation: &'static str,
    },
    /// Another volume of the pod has the token volume's name.
    VolumeNameTaken {
        /// The name that is taken.
        name: String,
        /// The name used instead.
        used: String,
    },
    /// Another volume is mounted where the token volume belongs.
    MountPathTaken {
        /// The container.
        container: String,
        /// The path that is taken.
        path: String,
        /// The path used instead.
        used: String,
    },
    /// Containers set variables, or mount a file, that make SDKs ignore the pod's identity.
    OwnCredentials {
        /// The method that SDKs ignore.
        method: Method,
        /// The containers, each with the variable that it sets, or the file; at least one.
        containers: Vec<(String, &'static str)>,
    },
    /// Containers cannot use the pod's identity.
    Unable {
        /// The method that they cannot use.
        method: Method,
        /// The containers, each with the reason; at least one.
        containers: Vec<(String, Unable)>,
    },
    /// Containers set another role, or another agent, than the pod's.
    Difference {
        /// The pod's method.
        method: Method,
        /// The containers; at least one.
        containers: Vec<String>,
        /// The role, or the agent's URI, that they set.
        there: String,
        /// The one that the webhook would set.
        wanted: String,
    },
    /// The pod asks for nodes where no agent of EKS Pod Identity answers.
    NoAgent {
        /// The nodes.
        nodes: Agentless,
    },
    /// Containers call the agent through a proxy.
    Proxy {
        /// The agent's host.
        host: String,
        /// The containers, each with the variable that names the proxy; at least one.
        containers: Vec<(String, &'static str)>,
    },
    /// A setting has no effect.
    Stray(Stray),
    /// The pod has the annotation `role-arn`, which only counts on its ServiceAccount.
    RoleOnPod,
    /// The pod is beyond a bound, and left unchanged.
    Excess(Excess),
    /// Ephemeral containers cannot bring a volume along.
    NoTokenVolume {
        /// The ephemeral containers, separated by commas.
        containers: String,
    },
}

/// The owner of the lifetime that a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The pod.
    Pod,
    /// The pod's ServiceAccount.
    ServiceAccount,
    /// The ConfigMap's entry for its ServiceAccount.
    ConfigMap,
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pod => "pod annotation token-expiration",
            Self::ServiceAccount => "ServiceAccount annotation token-expiration",
            Self::ConfigMap => "TokenExpiration of the ConfigMap's entry",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountMissing { account } => {
                write!(f, "no AWS identity injected: ServiceAccount {} does not exist", brief(account))
            }
            Self::RoleArn { role_arn, error, source } => {
                let role_arn = Quoted::ascii(role_arn, TOLD);
                write!(f, "{} {role_arn} is not a role ARN: {error}; AWS will refuse it", field(*source))
            }
            Self::RolePolicy { role_arn, account, why } => {
                let (role_arn, account) = (self::role_arn(role_arn), brief(account));
                write!(
                    f,
                    "the role policy does not allow {role_arn} for {account}: {why}; the pod gets it because the policy only warns"
                )
            }
            Self::RoleWithheld { containers, role_arn, account, why } => {
                let (containers, role_arn, account) =
                    (brief(containers), self::role_arn(role_arn), brief(account));
                let what = "no AWS identity for ephemeral container";
                write!(
                    f,
                    "{what} {containers}: the role policy does not allow {role_arn} for {account}: {why}"
                )
            }
            Self::LifetimeUnreadable { owner, value } => {
                write!(f, "{owner} {} is not a number of seconds: ignored", quoted(value))
            }
            Self::LifetimeRaised { owner, seconds } => {
                write!(f, "{owner} {seconds} is too short: raised to {MIN_LIFETIME} seconds")
            }
            Self::LifetimeLowered { owner, seconds } => {
                write!(f, "{owner} {seconds} is too long: lowered to {MAX_LIFETIME} seconds")
            }
            Self::NamesUnreadable { annotation } => {
                write!(
                    f,
                    "pod annotation {annotation} is not a comma-separated list of container names: ignored"
                )
            }
            Self::VolumeNameTaken { name, used } => {
                write!(
                    f,
                    "volume {} does not hold the token that is wanted: that one is in volume {}",
                    brief(name),
                    brief(used)
                )
            }
            Self::MountPathTaken { container, path, used } => {
                write!(
                    f,
                    "container {}: {} is taken: the token is mounted at {}",
                    brief(container),
                    brief(path),
                    brief(used)
                )
            }
            Self::OwnCredentials { method, containers } => own_credentials(f, *method, containers),
            Self::Unable { method, containers } => {
                let containers: Vec<_> = containers.iter().map(|(name, why)| (name, *why)).collect();
                write!(f, "SDKs cannot use {} in {}", method.title(), each(&containers))
            }
            Self::Difference { method, containers, there, wanted } => {
                let what = match method {
                    Method::WebIdentity => "role",
                    Method::ContainerCredentials => "agent",
                };
                let (there, wanted) = (role_arn(there), role_arn(wanted));
                let names = containers.join(", ");
                let containers = if containers.len() == 1 { "container" } else { "containers" };
                write!(f, "the {what} in {containers} {} stays {there}: the pod's is {wanted}", brief(&names))
            }
            Self::NoAgent { nodes } => {
                write!(
                    f,
                    "no agent of {} answers on {nodes}: the pod cannot use its association",
                    Method::ContainerCredentials.title()
                )
            }
            Self::Proxy { host, containers } => {
                let containers: Vec<_> =
                    containers.iter().map(|(name, variable)| (name, *variable)).collect();
                write!(
                    f,
                    "a proxy may keep SDKs from the agent in {}: add {host} to NO_PROXY",
                    each(&containers)
                )
            }
            Self::Stray(stray) => stray.fmt(f),
            Self::RoleOnPod => {
                f.write_str("pod annotation role-arn has no effect: it is an annotation of ServiceAccounts")
            }
            Self::Excess(excess) => write!(f, "no AWS identity injected: {excess}"),
            Self::NoTokenVolume { containers } => {
                write!(
                    f,
                    "no AWS identity for ephemeral container {}: the pod has no token volume",
                    brief(containers)
                )
            }
        }
    }
}

/// The field that holds a role.
fn field(source: RoleSource) -> &'static str {
    match source {
        RoleSource::Annotation => "role-arn",
        RoleSource::ConfigMap => "RoleARN of the ConfigMap's entry",
        RoleSource::Association => "roleArn of the association",
    }
}

fn own_credentials(
    f: &mut fmt::Formatter<'_>,
    method: Method,
    containers: &[(String, &'static str)],
) -> fmt::Result {
    let title = method.title();
    let one = containers.first().map(|(_, variable)| variable);
    let Some(variable) = one.filter(|one| containers.iter().all(|(_, variable)| variable == *one)) else {
        return write!(f, "{} bring what SDKs look at before {title}", each(containers));
    };
    let names: Vec<_> = containers.iter().map(|(name, _)| name.as_str()).collect();
    let set = if *variable == MOUNTED_FILE { "mount" } else { "set" };
    let (containers, s) = if names.len() == 1 { ("container", "s") } else { ("containers", "") };
    write!(
        f,
        "{containers} {} {set}{s} {variable}, which SDKs look at before {title}",
        brief(&names.join(", "))
    )
}

/// The file where SDKs look for keys without any variable, below the user's home: what a container mounts, where a
/// warning otherwise names a variable that it sets.
pub(super) const MOUNTED_FILE: &str = ".aws/credentials";

/// How many containers a line names with what is said of each: enough for nearly all pods.
const EACH: usize = 5;

/// Containers, each with what is said of it in brackets.
pub(super) fn each(containers: &[(impl AsRef<str>, impl fmt::Display)]) -> String {
    let named = containers.iter().take(EACH).map(|(name, what)| format!("{} ({what})", brief(name.as_ref())));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match containers.len().saturating_sub(EACH) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {named}{more}", if containers.len() == 1 { "container" } else { "containers" })
}

/// A name from the pod: only a hostile one is long enough to be cut.
pub(super) fn brief(name: &str) -> Line<'_> {
    Line::new(name, TOLD)
}

/// Text that users wrote, in quotes.
pub(super) fn quoted(text: &str) -> Quoted<'_> {
    Quoted::new(text, TOLD)
}

/// A role in quotes, uncut if it may be valid: rules of a policy often differ only at the end. ARNs are plain ASCII,
/// and letters of other alphabets look like it.
pub(super) fn role_arn(arn: &str) -> Quoted<'_> {
    Quoted::ascii(arn, LONGEST_ARN)
}

/// Longest role ARN that IAM makes, in characters: a path of 512, a name of 64, and the part before them.
pub(super) const LONGEST_ARN: usize = 640;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_with_credentials_of_their_own_are_told_in_one_line() {
        let told = |containers: &[(&str, &'static str)]| {
            let containers =
                containers.iter().map(|(name, variable)| ((*name).to_owned(), *variable)).collect();
            Warning::OwnCredentials { method: Method::WebIdentity, containers }.to_string()
        };
        assert_eq!(told(&[("a", "X")]), "container a sets X, which SDKs look at before IRSA");
        assert_eq!(told(&[("a", "X"), ("b", "X")]), "containers a, b set X, which SDKs look at before IRSA");
        assert_eq!(
            told(&[("a", "X"), ("b", "Y")]),
            "containers a (X), b (Y) bring what SDKs look at before IRSA"
        );
        let many = vec![("container", "X"); 100];
        assert!(told(&many).chars().count() < 150, "{}", told(&many));
    }
}
