//! The caBundles of the registration's entries, and nothing else in it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::certificate::{Certificate, bundle};
use super::names::Names;

/// Longest bundle that is read, in bytes: a Secret, from which such bundles are made, has no more.
const LONGEST: usize = 1 << 20;

/// What one entry of the registration trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub name: String,
    /// Its authorities.
    pub certificates: Vec<Certificate>,
    /// Whether there is something else in its bundle, which API servers refuse or ignore.
    pub has_rest: bool,
}

impl Entry {
    /// Whether leaves of this authority are accepted for calls of this entry.
    #[must_use]
    pub fn shows(&self, certificate: &Certificate) -> bool {
        self.certificates.contains(certificate)
    }

    /// Whether it trusts exactly these.
    fn is(&self, wanted: &[Certificate]) -> bool {
        let sorted = |certificates: &[Certificate]| -> BTreeSet<Vec<u8>> {
            certificates.iter().map(|one| one.der().to_vec()).collect()
        };
        !self.has_rest
            && self.certificates.len() == wanted.len()
            && sorted(&self.certificates) == sorted(wanted)
    }
}

/// The entries of a registration that call the Service of these names.
#[must_use]
pub fn entries(registration: &Value, names: &Names) -> Vec<Entry> {
    let webhooks = registration.get("webhooks").and_then(Value::as_array).into_iter().flatten();
    webhooks.filter(|webhook| is_ours(webhook, names)).map(entry).collect()
}

fn is_ours(webhook: &Value, names: &Names) -> bool {
    webhook.get("clientConfig").is_some_and(|client| names.are_called_by(client))
}

fn entry(webhook: &Value) -> Entry {
    let text = |value: Option<&'_ Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let bundle = text(webhook.get("clientConfig").and_then(|client| client.get("caBundle")));
    let pem = Some(bundle).filter(|text| text.len() <= LONGEST).and_then(|text| STANDARD.decode(text).ok());
    let certificates = pem.as_deref().map(Certificate::of_bundle).unwrap_or_default();
    let blocks =
        pem.as_deref().map_or(0, |pem| pem.windows(BEGIN.len()).filter(|window| *window == BEGIN).count());
    Entry {
        name: text(webhook.get("name")),
        has_rest: pem.is_none() || blocks != certificates.len(),
        certificates,
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";

/// Has every entry that calls the Service trust exactly these authorities; returns the names of those that did not.
pub(super) fn repair(registration: &mut Value, names: &Names, wanted: &[Certificate]) -> Vec<String> {
    let Some(webhooks) = registration.get_mut("webhooks").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let bundle = STANDARD.encode(bundle(wanted));
    let mut repaired = Vec::new();
    for webhook in webhooks.iter_mut().filter(|webhook| is_ours(webhook, names)) {
        let entry = entry(webhook);
        if entry.is(wanted) {
            continue;
        }
        if let Some(client) = webhook.get_mut("clientConfig").and_then(Value::as_object_mut) {
            client.insert("caBundle".to_owned(), bundle.clone().into());
            repaired.push(entry.name);
        }
    }
    repaired
}
