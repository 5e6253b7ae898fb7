//! Key pairs, made once a run, and tokens signed by them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokens::JsonWebKeySet;

/// One of each algorithm.
pub(crate) static RS256: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa"));
pub(crate) static ES256: LazyLock<Signer> =
    LazyLock::new(|| Signer::ec("p256", "ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING));
pub(crate) static ES384: LazyLock<Signer> =
    LazyLock::new(|| Signer::ec("p384", "ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING));
pub(crate) static ES512: LazyLock<Signer> =
    LazyLock::new(|| Signer::ec("p521", "ES512", "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING));

/// What the issuer publishes: a key of each.
pub(crate) static KEYS: LazyLock<JsonWebKeySet> =
    LazyLock::new(|| set(&[&RS256.jwk, &ES256.jwk, &ES384.jwk, &ES512.jwk]));

pub(crate) struct Signer {
    pub(crate) algorithm: &'static str,
    pub(crate) kid: &'static str,
    /// The public key.
    pub(crate) jwk: Value,
    pub(crate) pair: Pair,
}

pub(crate) enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Signer {
    pub(crate) fn rsa(kid: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        // RSAPublicKey of RFC 8017: the modulus after nine bytes, then 65537.
        let der = pair.public_key().as_ref();
        let (n, e) = (&der[9..265], &der[267..]);
        assert_eq!((der.len(), e), (270, [1, 0, 1].as_slice()));
        let jwk =
            json!({ "use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256", "n": base64(n), "e": base64(e) });
        Self { algorithm: "RS256", kid, jwk, pair: Pair::Rsa(pair) }
    }

    pub(crate) fn ec(
        kid: &'static str,
        algorithm: &'static str,
        curve: &str,
        signing: &'static EcdsaSigningAlgorithm,
    ) -> Self {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let jwk = json!({
            "use": "sig", "kty": "EC", "kid": kid, "alg": algorithm, "crv": curve, "x": base64(x), "y": base64(y),
        });
        Self { algorithm, kid, jwk, pair: Pair::Ec(pair) }
    }

    /// The header that an API server writes.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "kid": self.kid })
    }

    /// A token with its own header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(&self.header().to_string(), claims.to_string())
    }

    /// A token of these texts, whatever they say.
    pub(crate) fn token_of(&self, header: &str, claims: impl AsRef<[u8]>) -> String {
        let signed = signed(header, claims);
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", base64(signature))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(_) => self.sign_rsa(&RSA_PKCS1_SHA256, message),
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign_rsa(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let Pair::Rsa(pair) = &self.pair else { panic!("not an RSA key") };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }
}

/// What is signed of these texts.
pub(crate) fn signed(header: &str, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", base64(header), base64(claims))
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn set(jwks: &[&Value]) -> JsonWebKeySet {
    JsonWebKeySet::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

/// A value with another in place of what the JSON pointer leads to, or without it.
pub(crate) fn with(mut value: Value, pointer: &str, change: impl Into<Option<Value>>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match change.into() {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    value
}
