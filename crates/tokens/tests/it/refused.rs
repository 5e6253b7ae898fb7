//! Tokens that do not count, each with the exact reason.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
};
use serde_json::json;
use tokens::token::{MAX_BYTES, MAX_TRIED, Part};
use tokens::{Algorithm, ParseError, SignatureError};

use super::signer::{ES256, ES384, KEYS, Pair, RS256, Signer, base64, set, signed, with};
use super::{Refusal, expected, good_claims, judge};

const HEADER: &str = r#"{"alg":"ES256","kid":"p256"}"#;

#[track_caller]
fn assert_unparsable(text: &str, error: ParseError) {
    assert_eq!(judge(text, &KEYS, &expected()), Err(Refusal::Parse(error)), "{}", beginning(text));
}

#[track_caller]
fn assert_unverified(text: &str, error: SignatureError) {
    assert_eq!(judge(text, &KEYS, &expected()), Err(Refusal::Signature(error)), "{}", beginning(text));
}

/// What a screen has room for.
fn beginning(text: &str) -> String {
    text.chars().take(2000).collect()
}

#[test]
fn a_text_that_is_not_three_parts_of_base64url() {
    let good = ES256.token(&good_claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    // Of 64 bytes, the last character has two bits, and four that are left over.
    let left_over = good.strip_suffix(['A', 'Q', 'g', 'w']).unwrap().to_owned() + "B";
    for (text, error) in [
        (String::new(), ParseError::Parts),
        ("token".to_owned(), ParseError::Parts),
        (signed.to_owned(), ParseError::Parts),
        (format!("{good}."), ParseError::Parts),
        (format!("{good}.e30"), ParseError::Parts),
        (format!(".{good}"), ParseError::Parts),
        (format!("{good}.e30.e30"), ParseError::Parts),
        (format!("Bearer {good}"), ParseError::Base64(Part::Header)),
        (format!(" {good}"), ParseError::Base64(Part::Header)),
        (format!("\u{feff}{good}"), ParseError::Base64(Part::Header)),
        (format!("{header}=.{claims}.{signature}"), ParseError::Base64(Part::Header)),
        (format!("{header}.{claims}\n.{signature}"), ParseError::Base64(Part::Claims)),
        (format!("{header}.{claims}==.{signature}"), ParseError::Base64(Part::Claims)),
        (format!("{header}.+{}.{signature}", &claims[1..]), ParseError::Base64(Part::Claims)),
        (format!("{good}=="), ParseError::Base64(Part::Signature)),
        (format!("{good}\n"), ParseError::Base64(Part::Signature)),
        (format!("{good}\r\n"), ParseError::Base64(Part::Signature)),
        (format!("{good} "), ParseError::Base64(Part::Signature)),
        (format!("{good}\0"), ParseError::Base64(Part::Signature)),
        (format!("{signed}./{}", &signature[1..]), ParseError::Base64(Part::Signature)),
        (left_over, ParseError::Base64(Part::Signature)),
        ("..".to_owned(), ParseError::NotAnObject(Part::Header)),
        (format!(".{claims}.{signature}"), ParseError::NotAnObject(Part::Header)),
        (format!("{header}..{signature}"), ParseError::NotAnObject(Part::Claims)),
        ("x".repeat(MAX_BYTES), ParseError::Parts),
        ("x".repeat(MAX_BYTES + 1), ParseError::TooLong),
        (".".repeat(MAX_BYTES + 1), ParseError::TooLong),
    ] {
        assert_unparsable(&text, error);
    }
}

#[test]
fn a_header_that_is_not_an_api_servers() {
    for (header, error) in [
        (r#"{"kid":"p256"}"#, ParseError::NoAlgorithm),
        (r#"{"alg":"none","kid":"p256"}"#, ParseError::Unsigned),
        (r#"{"alg":"None","kid":"p256"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"","kid":"p256"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"es256","kid":"p256"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"HS256","kid":"p256"}"#, ParseError::SharedSecret),
        (r#"{"alg":"HS384","kid":"p256"}"#, ParseError::SharedSecret),
        (r#"{"alg":"HS512","kid":"p256"}"#, ParseError::SharedSecret),
        (r#"{"alg":"RS384","kid":"rsa"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"RS512","kid":"rsa"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"PS256","kid":"rsa"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":"EdDSA","kid":"p256"}"#, ParseError::UnknownAlgorithm),
        (r#"{"alg":256,"kid":"p256"}"#, ParseError::Member(Part::Header, "alg")),
        (r#"{"alg":null,"kid":"p256"}"#, ParseError::Member(Part::Header, "alg")),
        (r#"{"alg":["ES256"],"kid":"p256"}"#, ParseError::Member(Part::Header, "alg")),
        (r#"{"alg":"ES256","kid":256}"#, ParseError::Member(Part::Header, "kid")),
        (r#"{"alg":"ES256","kid":null}"#, ParseError::Member(Part::Header, "kid")),
        (r#"{"alg":"ES256","kid":"p256","typ":"at+jwt"}"#, ParseError::Type),
        (r#"{"alg":"ES256","kid":"p256","typ":0}"#, ParseError::Member(Part::Header, "typ")),
        (r#"{"alg":"ES256","kid":"p256","crit":["b64"],"b64":false}"#, ParseError::Critical),
        (r#"{"alg":"ES256","kid":"p256","crit":[]}"#, ParseError::Critical),
        (r#"{"alg":"ES256","kid":"p256","crit":null}"#, ParseError::Critical),
        (r#"{"alg":"none","alg":"ES256","kid":"p256"}"#, ParseError::Duplicate(Part::Header)),
        (r#"{"alg":"ES256","\u0061lg":"none","kid":"p256"}"#, ParseError::Duplicate(Part::Header)),
        (r#"{"alg":"ES256","x":1,"x":1}"#, ParseError::Duplicate(Part::Header)),
        (r#"["ES256"]"#, ParseError::NotAnObject(Part::Header)),
        (r#"{"alg":"ES256"}{}"#, ParseError::NotAnObject(Part::Header)),
        ("{'alg':'ES256'}", ParseError::NotAnObject(Part::Header)),
        ("\u{feff}{\"alg\":\"ES256\"}", ParseError::NotAnObject(Part::Header)),
    ] {
        assert_unparsable(&ES256.token_of(header, good_claims().to_string()), error);
    }
}

#[test]
fn claims_that_are_not_a_service_accounts() {
    let good = good_claims().to_string();
    let rest = good.strip_prefix('{').unwrap();
    let [deep, closed] = ["[", "]"].map(|bracket| bracket.repeat(5000));
    let member = |name| ParseError::Member(Part::Claims, name);
    for (claims, error) in [
        ("null".to_owned(), ParseError::NotAnObject(Part::Claims)),
        (format!("[{good}]"), ParseError::NotAnObject(Part::Claims)),
        (good[..good.len() - 1].to_owned(), ParseError::NotAnObject(Part::Claims)),
        (format!(r#"{{"x":{deep}"#), ParseError::NotAnObject(Part::Claims)),
        (format!(r#"{{"sub":"x",{rest}"#), ParseError::Duplicate(Part::Claims)),
        (format!(r#"{{"\u0073ub":"x",{rest}"#), ParseError::Duplicate(Part::Claims)),
        (format!(r#"{{"x":1,"x":2,{rest}"#), ParseError::Duplicate(Part::Claims)),
        (good.replace(r#""pod":{"#, r#""pod":{"uid":"x","#), ParseError::Duplicate(Part::Claims)),
        (
            good.replace(r#""namespace":"#, r#""namespace":"x","namespace":"#),
            ParseError::Duplicate(Part::Claims),
        ),
        (with(good_claims(), "/iss", json!(1)).to_string(), member("iss")),
        (with(good_claims(), "/sub", json!(["x"])).to_string(), member("sub")),
        (with(good_claims(), "/aud", json!({})).to_string(), member("aud")),
        (with(good_claims(), "/aud", json!(["pods.eks.amazonaws.com", 1])).to_string(), member("aud")),
        (with(good_claims(), "/aud", json!(null)).to_string(), member("aud")),
        (good.replace(r#"["pods.eks.amazonaws.com"]"#, &(deep + &closed)), member("aud")),
        (with(good_claims(), "/exp", json!("1764626400")).to_string(), member("exp")),
        (with(good_claims(), "/exp", json!(-1)).to_string(), member("exp")),
        (with(good_claims(), "/exp", json!(253_402_300_800_u64)).to_string(), member("exp")),
        (good.replace("1764626400", "1e999"), member("exp")),
        (good.replace("1764626400", &"9".repeat(400)), member("exp")),
        (with(good_claims(), "/nbf", json!(1e300)).to_string(), member("nbf")),
        (with(good_claims(), "/iat", json!(false)).to_string(), member("iat")),
        (with(good_claims(), "/kubernetes.io", json!("shop")).to_string(), member("kubernetes.io")),
        (with(good_claims(), "/kubernetes.io", json!(null)).to_string(), member("kubernetes.io")),
        (with(good_claims(), "/kubernetes.io/namespace", json!(1)).to_string(), member("namespace")),
        (with(good_claims(), "/kubernetes.io/pod", json!([])).to_string(), member("pod")),
        (with(good_claims(), "/kubernetes.io/pod/uid", json!(7)).to_string(), member("uid")),
        (with(good_claims(), "/kubernetes.io/node", json!("node-1")).to_string(), member("node")),
    ] {
        assert_unparsable(&ES256.token_of(HEADER, claims), error);
    }
    // Neither in a claim that is read, nor in one that is not.
    for claims in [good.replace("shop", "\u{1}sh"), good.replace("6a2f7d5e", "\u{1}")] {
        let claims: Vec<u8> = claims.bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
        assert_unparsable(&ES256.token_of(HEADER, claims), ParseError::NotAnObject(Part::Claims));
    }
}

#[test]
fn a_signature_that_is_not_the_issuers() {
    let claims = good_claims().to_string();
    let forged = |signed: &str, signature: &[u8]| format!("{signed}.{}", base64(signature));
    let [es, rs] = [signed(HEADER, &claims), signed(r#"{"alg":"RS256","kid":"rsa"}"#, &claims)];
    let right = ES256.sign(es.as_bytes());
    let der = der_signer().sign(&aws_lc_rs::rand::SystemRandom::new(), es.as_bytes()).unwrap();
    let (r, s) = right.split_at(32);
    for text in [
        forged(&es, der.as_ref()),
        forged(&es, &right[..63]),
        forged(&es, &[&right, [0].as_slice()].concat()),
        forged(&es, &[&[0], r, &[0], s].concat()),
        forged(&es, &[s, r].concat()),
        forged(&es, &[0; 64]),
        forged(&es, &[]),
        forged(&es, &ES384.sign(es.as_bytes())),
        forged(&rs, &RS256.sign_rsa(&RSA_PKCS1_SHA512, rs.as_bytes())),
        forged(&rs, &RS256.sign_rsa(&RSA_PSS_SHA256, rs.as_bytes())),
        forged(&rs, &RS256.sign(es.as_bytes())),
        forged(&rs, &[&[0], RS256.sign(rs.as_bytes()).as_slice()].concat()),
        forged(&rs, &right),
        Signer::rsa("rsa").token(&good_claims()),
        Signer::rsa("rsa").token_of(r#"{"alg":"RS256"}"#, &claims),
    ] {
        assert_unverified(&text, SignatureError::Forged);
    }
}

/// Of the public key, which everybody has, an attacker makes the secret; the name alone refuses it.
#[test]
fn a_public_key_as_the_secret_of_an_hmac() {
    let signed = signed(r#"{"alg":"HS256","kid":"rsa"}"#, good_claims().to_string());
    for secret in [KEYS.keys()[0].spki(), RS256.jwk["n"].as_str().unwrap().as_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        assert_unparsable(&format!("{signed}.{}", base64(tag)), ParseError::SharedSecret);
        let renamed = signed.replace(&base64(r#"{"alg":"HS256""#), &base64(r#"{"alg":"RS256""#));
        assert_unverified(&format!("{renamed}.{}", base64(tag)), SignatureError::Forged);
    }
}

#[test]
fn a_key_that_is_not_the_one_that_the_header_names() {
    let wrong = |token, key| SignatureError::WrongAlgorithm { token, key };
    for (header, error) in [
        (r#"{"alg":"ES256","kid":"unknown"}"#, SignatureError::UnknownKey),
        (r#"{"alg":"ES256","kid":""}"#, SignatureError::UnknownKey),
        (r#"{"alg":"ES256","kid":"P256"}"#, SignatureError::UnknownKey),
        (r#"{"alg":"ES256","kid":"p256 "}"#, SignatureError::UnknownKey),
        (r#"{"alg":"RS256","kid":"p256"}"#, wrong(Algorithm::Rs256, Algorithm::Es256)),
        (r#"{"alg":"ES256","kid":"rsa"}"#, wrong(Algorithm::Es256, Algorithm::Rs256)),
        (r#"{"alg":"ES384","kid":"p256"}"#, wrong(Algorithm::Es384, Algorithm::Es256)),
        (r#"{"alg":"ES256","kid":"p521"}"#, wrong(Algorithm::Es256, Algorithm::Es512)),
    ] {
        assert_unverified(&ES256.token_of(header, good_claims().to_string()), error);
    }
    // The key of another token, of the same algorithm.
    let keys = set(&[&ES256.jwk, &Signer::rsa("rsa").jwk]);
    let refusal = judge(&RS256.token(&good_claims()), &keys, &expected());
    assert_eq!(refusal, Err(Refusal::Signature(SignatureError::Forged)));
}

/// A key without an id is not the one that a token names, and a set may lack the algorithm.
#[test]
fn keys_that_cannot_be_meant() {
    let keys = set(&[&with(ES256.jwk.clone(), "/kid", None)]);
    let unknown = Err(Refusal::Signature(SignatureError::UnknownKey));
    assert_eq!(judge(&ES256.token(&good_claims()), &keys, &expected()), unknown);
    let unnamed = RS256.token_of(r#"{"alg":"RS256"}"#, good_claims().to_string());
    assert_eq!(judge(&unnamed, &keys, &expected()), unknown);
}

#[test]
fn more_keys_than_are_tried() {
    let more = vec![&RS256.jwk; MAX_TRIED];
    let unnamed = RS256.token_of(r#"{"alg":"RS256"}"#, good_claims().to_string());
    for text in [RS256.token(&good_claims()), unnamed] {
        assert!(judge(&text, &set(&more), &expected()).is_ok());
        let refusal = judge(&text, &set(&[more.clone(), vec![&RS256.jwk]].concat()), &expected());
        assert_eq!(refusal, Err(Refusal::Signature(SignatureError::TooManyKeys)));
    }
}

/// The texts are for the log and for the pod: nothing of the token is in them.
#[test]
fn what_is_said_quotes_nothing() {
    for (header, claims) in
        [(r#"{"alg":"s3cret","kid":"p256"}"#, "{}"), (HEADER, r#"{"iss":["s3cret"]}"#), (HEADER, "s3cret")]
    {
        let error = tokens::Token::parse(&ES256.token_of(header, claims)).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    let error = ParseError::Member(Part::Claims, "exp");
    assert_eq!(
        error.to_string(),
        "\"exp\" in the token's payload is not what it is in a ServiceAccount token"
    );
    let error = SignatureError::WrongAlgorithm { token: Algorithm::Rs256, key: Algorithm::Es256 };
    assert_eq!(error.to_string(), "the token's header says RS256, but its key is for ES256");
}

/// The same key, signing in the form of X.509.
fn der_signer() -> EcdsaKeyPair {
    let Pair::Ec(pair) = &ES256.pair else { panic!("not an EC key") };
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let der = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    assert_eq!(der.public_key().as_ref(), pair.public_key().as_ref());
    der
}
