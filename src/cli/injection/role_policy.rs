//! The file of the role policy, and what is done about roles that it does not allow.

use std::fmt;
use std::path::PathBuf;

use injection::policy::PolicyMode;

use super::args::InjectionArgs;
use crate::cli::error::SettingsError;

/// The values of `--role-policy` and `--role-policy-mode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePolicySettings {
    /// The policy's file.
    pub path: PathBuf,
    /// What is done about a role that it does not allow.
    pub mode: PolicyMode,
}

/// The role policy, if there is one.
///
/// A mode without a policy is refused: who set it expects pods to be judged.
pub fn role_policy(args: &InjectionArgs) -> Result<Option<RolePolicySettings>, SettingsError> {
    let InjectionArgs { role_policy: path, role_policy_mode: mode, .. } = args;
    match (path.is_empty(), *mode) {
        (true, None) => Ok(None),
        (true, Some(_)) => Err(SettingsError::Incomplete {
            flag: "--role-policy-mode",
            other: "--role-policy",
            why: "it says what is done about a role that the policy does not allow",
        }),
        (false, mode) => {
            Ok(Some(RolePolicySettings { path: path.into(), mode: mode.unwrap_or(PolicyMode::Enforce) }))
        }
    }
}

impl fmt::Display for RolePolicySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, mode } = self;
        write!(f, "role-policy={} role-policy-mode={}", path.display(), mode.as_str())
    }
}
