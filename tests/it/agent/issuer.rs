//! Signs tokens as a cluster does, with a key that is made for one test.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const URL: &str = "https://issuer.example.com";

/// A key pair under its id.
#[derive(Clone)]
pub struct Issuer {
    kid: String,
    pair: Arc<EcdsaKeyPair>,
}

impl Issuer {
    pub fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair: Arc::new(pair) }
    }

    /// The public key, as a member of a set.
    pub fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..65]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        json!({ "use": "sig", "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.kid, "x": x, "y": y })
    }

    /// The set of this key.
    pub fn keys(&self) -> Value {
        json!({ "keys": [self.key()] })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({ "alg": "ES256", "kid": self.kid }), claims)
    }

    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// The claims of a pod of an account in the namespace `shop`; the pod's UID is its name.
pub fn claims(account: &str, pod: &str) -> Value {
    let now = now();
    json!({
        "iss": URL,
        "aud": ["pods.eks.amazonaws.com"],
        "sub": format!("system:serviceaccount:shop:{account}"),
        "iat": now,
        "nbf": now,
        "exp": now + 86_400,
        "kubernetes.io": {
            "namespace": "shop",
            "node": { "name": super::NODE, "uid": "node" },
            "pod": { "name": pod, "uid": pod },
            "serviceaccount": { "name": account, "uid": format!("account-{account}") },
        },
    })
}

pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    now.as_secs()
}
