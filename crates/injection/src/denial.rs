//! Why a pod is refused: by a policy that the operator asked for, never for trouble of the webhook itself.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Outcome;
use super::annotation::{Prefix, ROLE_ARN};
use super::excess::{Excess, TOLD};
use super::grant::RoleSource;
use super::name::AccountName;
use super::pod::{Agentless, REQUIRE_LABEL};
use super::policy::Forbidden;
use super::role::RoleArnError;
use super::text::Quoted;
use super::unable::Unable;
use super::warning::{brief, each, role_arn as arn};

/// Why a pod is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The pod would get an invalid role ARN, and `--role-arn-validation` is `enforce`.
    RoleArn {
        /// The role as it would be injected.
        role_arn: String,
        /// What is wrong with it.
        error: RoleArnError,
        /// Where it was written.
        source: RoleSource,
    },
    /// The role policy (`--role-policy`) does not allow the role that the pod would get.
    RolePolicy {
        /// The role as it would be injected.
        role_arn: String,
        /// Where it was written.
        source: RoleSource,
        /// Where the policy is read.
        file: String,
        /// Why the policy forbids it.
        why: Forbidden,
    },
    /// The pod would get no identity, and must have one.
    RequiredMissing {
        /// Who demands the identity.
        demand: Demand,
        /// Whether its ServiceAccount exists.
        exists: bool,
        /// Names of the sources that were asked.
        sources: Vec<&'static str>,
    },
    /// The debug path `/debug/alpha/deny` was called, which refuses every pod.
    Debug,
    /// The pod must have an identity and has one, but none of its containers would find it.
    RequiredUnused {
        /// Who demands the identity.
        demand: Demand,
        /// Why no container would find it.
        unused: Unused,
    },
}

/// Why no container of a pod would find the pod's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unused {
    /// No container can use it: each with the reason.
    Containers(Vec<(String, Unable)>),
    /// No agent answers on the nodes that the pod asks for.
    NoAgent(Agentless),
    /// The pod is beyond a bound, and so left unchanged.
    Excess(Excess),
}

/// Who says that a pod must have an identity, by [`REQUIRE_LABEL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// The pod.
    Pod,
    /// Its namespace, which the registration selects by the label.
    Namespace,
}

impl Demand {
    /// The label's owner, in words.
    fn whose(self) -> &'static str {
        match self {
            Self::Pod => "the pod's",
            Self::Namespace => "the namespace's",
        }
    }
}

impl Denial {
    /// How the admission ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::RoleArn { .. } => Outcome::RoleArnDenied,
            Self::RolePolicy { .. } => Outcome::RolePolicyDenied,
            Self::RequiredMissing { .. } => Outcome::RequiredMissing,
            Self::RequiredUnused { .. } => Outcome::RequiredUnused,
            Self::Debug => Outcome::NotHandled,
        }
    }

    /// The message for the pod's creator: what is wrong, where, and what to do. `account` is the pod's.
    #[must_use]
    pub fn message(&self, prefix: &Prefix, account: AccountName<'_>) -> String {
        let (namespace, account, prefix) = (brief(account.namespace), brief(account.name), prefix.as_str());
        let place = |source| match source {
            RoleSource::Annotation => {
                format!("annotation {prefix}/{ROLE_ARN} of ServiceAccount {namespace}/{account}")
            }
            RoleSource::ConfigMap => {
                format!("RoleARN for {namespace}/{account} in ConfigMap pod-identity-webhook")
            }
            RoleSource::Association => format!("PodIdentityAssociation {namespace}/{account}"),
        };
        match self {
            Self::RoleArn { role_arn, error, source } => {
                let (place, role_arn) = (place(*source), Quoted::ascii(role_arn, TOLD));
                let right = "arn:PARTITION:iam::ACCOUNT:role/NAME";
                format!("{place}: {role_arn} is not a role ARN: {error}; write it as {right}")
            }
            Self::RolePolicy { role_arn, source, file, why } => {
                let (place, role_arn) = (place(*source), arn(role_arn));
                format!(
                    "{place}: the role policy {file} does not allow {role_arn} there: {why}; use a role that the \
                     policy allows, or allow this one in it"
                )
            }
            Self::RequiredMissing { demand, exists, sources } => {
                let whose = demand.whose();
                let found = if *exists { "has no AWS identity" } else { "does not exist" };
                format!(
                    "ServiceAccount {namespace}/{account} {found}, but {whose} label {REQUIRE_LABEL} requires an \
                     identity; the webhook asked {}: set the annotation {prefix}/{ROLE_ARN} or associate the \
                     account with a role, and the pod can be created",
                    sources.join(", ")
                )
            }
            Self::Debug => "denied by the debug path /debug/alpha/deny".to_owned(),
            Self::RequiredUnused { demand, unused } => {
                let whose = demand.whose();
                let what = format!(
                    "the AWS identity of ServiceAccount {namespace}/{account}, which {whose} label {REQUIRE_LABEL} \
                     requires"
                );
                match unused {
                    Unused::Containers(containers) if containers.is_empty() => {
                        format!("the pod has no container that would use {what}")
                    }
                    Unused::Containers(containers) => format!(
                        "no container of the pod would use {what}: {}; let one use it, and the pod can be created",
                        each(containers)
                    ),
                    Unused::NoAgent(nodes) => format!(
                        "no agent of EKS Pod Identity answers on {nodes}, so the pod could not use {what}; it can be \
                         created for other nodes, or if the ServiceAccount has a role and the webhook was started \
                         with --no-agent-fallback"
                    ),
                    Unused::Excess(excess) => format!(
                        "{excess}, so the pod would not get {what}; stay within that bound, and the pod can be \
                         created"
                    ),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: RoleSource) -> String {
        let denial = Denial::RoleArn { role_arn: "a\nb\"".to_owned(), error: RoleArnError::NotAnArn, source };
        denial.message(&Prefix::new("iam.example.com").unwrap(), AccountName::new("shop", "orders"))
    }

    #[test]
    fn says_what_was_asked_for_a_required_identity() {
        let message = |demand, exists| {
            let sources = vec!["service-accounts", "association-file"];
            let denial = Denial::RequiredMissing { demand, exists, sources };
            denial.message(&Prefix::new("iam.example.com").unwrap(), AccountName::new("shop", "orders"))
        };
        assert_eq!(
            message(Demand::Pod, true),
            "ServiceAccount shop/orders has no AWS identity, but the pod's label \
             eks.amazonaws.com/require-identity requires an identity; the webhook asked service-accounts, \
             association-file: set the annotation iam.example.com/role-arn or associate the account with a role, \
             and the pod can be created"
        );
        assert!(
            message(Demand::Namespace, false)
                .starts_with("ServiceAccount shop/orders does not exist, but the namespace's label ")
        );
    }

    #[test]
    fn says_which_role_the_policy_does_not_allow_to_its_end() {
        let role_arn = format!("arn:aws:iam::123456789012:role/{}/{}", "p".repeat(510), "n".repeat(64));
        let denial = Denial::RolePolicy {
            role_arn: role_arn.clone(),
            source: RoleSource::ConfigMap,
            file: "/etc/policy.yaml".to_owned(),
            why: Forbidden::Unnamed,
        };
        let message =
            denial.message(&Prefix::new("iam.example.com").unwrap(), AccountName::new("shop", "orders"));
        assert_eq!(
            message,
            format!(
                "RoleARN for shop/orders in ConfigMap pod-identity-webhook: the role policy /etc/policy.yaml does \
                 not allow \"{role_arn}\" there: no rule names the ServiceAccount; use a role that the policy \
                 allows, or allow this one in it"
            )
        );
    }

    #[test]
    fn names_the_place_where_the_role_is_written_in_one_line() {
        let rest = r#": "a\nb\"" is not a role ARN: it does not begin with 'arn:'; write it as arn:PARTITION:iam::ACCOUNT:role/NAME"#;
        assert_eq!(
            message(RoleSource::Annotation),
            format!("annotation iam.example.com/role-arn of ServiceAccount shop/orders{rest}")
        );
        assert_eq!(
            message(RoleSource::ConfigMap),
            format!("RoleARN for shop/orders in ConfigMap pod-identity-webhook{rest}")
        );
    }
}
