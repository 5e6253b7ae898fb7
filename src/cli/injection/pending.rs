//! What flags leave to be found out: at start, before anything is answered; `inject` never does.

use injection::Defaults;
use injection::agent::{Agent, IpFamily};
use injection::annotation::Prefix;
use injection::defaults::TokenVolume;
use injection::role::{AccountId, Partition, RoleArnValidation, RoleNames};

use super::args::{InjectionArgs, IpFamilyFlag};
use crate::cli::error::{SettingsError, invalid};

/// What is injected, but for what has to be found out first.
#[derive(Debug, Clone)]
pub struct PendingDefaults {
    /// What the flags say by themselves.
    pub flags: Flags,
    /// How roles that are given by name become ARNs; without `--compose-role-arn` they do not.
    pub role_names: Discoverable<Option<RoleNames>, MissingRoleNames>,
    /// Where the agent of EKS Pod Identity answers.
    pub agent: Discoverable<Agent, MissingIpFamily>,
}

/// A value, or what is known for finding it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discoverable<T, M> {
    /// The flags say the value.
    Known(T),
    /// The value has to be found out.
    Missing(M),
}

/// What flags alone say of [`Defaults`].
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is the field of that name in Defaults")]
pub struct Flags {
    pub annotation_prefix: Prefix,
    pub region: Option<String>,
    pub regional_sts: bool,
    pub lifetime: u64,
    pub lifetime_is_explicit: bool,
    pub role_arn_validation: RoleArnValidation,
    pub web_identity: TokenVolume,
    pub container_credentials: TokenVolume,
    pub no_agent_fallback: bool,
}

impl Flags {
    /// What is injected, with what was found out.
    #[must_use]
    pub fn with(self, role_names: Option<RoleNames>, agent: Agent) -> Defaults {
        let Self {
            annotation_prefix,
            region,
            regional_sts,
            lifetime,
            lifetime_is_explicit,
            role_arn_validation,
            web_identity,
            container_credentials,
            no_agent_fallback,
        } = self;
        Defaults {
            annotation_prefix,
            region,
            regional_sts,
            lifetime,
            lifetime_is_explicit,
            role_names,
            role_arn_validation,
            web_identity,
            container_credentials,
            agent,
            no_agent_fallback,
        }
    }
}

impl PendingDefaults {
    /// What is injected if nothing can be asked; an error if something would have to be.
    pub fn offline(self) -> Result<Defaults, SettingsError> {
        let Self { flags, role_names, agent } = self;
        let role_names = match role_names {
            Discoverable::Known(role_names) => role_names,
            Discoverable::Missing(MissingRoleNames { account, partition: _ }) => {
                return Err(SettingsError::Incomplete {
                    flag: "--compose-role-arn",
                    other: if account.is_none() { "--aws-account-id" } else { "--aws-partition" },
                    why: "no instance metadata is asked offline",
                });
            }
        };
        let Discoverable::Known(agent) = agent else {
            return Err(invalid("--ip-family", "auto", "expected ipv4 or ipv6: no cluster is asked offline"));
        };
        Ok(flags.with(role_names, agent))
    }
}

/// What is known of the agent of EKS Pod Identity while the IP family is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingIpFamily {
    /// The value of `--container-credentials-full-uri`.
    pub full_uri: Option<String>,
}

/// What is known of the account and partition of roles that are given by name; at least one of the
/// two is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRoleNames {
    /// The value of `--aws-account-id`.
    pub account: Option<AccountId>,
    /// The value of `--aws-partition`.
    pub partition: Option<Partition>,
}

/// How roles that are given by name become ARNs, or what has to be found out first.
pub(super) fn role_names(
    args: &InjectionArgs,
    notices: &mut Vec<String>,
) -> Result<Discoverable<Option<RoleNames>, MissingRoleNames>, SettingsError> {
    let account = given(&args.aws_account_id, "--aws-account-id", AccountId::new, "expected 12 digits")?;
    let expected = "expected a partition such as aws, aws-cn or aws-us-gov";
    let partition = given(&args.aws_partition, "--aws-partition", Partition::new, expected)?;
    if !args.compose_role_arn {
        for (flag, is_given) in
            [("--aws-account-id", account.is_some()), ("--aws-partition", partition.is_some())]
        {
            if is_given {
                notices.push(format!("{flag} has no effect without --compose-role-arn"));
            }
        }
        return Ok(Discoverable::Known(None));
    }
    let region = Some(args.aws_default_region.as_str()).filter(|region| !region.is_empty());
    Ok(match (account, partition.clone().or_else(|| region.map(Partition::of_region))) {
        (Some(account), Some(partition)) => Discoverable::Known(Some(RoleNames { partition, account })),
        // An account that is found out is in the partition of its instance, whatever the pods' region.
        (account, _) => Discoverable::Missing(MissingRoleNames { account, partition }),
    })
}

/// The agent of EKS Pod Identity, or what has to be found out first.
pub(super) fn agent(
    family: IpFamilyFlag,
    full_uri: Option<String>,
    notices: &mut Vec<String>,
) -> Discoverable<Agent, MissingIpFamily> {
    let family = match family {
        IpFamilyFlag::Ipv4 => IpFamily::Ipv4,
        IpFamilyFlag::Ipv6 => IpFamily::Ipv6,
        IpFamilyFlag::Auto => return Discoverable::Missing(MissingIpFamily { full_uri }),
    };
    let agent = Agent::new(family, full_uri);
    if agent.has_ipv6_uri() && agent.endpoint_mode().is_none() {
        notices.push(
            "--container-credentials-full-uri is an IPv6 address: the SDK for Java accepts it only with \
             --ip-family=ipv6"
                .to_owned(),
        );
    }
    Discoverable::Known(agent)
}

/// A flag's value, unless it is empty.
fn given<T>(
    text: &str,
    flag: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, SettingsError> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(|| invalid(flag, text, expected))
}
