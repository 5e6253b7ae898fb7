//! A key that signs a cluster's tokens.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokens::JsonWebKey;

/// A key pair under the id that Kubernetes gives it.
pub struct Signer(EcdsaKeyPair);

impl Signer {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// The public key, as a member of a set.
    pub fn key(&self) -> Value {
        let key = JsonWebKey::ec("P-256", self.0.public_key().as_ref()).unwrap();
        serde_json::from_str(&key.to_json()).unwrap()
    }

    pub fn kid(&self) -> String {
        self.key()["kid"].as_str().unwrap().to_owned()
    }

    /// The public key in PEM.
    pub fn pem(&self) -> String {
        let key = JsonWebKey::ec("P-256", self.0.public_key().as_ref()).unwrap();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(key.spki()))
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.kid() });
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}
