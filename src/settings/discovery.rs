//! What flags leave to be found out: at start, before anything is answered, and never by `inject`.

use injection::agent::{Agent, IpFamily};
use injection::role::{AccountId, Partition, RoleNames};

use super::{SettingsError, invalid};
use crate::args::{self, InjectionArgs};

/// What has to be asked for at start; see [`crate::discovery`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The account and partition of roles that are given by name.
    pub role_names: Option<MissingRoleNames>,
    /// The IP family of the pods.
    pub ip_family: Option<MissingIpFamily>,
}

/// What is known of the agent of EKS Pod Identity while the IP family is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingIpFamily {
    /// `--container-credentials-full-uri`.
    pub full_uri: Option<String>,
}

/// What is known of the account and partition of roles that are given by name; at least one of the
/// two is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRoleNames {
    /// `--aws-account-id`.
    pub account: Option<AccountId>,
    /// `--aws-partition`.
    pub partition: Option<Partition>,
}

impl Discovery {
    /// Refuses what would have to be asked for, where nobody is asked.
    pub(super) fn refuse(&self) -> Result<(), SettingsError> {
        let Self { role_names, ip_family } = self;
        if let Some(MissingRoleNames { account, partition: _ }) = role_names {
            return Err(SettingsError::Incomplete {
                flag: "--compose-role-arn",
                other: if account.is_none() { "--aws-account-id" } else { "--aws-partition" },
                why: "no instance metadata is asked offline",
            });
        }
        if ip_family.is_some() {
            return Err(invalid("--ip-family", "auto", "expected ipv4 or ipv6: no cluster is asked offline"));
        }
        Ok(())
    }
}

/// How roles that are given by name become ARNs, or what is to be asked for first; neither without
/// `--compose-role-arn`.
pub(super) fn role_names(
    args: &InjectionArgs,
    notices: &mut Vec<String>,
) -> Result<(Option<RoleNames>, Option<MissingRoleNames>), SettingsError> {
    let account = given(&args.aws_account_id, "--aws-account-id", AccountId::new, "expected 12 digits")?;
    let expected = "expected a partition such as aws, aws-cn or aws-us-gov";
    let partition = given(&args.aws_partition, "--aws-partition", Partition::new, expected)?;
    if !args.compose_role_arn {
        for (flag, is_given) in
            [("--aws-account-id", account.is_some()), ("--aws-partition", partition.is_some())]
        {
            if is_given {
                notices.push(format!("{flag} has nothing to do without --compose-role-arn"));
            }
        }
        return Ok((None, None));
    }
    let region = Some(args.aws_default_region.as_str()).filter(|region| !region.is_empty());
    Ok(match (account, partition.clone().or_else(|| region.map(Partition::of_region))) {
        (Some(account), Some(partition)) => (Some(RoleNames { partition, account }), None),
        // An account that is asked for is in the partition of its instance, whatever the pods' region.
        (account, _) => (None, Some(MissingRoleNames { account, partition })),
    })
}

/// The agent of EKS Pod Identity, and what is to be asked for before it is known: until then, that of
/// IPv4.
pub(super) fn agent(
    family: args::IpFamily,
    full_uri: Option<String>,
    notices: &mut Vec<String>,
) -> (Agent, Option<MissingIpFamily>) {
    let (family, missing) = match family {
        args::IpFamily::Ipv4 => (IpFamily::Ipv4, None),
        args::IpFamily::Ipv6 => (IpFamily::Ipv6, None),
        args::IpFamily::Auto => (IpFamily::Ipv4, Some(MissingIpFamily { full_uri: full_uri.clone() })),
    };
    let agent = Agent::new(family, full_uri);
    if missing.is_none() && agent.has_ipv6_uri() && agent.endpoint_mode().is_none() {
        notices.push(
            "--container-credentials-full-uri is an IPv6 address: the SDK for Java takes it only with \
             --ip-family=ipv6"
                .to_owned(),
        );
    }
    (agent, missing)
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
