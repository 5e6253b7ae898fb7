//! A ServiceAccount as the API server sends it, reduced to the metadata that matters.

use std::collections::BTreeMap;

use injection::OwnedAccountName;
use injection::annotation::Prefix;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identities::account::Account;
use crate::identities::known::AccountState;
use crate::kubernetes::{ApiError, Collection};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Object {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// An account, and what its metadata says.
pub(super) struct Named {
    pub(super) account: OwnedAccountName,
    pub(super) state: AccountState,
}

/// What an account's metadata says.
pub(super) fn read(prefix: &Prefix, object: &RawValue) -> Result<AccountState, ApiError> {
    let Object { metadata, .. } = parse(object)?;
    Ok(state(prefix, &metadata.annotations.unwrap_or_default()))
}

/// Reads one account of a list or watch, with its namespace and name; `None` if it lacks either.
pub(super) fn read_named(
    prefix: &Prefix,
    all: &Collection,
    object: &RawValue,
) -> Result<Option<Named>, ApiError> {
    let Object { api_version, kind, metadata } = parse(object)?;
    all.check_item(&api_version, &kind)?;
    let Metadata { namespace: Some(namespace), name: Some(name), annotations } = metadata else {
        return Ok(None);
    };
    let account = OwnedAccountName::new(namespace, name);
    Ok(Some(Named { account, state: state(prefix, &annotations.unwrap_or_default()) }))
}

fn parse(object: &RawValue) -> Result<Object, ApiError> {
    serde_json::from_str(object.get()).map_err(ApiError::unreadable)
}

fn state(prefix: &Prefix, annotations: &BTreeMap<String, String>) -> AccountState {
    let annotations = annotations.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    AccountState::of(Account::read(prefix, annotations))
}
