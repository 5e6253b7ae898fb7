//! The crate's tests: real signatures by key pairs that are made when the tests run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod accepted;
mod claims;
mod dependencies;
mod key_sets;
mod kids;
mod mutated;
mod refused;
mod signer;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokens::{ClaimError, Expected, JsonWebKeySet, ParseError, SignatureError, Subject, Token};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const AUDIENCE: &str = "pods.eks.amazonaws.com";

/// When tests' tokens are made, in seconds since 1970; they count for a day.
const ISSUED: u64 = 1_764_540_000;
const EXPIRES: u64 = ISSUED + 86_400;

/// Where a token is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Parse(ParseError),
    Signature(SignatureError),
    Claim(ClaimError),
}

/// What the agent does with a token: all of it, in its order.
fn judge(token: &str, keys: &JsonWebKeySet, expected: &Expected<'_>) -> Result<Subject, Refusal> {
    let token = Token::parse(token).map_err(Refusal::Parse)?;
    let verified = token.verify_signature(keys).map_err(Refusal::Signature)?;
    verified.claims.check(expected).map_err(Refusal::Claim)
}

/// What is expected an hour after the tokens are made.
fn expected() -> Expected<'static> {
    Expected {
        issuers: &[ISSUER],
        audiences: &[AUDIENCE],
        now: at(ISSUED + 3600),
        leeway: Duration::from_mins(1),
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The claims that an API server of Kubernetes 1.37 writes.
fn good_claims() -> Value {
    json!({
        "aud": [AUDIENCE],
        "exp": EXPIRES,
        "iat": ISSUED,
        "iss": ISSUER,
        "jti": "6a2f7d5e-30c0-4b3f-9d07-5e1f0f7d2c11",
        "kubernetes.io": {
            "namespace": "shop",
            "node": { "name": "node-1", "uid": "9e8d7c6b-5a49-4838-a727-161504f3e2d1" },
            "pod": { "name": "orders-7d9c5b6f4-x2k8p", "uid": "c2a4e6f8-1b3d-4f5a-9c7e-2d4f6a8b0c1e" },
            "serviceaccount": { "name": "orders", "uid": "0b8c7f3a-64a1-4d0e-8c55-7a3e0c8b9d21" },
            "warnafter": ISSUED + 3607,
        },
        "nbf": ISSUED,
        "sub": "system:serviceaccount:shop:orders",
    })
}

/// Whose tokens those are.
fn good_subject() -> Subject {
    Subject {
        namespace: "shop".to_owned(),
        service_account: "orders".to_owned(),
        service_account_uid: "0b8c7f3a-64a1-4d0e-8c55-7a3e0c8b9d21".to_owned(),
        pod_name: "orders-7d9c5b6f4-x2k8p".to_owned(),
        pod_uid: "c2a4e6f8-1b3d-4f5a-9c7e-2d4f6a8b0c1e".to_owned(),
        node_name: Some("node-1".to_owned()),
        node_uid: Some("9e8d7c6b-5a49-4838-a727-161504f3e2d1".to_owned()),
        expires_at: at(EXPIRES),
        issued_at: Some(at(ISSUED)),
    }
}
