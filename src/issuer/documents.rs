//! The two documents of an issuer, written, and the discovery document that is there already, judged.
//!
//! They are made of keys and URLs that were parsed, never copied: of the same keys there is one text.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokens::JsonWebKey;

use super::issuer_url::IssuerUrl;

/// The discovery document: the seven members that EKS serves. `jwks_uri` is where these keys are published, and not an
/// API server's, which AWS cannot reach.
pub(super) fn discovery(issuer: &IssuerUrl, keys_path: &str, keys: &[&JsonWebKey]) -> String {
    let algorithms: BTreeSet<_> = keys.iter().map(|key| key.algorithm().as_str()).collect();
    let document = json!({
        "issuer": issuer.as_str(),
        "jwks_uri": issuer.below(keys_path),
        "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss"],
        "id_token_signing_alg_values_supported": algorithms,
    });
    format!("{document:#}\n")
}

/// The key set: a key a line, by their ids, so that two sets can be compared by eye.
pub(super) fn key_set(keys: &[&JsonWebKey]) -> String {
    let mut keys = keys.to_vec();
    keys.sort_by_key(|key| key.kid());
    let lines: Vec<_> = keys.iter().map(|key| key.to_json()).collect();
    format!("{{\"keys\":[\n{}\n]}}\n", lines.join(",\n"))
}

/// Members that only a private or shared key has (RFC 7518, 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Whether a member of a key set is more than a public key.
pub(super) fn is_private(key: &Map<String, Value>) -> bool {
    PRIVATE.iter().any(|name| key.contains_key(*name))
}

/// Why a discovery document is not one that this issuer has published. It is not written over unasked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ForeignDocument {
    #[error("it is no discovery document")]
    NotADocument,
    #[error("it is of another issuer, {0:?}")]
    OtherIssuer(String),
    #[error(
        "it says that the keys are at {0:?}, and they would be written somewhere else: is --keys-path right?"
    )]
    OtherKeys(String),
}

#[derive(Deserialize)]
struct Published {
    issuer: String,
    jwks_uri: String,
}

/// Judges the discovery document that is there.
///
/// # Errors
/// Something else published it.
pub(super) fn judge(document: &[u8], issuer: &IssuerUrl, keys_path: &str) -> Result<(), ForeignDocument> {
    let Published { issuer: theirs, jwks_uri } =
        serde_json::from_slice(document).map_err(|_| ForeignDocument::NotADocument)?;
    if theirs != issuer.as_str() {
        return Err(ForeignDocument::OtherIssuer(theirs));
    }
    if jwks_uri != issuer.below(keys_path) {
        return Err(ForeignDocument::OtherKeys(jwks_uri));
    }
    Ok(())
}
