//! Ids and DER of keys, as openssl has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokens::kid_of_spki;

use super::signer::set;

/// `data/openssl.json` was made with openssl 3.0.19, for each key:
///
/// ```text
/// openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:65537 > key
/// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 > key
/// openssl pkey -pubout -outform DER < key > spki                          # "spki", as base64
/// openssl dgst -sha256 -binary < spki | basenc --base64url | tr -d =       # "kid"
/// openssl rsa -pubin -inform DER -noout -modulus -text < spki             # "n" and "e"
/// tail -c 64 spki | head -c 32                                            # "x", and "y" behind it
/// ```
///
/// Eight RSA keys of 2048 to 8192 bits with exponents 3, 17 and 65537, and four of each curve: of these, one
/// whose x begins with a zero byte, and one whose y does. The private keys were not kept.
#[test]
fn twenty_keys_have_the_der_and_the_id_that_openssl_gives_them() {
    let keys: Vec<Value> = serde_json::from_str(include_str!("../data/openssl.json")).unwrap();
    assert_eq!(keys.len(), 20);
    for key in &keys {
        let set = set(&[&key["jwk"]]);
        let [read] = set.keys() else { panic!("one key") };
        assert_eq!(read.algorithm().as_str(), key["alg"]);
        assert_eq!(STANDARD.encode(read.spki()), key["spki"]);
        assert_eq!(kid_of_spki(read.spki()), key["kid"]);
        assert_eq!(read.kid(), None);
    }
    let set = set(&keys.iter().map(|key| &key["jwk"]).collect::<Vec<_>>());
    assert_eq!((set.keys().len(), set.left_out().len()), (20, 0));
}

/// Some libraries write the sign's zero byte: the number is the same, and so is the id.
#[test]
fn zeros_before_a_number_do_not_count() {
    let keys: Vec<Value> = serde_json::from_str(include_str!("../data/openssl.json")).unwrap();
    let key = &keys[0];
    // Three bytes are four characters, so that zeros can be put before the others as text.
    let n = format!("AAAA{}", key["jwk"]["n"].as_str().unwrap());
    let set = set(&[&json!({ "kty": "RSA", "n": n, "e": "AAAAAAAAAQAB" })]);
    assert_eq!(kid_of_spki(set.keys()[0].spki()), key["kid"]);
}
