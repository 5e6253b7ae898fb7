//! Any bytes: as a token they are read or refused, and no key has signed them; as a header they change nothing
//! that the key did not sign; as claims that the issuer has signed they are somebody's, or refused. What is said
//! is one short line.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use tokens::{Expected, JsonWebKeySet, Token};

const HEADER: &str = r#"{"alg":"ES256","kid":"k"}"#;

static PAIR: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

static KEYS: LazyLock<JsonWebKeySet> = LazyLock::new(|| {
    let (x, y) = PAIR.public_key().as_ref()[1..].split_at(32);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    let key = format!(r#"{{"kty":"EC","crv":"P-256","kid":"k","x":"{x}","y":"{y}"}}"#);
    JsonWebKeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match Token::parse(text) {
            Ok(token) => said(&token.verify_signature(&KEYS).unwrap_err()),
            Err(error) => said(&error),
        }
    }
    let header = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(bytes));
    match Token::parse(&header) {
        Ok(token) => said(&token.verify_signature(&KEYS).unwrap_err()),
        Err(error) => said(&error),
    }
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(bytes));
    // Whether it can be read does not depend on its signature: what cannot need not be signed.
    if let Err(error) = Token::parse(&format!("{signed}.AAAA")) {
        return said(&error);
    }
    let signature = PAIR.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
    let token = Token::parse(&text).expect("as before");
    let verified = token.verify_signature(&KEYS).expect("it is signed");
    let expected = Expected {
        issuers: &["i"],
        audiences: &["a"],
        now: UNIX_EPOCH + Duration::from_secs(1000),
        leeway: Duration::from_mins(1),
    };
    match verified.claims.check(&expected) {
        Ok(subject) => {
            assert!(subject.expires_at > UNIX_EPOCH + Duration::from_secs(940));
            assert!(subject.issued_at.is_none_or(|time| time <= UNIX_EPOCH + Duration::from_secs(1060)));
            let names = [&subject.namespace, &subject.service_account, &subject.pod_name];
            assert!(names.into_iter().all(|name| !name.is_empty()));
            assert!(!subject.pod_uid.is_empty() && !subject.service_account_uid.is_empty());
        }
        Err(error) => said(&error),
    }
});

fn said(error: &dyn std::error::Error) {
    let text = error.to_string();
    assert!(text.len() < 200 && !text.contains(char::is_control), "{text:?}");
}
