//! Tokens that count.

use serde_json::{Value, json};
use tokens::token::MAX_BYTES;
use tokens::{Algorithm, JsonWebKeySet, Token};

use super::signer::{ES256, ES384, ES512, KEYS, RS256, Signer, base64, set, with};
use super::{at, expected, good_claims, good_subject, judge};

fn signers() -> [&'static Signer; 4] {
    [&RS256, &ES256, &ES384, &ES512]
}

#[test]
fn each_algorithm_verifies_and_names_the_key() {
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];
    for (signer, algorithm) in signers().into_iter().zip(algorithms) {
        let text = signer.token(&good_claims());
        assert_eq!(judge(&text, &KEYS, &expected()), Ok(good_subject()));
        let token = Token::parse(&text).unwrap();
        let verified = token.verify_signature(&KEYS).unwrap();
        assert_eq!((verified.key.kid(), verified.key.algorithm()), (Some(signer.kid), algorithm));
        assert_eq!(algorithm.to_string(), signer.algorithm);
    }
}

/// `data/go-jose.json` has tokens and keys that Go wrote as kube-apiserver does: `NewSigner` and `Signed` of
/// gopkg.in/go-jose/go-jose.v2 2.6.3 with a `JSONWebKey` that has its kid by `keyIDFromPublicKey`, and claims of
/// the structs in `pkg/serviceaccount/claims.go`. The private keys were never written down.
#[test]
fn tokens_and_keys_written_by_go_are_understood() {
    let data: Value = serde_json::from_str(include_str!("../data/go-jose.json")).unwrap();
    let keys = JsonWebKeySet::parse(data["jwks"].to_string().as_bytes()).unwrap();
    assert_eq!((keys.keys().len(), keys.left_out()), (4, [].as_slice()));
    let tokens = data["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 4);
    for (algorithm, text) in tokens {
        let text = text.as_str().unwrap();
        assert_eq!(judge(text, &keys, &expected()), Ok(good_subject()), "{algorithm}");
        let token = Token::parse(text).unwrap();
        let key = token.verify_signature(&keys).unwrap().key;
        assert_eq!(key.algorithm().as_str(), algorithm);
        assert_eq!(key.kid(), Some(tokens::kid_of_spki(key.spki()).as_str()));
    }
}

#[test]
fn tokens_without_a_key_id_are_tried_with_all_keys_of_the_algorithm() {
    let [first, second] = [Signer::rsa("a"), Signer::rsa("b")];
    let keys = set(&[&first.jwk, &ES256.jwk, &with(second.jwk.clone(), "/kid", None)]);
    for signer in [&first, &second] {
        let text = signer.token_of(r#"{"alg":"RS256"}"#, good_claims().to_string());
        assert_eq!(judge(&text, &keys, &expected()), Ok(good_subject()));
    }
}

#[test]
fn keys_that_share_an_id_are_all_tried() {
    let [first, second] = [Signer::rsa("same"), Signer::rsa("same")];
    let keys = set(&[&with(ES256.jwk.clone(), "/kid", json!("same")), &first.jwk, &second.jwk]);
    for signer in [&first, &second] {
        assert_eq!(judge(&signer.token(&good_claims()), &keys, &expected()), Ok(good_subject()));
    }
    assert_eq!(keys.keys().len(), 3);
}

#[test]
fn the_header_may_say_jwt_and_what_nobody_asks_for() {
    let claims = good_claims().to_string();
    for more in [r#""typ":"JWT""#, r#""typ":"jwt""#, r#""jku":"https://evil.example","jwk":{},"x5c":[1]"#] {
        let text = ES256.token_of(&format!(r#"{{"alg":"ES256","kid":"p256",{more}}}"#), &claims);
        assert_eq!(judge(&text, &KEYS, &expected()), Ok(good_subject()), "{more}");
    }
    let escaped = ES256.token_of(r#" {"\u0061lg":"ES\u0032\u00356","kid":"p\u003256"} "#, claims);
    assert_eq!(judge(&escaped, &KEYS, &expected()), Ok(good_subject()));
}

#[test]
fn claims_may_take_the_forms_that_the_specification_leaves_open() {
    for (pointer, value) in [
        ("/aud", json!("pods.eks.amazonaws.com")),
        ("/aud", json!(["sts.amazonaws.com", "pods.eks.amazonaws.com"])),
        ("/exp", json!(1_764_626_400.0)),
        ("/nbf", json!(1_764_540_000.75)),
        ("/iat", json!(1.764_54e9)),
        ("/kubernetes.io/warnafter", json!("?")),
        ("/kubernetes.io/secret", json!([])),
        ("/https:~1~1aws.amazon.com~1tags", json!({ "principal_tags": {} })),
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        let mut claims = good_claims();
        claims.pointer_mut(parent).unwrap()[name] = value;
        assert_eq!(judge(&ES256.token(&claims), &KEYS, &expected()), Ok(good_subject()), "{pointer}");
    }
}

#[test]
fn dates_keep_their_fractions() {
    let claims = with(with(good_claims(), "/exp", json!(1_764_626_400.5)), "/iat", None);
    let subject = judge(&ES256.token(&claims), &KEYS, &expected()).unwrap();
    assert_eq!(subject.expires_at, at(1_764_626_400) + std::time::Duration::from_millis(500));
    assert_eq!(subject.issued_at, None);
}

#[test]
fn nodes_need_not_be_named() {
    for (node, name, uid) in [
        (None, None, None),
        (Some(json!({ "name": "node-1" })), Some("node-1"), None),
        (Some(json!({ "name": "node-1", "uid": "u" })), Some("node-1"), Some("u")),
    ] {
        let claims = with(good_claims(), "/kubernetes.io/node", node);
        let subject = judge(&ES256.token(&claims), &KEYS, &expected()).unwrap();
        assert_eq!((subject.node_name.as_deref(), subject.node_uid.as_deref()), (name, uid));
    }
}

/// The largest token, once with one claim that fills it, once with as many as fit, once as deep as it can be.
#[test]
fn tokens_may_be_as_long_as_the_bound() {
    let claims = good_claims().to_string();
    let claims = claims.strip_suffix('}').unwrap();
    let room = |text: &str| (MAX_BYTES - ES256.token_of(HEADER, text).len()) * 3 / 4;
    let empty = format!(r#"{claims},"x":""}}"#);
    let filled = format!(r#"{claims},"x":"{}"}}"#, "x".repeat(room(&empty)));
    let names: Vec<_> = (0..room(&empty) / 8).map(|index| format!(r#""{index:x}":1"#)).collect();
    let many = format!("{claims},{}}}", names.join(","));
    let depth = room(&empty) / 2;
    let deep = format!(r#"{claims},"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    for claims in [filled, many, deep] {
        let text = ES256.token_of(HEADER, &claims);
        assert!((MAX_BYTES - 4000..=MAX_BYTES).contains(&text.len()), "{}", text.len());
        assert_eq!(judge(&text, &KEYS, &expected()), Ok(good_subject()));
    }
    let text = ES256.token_of(HEADER, empty.replace("\"\"", &format!("\"{}\"", "x".repeat(room(&empty)))));
    assert_eq!(text.len(), MAX_BYTES);
}

const HEADER: &str = r#"{"alg":"ES256","kid":"p256"}"#;

/// What is printed for people must not let anyone act as the pod.
#[test]
fn a_token_is_not_printed() {
    let text = ES256.token(&good_claims());
    let printed = format!("{:?}", Token::parse(&text).unwrap());
    assert_eq!(printed, "Token { algorithm: Es256, .. }");
    assert!(text.contains(&base64(HEADER)));
}
