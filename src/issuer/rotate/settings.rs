//! The flags of `issuer rotate`, checked.

use std::path::PathBuf;

use super::args::{RotateArgs, RotateOutput};
use super::step::Rules;
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::account::Account;
use crate::issuer::api_server;
use crate::issuer::distribution::Distribution;
use crate::issuer::issuer_url::IssuerUrl;
use crate::issuer::web::Approach;
use crate::kubernetes::UserClusterSettings;

/// What `issuer rotate` does.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) issuer: IssuerUrl,
    pub(super) state: PathBuf,
    pub(super) new_key: PathBuf,
    /// The flags by which `issuer publish` asks the same API servers.
    pub(super) asked: Vec<String>,
    pub(super) api_servers: Vec<UserClusterSettings>,
    pub(super) paths: Paths,
    pub(super) rules: Rules,
    pub(super) is_emergency: bool,
    pub(super) is_confirmed: bool,
    pub(super) account: Account,
    pub(super) approach: Approach,
    pub(super) output: RotateOutput,
}

/// What is printed for API servers.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) distribution: Distribution,
    /// All issuers, the one that signs first.
    pub(super) issuers: Vec<String>,
    pub(super) old: String,
    pub(super) new: String,
}

impl TryFrom<&RotateArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &RotateArgs) -> Result<Self, SettingsError> {
        let issuer = &args.issuer;
        let parsed =
            IssuerUrl::parse(issuer).map_err(|error| invalid("--issuer", issuer, error.to_string()))?;
        let (api_servers, asked) = if args.api_server.is_empty() {
            (vec![UserClusterSettings::try_from(&args.cluster)?], vec!["--from-api-server".to_owned()])
        } else {
            let asked = args.api_server.iter().map(|url| format!("--api-server={url}"));
            (api_server::settings(&args.cluster, &args.api_server)?, asked.collect())
        };
        Ok(Self {
            issuer: parsed,
            state: args.state.clone(),
            new_key: args.new_key.clone(),
            asked,
            api_servers,
            paths: paths(args)?,
            rules: Rules { propagation: args.propagation, longest_token: args.longest_token },
            is_emergency: args.emergency,
            is_confirmed: args.yes,
            account: Account::parse(&args.service_account)?,
            approach: Approach::try_from(&args.web)?,
            output: args.output,
        })
    }
}

fn paths(args: &RotateArgs) -> Result<Paths, SettingsError> {
    let distribution = args.distribution;
    let given = |flag, path: &Option<String>| match path {
        Some(path) if !path.starts_with('/') || path.contains(char::is_control) => {
            Err(invalid(flag, path, "expected a path that begins with '/', on the API servers' machines"))
        }
        path => Ok(path.clone()),
    };
    let folder = distribution.folder();
    let old = given("--old-key-path", &args.old_key_path)?;
    let name = args.new_key.file_stem().unwrap_or_default().to_string_lossy();
    let new = given("--new-key-path", &args.new_key_path)?.unwrap_or_else(|| format!("{folder}/{name}.key"));
    Ok(Paths {
        distribution,
        issuers: [&args.issuer].into_iter().chain(&args.keep_issuer).cloned().collect(),
        old: old.unwrap_or_else(|| distribution.own_signing_key().to_owned()),
        new,
    })
}
