//! Key sets: what is read, what is left out and why.

use serde_json::{Value, json};
use tokens::key::{MAX_KID, Unusable};
use tokens::key_set::{MAX_BYTES, MAX_KEYS};
use tokens::{JsonWebKeySet, KeySetError};

use super::signer::{ES256, ES384, ES512, RS256, base64, with};
use super::{expected, good_claims, judge};

fn parse(set: &Value) -> Result<JsonWebKeySet, KeySetError> {
    JsonWebKeySet::parse(set.to_string().as_bytes())
}

/// Why the one key of a set is left out.
#[track_caller]
fn reason(jwk: &Value) -> Unusable {
    match parse(&json!({ "keys": [jwk] })) {
        Err(KeySetError::NoUsableKey(left_out)) if left_out.len() == 1 => left_out[0].reason,
        other => panic!("{other:?} of {jwk}"),
    }
}

#[test]
fn keys_that_cannot_verify_are_left_out_with_the_reason() {
    let n = RS256.jwk["n"].as_str().unwrap();
    let [rsa, ec] = [&RS256.jwk, &ES256.jwk];
    // Of 256 bytes, the last character has two bits.
    let even = format!("{}A", &n[..n.len() - 1]);
    for (jwk, expected) in [
        (json!("key"), Unusable::NotAnObject),
        (json!(null), Unusable::NotAnObject),
        (json!({}), Unusable::Member("kty")),
        (with(rsa.clone(), "/kty", json!(7)), Unusable::Member("kty")),
        (with(rsa.clone(), "/kty", json!("rsa")), Unusable::KeyType),
        (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }), Unusable::KeyType),
        (json!({ "kty": "OKP", "crv": "Ed25519", "x": base64([1; 32]) }), Unusable::KeyType),
        (with(rsa.clone(), "/use", json!("enc")), Unusable::Use),
        (with(rsa.clone(), "/use", json!("")), Unusable::Use),
        (with(rsa.clone(), "/key_ops", json!(["sign"])), Unusable::Use),
        (with(rsa.clone(), "/key_ops", json!([])), Unusable::Use),
        (with(rsa.clone(), "/key_ops", json!("verify")), Unusable::Member("key_ops")),
        (with(rsa.clone(), "/alg", json!("RS512")), Unusable::Algorithm),
        (with(rsa.clone(), "/alg", json!("PS256")), Unusable::Algorithm),
        (with(rsa.clone(), "/alg", json!("HS256")), Unusable::Algorithm),
        (with(ec.clone(), "/alg", json!("ES384")), Unusable::Algorithm),
        (with(ec.clone(), "/alg", json!("RS256")), Unusable::Algorithm),
        (with(rsa.clone(), "/kid", json!(7)), Unusable::Member("kid")),
        (with(rsa.clone(), "/kid", json!("k".repeat(MAX_KID + 1))), Unusable::LongKid),
        (with(rsa.clone(), "/n", None), Unusable::Member("n")),
        (with(rsa.clone(), "/e", None), Unusable::Member("e")),
        (with(rsa.clone(), "/n", json!(format!("{n}=="))), Unusable::Member("n")),
        (with(rsa.clone(), "/n", json!("")), Unusable::Size),
        (with(rsa.clone(), "/n", json!(base64([0xff; 128]))), Unusable::Size),
        (with(rsa.clone(), "/n", json!(base64([&[0x7f], [0xff; 255].as_slice()].concat()))), Unusable::Size),
        (
            with(rsa.clone(), "/n", json!(base64([&[0; 200], [0xff; 255].as_slice()].concat()))),
            Unusable::Size,
        ),
        (with(rsa.clone(), "/n", json!(base64([&[1], [0xff; 1024].as_slice()].concat()))), Unusable::Size),
        (with(rsa.clone(), "/n", json!(even)), Unusable::Modulus),
        (with(rsa.clone(), "/e", json!("")), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!("AA")), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(base64([1]))), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(base64([2]))), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(base64([1, 0, 0]))), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(base64([0x80, 0, 0, 1]))), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(base64([1, 0, 0, 0, 3]))), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(n)), Unusable::Exponent),
        (with(rsa.clone(), "/e", json!(65537)), Unusable::Member("e")),
        (with(ec.clone(), "/crv", None), Unusable::Member("crv")),
        (with(ec.clone(), "/crv", json!("secp256k1")), Unusable::Curve),
        (with(ec.clone(), "/crv", json!("P-224")), Unusable::Curve),
        (with(ec.clone(), "/crv", json!("P-384")), Unusable::Point),
        (with(ec.clone(), "/x", json!(base64([1; 32]))), Unusable::Point),
        (with(ec.clone(), "/y", ec["x"].clone()), Unusable::Point),
        (with(with(ec.clone(), "/x", json!(base64([0; 32]))), "/y", json!(base64([0; 32]))), Unusable::Point),
        (with(ec.clone(), "/x", json!(base64([0xff; 32]))), Unusable::Point),
        (with(ec.clone(), "/x", json!("")), Unusable::Point),
        (with(ec.clone(), "/x", json!("x!")), Unusable::Member("x")),
        (with(ec.clone(), "/y", None), Unusable::Member("y")),
    ] {
        assert_eq!(reason(&jwk), expected, "{jwk}");
    }
}

#[test]
fn exponents_may_be_as_large_as_the_bounds() {
    for exponent in [[3].as_slice(), &[1, 0, 1], &[0x7f, 0xff, 0xff, 0xff]] {
        let jwk = with(RS256.jwk.clone(), "/e", json!(base64(exponent)));
        assert_eq!(parse(&json!({ "keys": [jwk] })).unwrap().left_out(), []);
    }
}

/// One byte from x to y: one after the other they are the same.
#[test]
fn coordinates_have_their_full_length_each() {
    let moved = |jwk: &Value, length: usize| {
        let bytes = |name: &str| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
        };
        let point = [bytes("x"), bytes("y")].concat();
        let (x, y) = point.split_at(length);
        with(with(jwk.clone(), "/x", json!(base64(x))), "/y", json!(base64(y)))
    };
    for (signer, length) in [(&ES256, 32), (&ES384, 48), (&ES512, 66)] {
        assert!(parse(&json!({ "keys": [moved(&signer.jwk, length)] })).is_ok());
        assert_eq!(reason(&moved(&signer.jwk, length - 1)), Unusable::Point);
        assert_eq!(reason(&moved(&signer.jwk, length + 1)), Unusable::Point);
    }
}

#[test]
fn members_that_stand_twice_leave_the_key_out() {
    let twice = RS256.jwk.to_string().replace(r#""kid":"rsa""#, r#""kid":"rsa","kid":"other""#);
    let error = JsonWebKeySet::parse(format!(r#"{{"keys":[{twice}]}}"#).as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key set has no key that can verify a token: key 1 of the set is left out: a member of it stands twice"
    );
}

#[test]
fn what_is_left_out_is_named_and_the_rest_counts() {
    let private = with(with(ES256.jwk.clone(), "/d", json!("AQ")), "/k", json!({}));
    let bare = json!({ "kty": "RSA", "n": RS256.jwk["n"], "e": "AQAB", "kid": "" });
    let set = json!({ "keys": [
        { "kty": "oct", "kid": "mac\n" },
        private,
        { "kty": "RSA" },
        bare,
        with(ES384.jwk.clone(), "/key_ops", json!(["sign", "verify"])),
        { "kty": "OKP", "kid": "k".repeat(MAX_KID + 1) },
    ], "keys_ops": null });
    let set = parse(&set).unwrap();
    let kids: Vec<_> = set.keys().iter().map(|key| key.kid().unwrap()).collect();
    assert_eq!(kids, ["p256", "", "p384"]);
    let said: Vec<_> = set.left_out().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "key 1 of the set (\"mac\\n\") is left out: it is neither an RSA key nor one of an elliptic curve",
            "key 3 of the set is left out: its member \"n\" is missing or not of the right form",
            "key 6 of the set is left out: its id is longer than 256 bytes",
        ]
    );
    assert!(judge(&ES256.token(&good_claims()), &set, &expected()).is_ok());
}

#[test]
fn sets_that_cannot_be_used() {
    for text in [
        "",
        "null",
        "[]",
        "{",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"key":[]}"#,
        "\u{feff}{\"keys\":[]}",
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
    ] {
        assert_eq!(JsonWebKeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::NotAKeySet, "{text}");
    }
    assert_eq!(JsonWebKeySet::parse(b"{\"keys\":[\"\xff\"]}").unwrap_err(), KeySetError::NotAKeySet);
    let error = JsonWebKeySet::parse(br#"{"keys":[]}"#).unwrap_err();
    assert_eq!(error.to_string(), "the key set has no key that can verify a token");
    let error = JsonWebKeySet::parse(br#"{"keys":[{"kty":"oct"},1,2]}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key set has no key that can verify a token: key 1 of the set is left out: it is neither an RSA key nor one of an elliptic curve, and 2 more"
    );
}

#[test]
fn sets_may_be_as_large_as_the_bounds() {
    let keys = |count: usize| json!({ "keys": vec![&ES256.jwk; count] });
    assert_eq!(parse(&keys(MAX_KEYS)).unwrap().keys().len(), MAX_KEYS);
    assert_eq!(parse(&keys(MAX_KEYS + 1)).unwrap_err(), KeySetError::TooManyKeys);
    let ids = with(RS256.jwk.clone(), "/kid", json!("k".repeat(MAX_KID)));
    assert!(parse(&json!({ "keys": [ids] })).is_ok());

    let largest = |filling: &str, after: &str| {
        let one = format!(r#"{{"keys":[{},"#, ES256.jwk);
        let room = MAX_BYTES - one.len() - after.len();
        let filled = one + &filling.repeat(room / filling.len()) + after;
        filled.clone() + &" ".repeat(MAX_BYTES - filled.len())
    };
    let modulus = largest("x", r#""]}"#).replacen(",xx", r#","x"#, 1);
    assert_eq!(modulus.len(), MAX_BYTES);
    assert_eq!(JsonWebKeySet::parse(modulus.as_bytes()).unwrap().left_out().len(), 1);
    assert_eq!(JsonWebKeySet::parse((modulus + " ").as_bytes()).unwrap_err(), KeySetError::TooLarge);
    let numbers = largest("1,", "1]}");
    assert_eq!(JsonWebKeySet::parse(numbers.as_bytes()).unwrap_err(), KeySetError::TooManyKeys);
    let deep = largest("[", "");
    assert_eq!(JsonWebKeySet::parse(deep.as_bytes()).unwrap_err(), KeySetError::NotAKeySet);
}
