//! The flags of `issuer new`, checked.

use std::path::PathBuf;

use injection::role::{self, AccountId, Partition, RoleNames};

use super::args::{KeyKind, NewArgs};
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::account::Account;
use crate::issuer::distribution::Distribution;
use crate::issuer::issuer_url::IssuerUrl;

/// What `issuer new` does.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) issuer: IssuerUrl,
    pub(super) out: PathBuf,
    pub(super) distribution: Distribution,
    pub(super) key: KeyKind,
    pub(super) kept_issuers: Vec<String>,
    /// Keys by which API servers go on verifying.
    pub(super) kept_keys: Vec<String>,
    /// Folder of the new key on an API server's machine, without a slash at its end.
    pub(super) key_folder: String,
    /// Everything of an ARN of IAM before the kind of what it names: `arn:aws:iam::111122223333`.
    pub(super) arns: String,
    pub(super) client_ids: Vec<String>,
    pub(super) account: Account,
    pub(super) role: Role,
}

/// The first role.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) arn: String,
}

impl TryFrom<&NewArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &NewArgs) -> Result<Self, SettingsError> {
        let NewArgs {
            issuer,
            out,
            account_id,
            distribution,
            key,
            keep_issuer,
            keep_key,
            key_folder,
            partition,
            client_ids,
            service_account,
            role_name,
        } = args;
        check_distribution(args)?;
        let parsed =
            IssuerUrl::parse(issuer).map_err(|error| invalid("--issuer", issuer, error.to_string()))?;
        check_texts(args)?;
        let folder = key_folder.as_deref().unwrap_or(distribution.folder());
        check_path("--key-folder", folder)?;
        let own_key = distribution.own_key().filter(|_| keep_key.is_empty() && !keep_issuer.is_empty());
        Ok(Self {
            issuer: parsed,
            out: out.clone(),
            distribution: *distribution,
            key: *key,
            kept_issuers: keep_issuer.clone(),
            kept_keys: own_key.map(str::to_owned).into_iter().chain(keep_key.iter().cloned()).collect(),
            key_folder: folder.trim_end_matches('/').to_owned(),
            arns: arns(partition, account_id)?,
            client_ids: client_ids.clone(),
            account: Account::parse(service_account)?,
            role: role(partition, account_id, role_name)?,
        })
    }
}

/// What a distribution cannot do, and what would break there.
fn check_distribution(args: &NewArgs) -> Result<(), SettingsError> {
    let NewArgs { distribution, keep_issuer, keep_key, .. } = args;
    if *distribution == Distribution::Kops {
        let why = "expected kubeadm, k3s, rke2, talos or other: kOps makes the keys itself, by 'kops create keypair service-account', \
                       and publishes them by spec.serviceAccountIssuerDiscovery";
        return Err(invalid("--for", "kops", why));
    }
    if *distribution == Distribution::Talos && !keep_issuer.is_empty() {
        let why = "Talos has one key, and its API servers refuse all tokens that another has signed";
        return Err(SettingsError::Conflict { one: "--for=talos", other: "--keep-issuer", why });
    }
    if distribution.own_key().is_none() && !keep_issuer.is_empty() && keep_key.is_empty() {
        let why = "the tokens that pods have are refused unless API servers go on verifying by the key that signed them";
        return Err(SettingsError::Incomplete { flag: "--keep-issuer", other: "--keep-key", why });
    }
    Ok(())
}

fn check_texts(args: &NewArgs) -> Result<(), SettingsError> {
    let NewArgs { issuer, keep_issuer, keep_key, client_ids, .. } = args;
    for kept in keep_issuer {
        if kept == issuer {
            return Err(invalid("--keep-issuer", kept, "expected another issuer than --issuer"));
        }
        check_word("--keep-issuer", kept)?;
    }
    for path in keep_key {
        check_path("--keep-key", path)?;
    }
    for audience in client_ids {
        check_word("--client-ids", audience)?;
    }
    Ok(())
}

fn names(partition: &str, account_id: &str) -> Result<RoleNames, SettingsError> {
    let account = AccountId::new(account_id);
    let account = account.ok_or_else(|| invalid("--account-id", account_id, "expected twelve digits"))?;
    let known = Partition::new(partition);
    let known = known
        .ok_or_else(|| invalid("--partition", partition, "expected aws, aws-cn, aws-us-gov or the like"))?;
    Ok(RoleNames { partition: known, account })
}

fn arns(partition: &str, account_id: &str) -> Result<String, SettingsError> {
    names(partition, account_id).map(|_| format!("arn:{partition}:iam::{account_id}"))
}

fn role(partition: &str, account_id: &str, name: &str) -> Result<Role, SettingsError> {
    let arn = format!("{}{name}", names(partition, account_id)?);
    if name.contains('/') || role::check(&arn).is_err() {
        return Err(invalid(
            "--role-name",
            name,
            "expected the name of a role, of letters, digits and _+=,.@-",
        ));
    }
    Ok(Role { name: name.to_owned(), arn })
}

/// A word that stands in flags and in lists.
fn check_word(flag: &'static str, word: &str) -> Result<(), SettingsError> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(flag, word, "expected visible ASCII characters"));
    }
    Ok(())
}

fn check_path(flag: &'static str, path: &str) -> Result<(), SettingsError> {
    if !path.starts_with('/') || path.contains(char::is_control) {
        return Err(invalid(
            flag,
            path,
            "expected a path that begins with '/', on the API servers' machines",
        ));
    }
    Ok(())
}
