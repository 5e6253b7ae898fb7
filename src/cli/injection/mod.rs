//! What is injected: the flags, for a server and for `inject`, and what they come to.

mod args;
mod defaults;
mod pending;
mod role_policy;
mod words;

pub use args::{InjectionArgs, IpFamilyFlag};
pub use pending::{Discoverable, Flags, MissingIpFamily, MissingRoleNames, PendingDefaults};
pub use role_policy::{RolePolicySettings, role_policy};
pub(crate) use words::policy_mode;

use super::error::SettingsError;

/// The defaults that the flags come to.
pub fn defaults(args: &InjectionArgs, notices: &mut Vec<String>) -> Result<PendingDefaults, SettingsError> {
    defaults::check(args, notices)
}
