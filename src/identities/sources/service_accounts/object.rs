//! A ServiceAccount as the API server sends it: of its metadata what is of interest.

use std::collections::BTreeMap;

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

/// What an account's metadata says.
pub(super) fn read(prefix: &Prefix, object: &RawValue) -> Result<AccountState, ApiError> {
    let Object { metadata, .. } = parse(object)?;
    Ok(state(prefix, &metadata.annotations.unwrap_or_default()))
}

/// Hands an account's names and annotations on; one without a name is none.
pub(super) fn take(
    prefix: &Prefix,
    object: &RawValue,
    to: impl FnOnce(&str, &str, AccountState),
) -> Result<(), ApiError> {
    let Object { metadata, .. } = parse(object)?;
    hand_on(prefix, metadata, to);
    Ok(())
}

/// The same for one of a list.
pub(super) fn take_item(
    prefix: &Prefix,
    all: &Collection,
    object: &RawValue,
    to: impl FnOnce(&str, &str, AccountState),
) -> Result<(), ApiError> {
    let Object { api_version, kind, metadata } = parse(object)?;
    all.check_item(&api_version, &kind)?;
    hand_on(prefix, metadata, to);
    Ok(())
}

fn hand_on(prefix: &Prefix, metadata: Metadata, to: impl FnOnce(&str, &str, AccountState)) {
    let Metadata { namespace, name, annotations } = metadata;
    if let (Some(namespace), Some(name)) = (namespace, name) {
        to(&namespace, &name, state(prefix, &annotations.unwrap_or_default()));
    }
}

fn parse(object: &RawValue) -> Result<Object, ApiError> {
    serde_json::from_str(object.get()).map_err(ApiError::unreadable)
}

fn state(prefix: &Prefix, annotations: &BTreeMap<String, String>) -> AccountState {
    let annotations = annotations.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    AccountState::of(Account::read(prefix, annotations))
}
