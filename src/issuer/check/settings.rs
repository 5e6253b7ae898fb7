//! What is checked, and how.

use super::args::{CheckArgs, CheckOutput};
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::account::Account;
use crate::issuer::web::Approach;
use crate::kubernetes::UserClusterSettings;

/// What the flags come to.
#[derive(Debug)]
pub(super) struct Settings {
    /// The issuer as it was given: whether it can be one is for the check to say.
    pub(super) issuer: String,
    pub(super) approach: Approach,
    pub(super) account: Account,
    pub(super) audience: String,
    /// Ids of keys that are published no more.
    pub(super) withdrawn: Vec<String>,
    /// The cluster to ask; `None`: none.
    pub(super) cluster: Option<UserClusterSettings>,
    pub(super) output: CheckOutput,
}

impl TryFrom<&CheckArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &CheckArgs) -> Result<Self, SettingsError> {
        let CheckArgs {
            issuer,
            web,
            service_account,
            token_audience,
            withdrawn,
            no_cluster,
            output,
            cluster,
        } = args;
        if token_audience.is_empty() {
            return Err(invalid("--token-audience", "", "expected the audience of a token"));
        }
        Ok(Self {
            issuer: issuer.clone(),
            approach: Approach::try_from(web)?,
            account: Account::parse(service_account)?,
            audience: token_audience.clone(),
            withdrawn: withdrawn.clone(),
            cluster: (!no_cluster).then(|| cluster.try_into()).transpose()?,
            output: *output,
        })
    }
}
