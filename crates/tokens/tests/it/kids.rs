//! Ids and DER of keys, as openssl has them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokens::key::Unusable;
use tokens::{JsonWebKey, kid_of_spki};

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

/// Of openssl's keys, by their numbers alone.
#[test]
fn a_key_of_its_numbers_is_written_as_a_jwk_that_reads_as_the_same_key() {
    let keys: Vec<Value> = serde_json::from_str(include_str!("../data/openssl.json")).unwrap();
    for key in &keys {
        let jwk = &key["jwk"];
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let made = match jwk["kty"].as_str() {
            Some("RSA") => JsonWebKey::rsa(&[&[0], &*bytes("n")].concat(), &bytes("e")),
            _ => JsonWebKey::ec(jwk["crv"].as_str().unwrap(), &[&[4], &*bytes("x"), &*bytes("y")].concat()),
        };
        let made = made.unwrap();
        assert_eq!(
            (made.kid().unwrap(), STANDARD.encode(made.spki())),
            (key["kid"].as_str().unwrap(), key["spki"].as_str().unwrap().to_owned())
        );
        let written: Value = serde_json::from_str(&made.to_json()).unwrap();
        let mut expected = jwk.clone();
        for (name, value) in [("use", &json!("sig")), ("kid", &key["kid"]), ("alg", &key["alg"])] {
            expected[name] = value.clone();
        }
        assert_eq!(written, expected);
    }
    assert_eq!(JsonWebKey::rsa(&[255; 128], &[1, 0, 1]).unwrap_err(), Unusable::Size);
    assert_eq!(JsonWebKey::ec("P-224", &[4; 57]).unwrap_err(), Unusable::Curve);
    assert_eq!(JsonWebKey::ec("P-256", &[2; 33]).unwrap_err(), Unusable::Point);
    assert_eq!(JsonWebKey::ec("P-256", &[4; 65]).unwrap_err(), Unusable::Point);
}

/// A private key in a set is a mistake that happens. What is written of it is public.
#[test]
fn private_members_are_not_written_and_ids_are_kept_or_made() {
    let keys: Vec<Value> = serde_json::from_str(include_str!("../data/openssl.json")).unwrap();
    for (index, private) in [(0, ["d", "p", "q", "dp", "dq", "qi"].as_slice()), (8, &["d"])] {
        for (kid, named) in [(json!("a \"b\""), json!("a \"b\"")), (json!(""), keys[index]["kid"].clone())] {
            let mut jwk = keys[index]["jwk"].clone();
            jwk["kid"] = kid;
            for name in private {
                jwk[name] = json!("c2VjcmV0");
            }
            let text = set(&[&jwk]).keys()[0].clone().named().to_json();
            let written: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(written["kid"], named);
            assert!(private.iter().all(|name| written.get(name).is_none()), "{text}");
        }
    }
}
