//! What flags leave to be found out: at start, before anything is answered, and never by `inject`.

use super::{SettingsError, invalid};
use crate::args::InjectionArgs;
use crate::injection::role::{AccountId, Partition, RoleNames};

/// What has to be asked for at start; see [`crate::discovery`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The account and partition of roles that are given by name.
    pub role_names: Option<MissingRoleNames>,
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
        let Self { role_names } = self;
        match role_names {
            None => Ok(()),
            Some(MissingRoleNames { account, partition: _ }) => Err(SettingsError::Incomplete {
                flag: "--compose-role-arn",
                other: if account.is_none() { "--aws-account-id" } else { "--aws-partition" },
                why: "no instance metadata is asked offline",
            }),
        }
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
