//! Tokens and sets with something else in them: read or refused, and never somebody's.

use proptest::prelude::*;
use proptest::sample::Index;
use tokens::{JsonWebKeySet, Token};

use super::signer::{ES256, ES384, ES512, KEYS, RS256, Signer, signed};
use super::{expected, good_claims, judge};

fn signers() -> [&'static Signer; 4] {
    [&RS256, &ES256, &ES384, &ES512]
}

/// Every character of a token, each as two others.
#[test]
fn any_one_character_changed_is_refused() {
    for signer in signers() {
        let token = signer.token(&good_claims());
        assert!(judge(&token, &KEYS, &expected()).is_ok());
        for (index, character) in token.char_indices() {
            for other in ['A', 'B', 'z'].into_iter().filter(|other| *other != character).take(2) {
                let changed = format!("{}{other}{}", &token[..index], &token[index + 1..]);
                assert!(judge(&changed, &KEYS, &expected()).is_err(), "{changed}");
            }
        }
    }
}

#[test]
fn any_beginning_or_end_of_a_token_is_refused() {
    for signer in signers() {
        let token = signer.token(&good_claims());
        for index in 1..token.len() {
            assert!(judge(&token[..index], &KEYS, &expected()).is_err(), "{index}");
            assert!(judge(&token[index..], &KEYS, &expected()).is_err(), "{index}");
        }
    }
}

/// One edit of bytes, at a place and with bytes of its own.
fn edited(mut bytes: Vec<u8>, edits: &[(Index, Index, Vec<u8>)]) -> Vec<u8> {
    for (from, length, with) in edits {
        let from = from.index(bytes.len() + 1);
        let to = (from + length.index(9)).min(bytes.len());
        bytes.splice(from..to, with.iter().copied());
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(Index, Index, Vec<u8>)>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6),
        "[A-Za-z0-9_.=-]{0,6}".prop_map(String::into_bytes),
        r#"[\[\]{}":,0-9a-z\\]{0,6}"#.prop_map(String::into_bytes),
    ];
    proptest::collection::vec((any::<Index>(), any::<Index>(), piece), 1..6)
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Token::parse(&text);
        let _ = JsonWebKeySet::parse(text.as_bytes());
    }

    #[test]
    fn an_edited_token_is_refused(edits in edits()) {
        let token = ES256.token(&good_claims());
        let changed = edited(token.clone().into_bytes(), &edits);
        if let Ok(changed) = String::from_utf8(changed) && changed != token {
            prop_assert!(judge(&changed, &KEYS, &expected()).is_err());
        }
    }

    /// The signature is right: what is read of the claims is the issuer's own, whatever that is.
    #[test]
    fn edited_claims_that_are_signed_are_read_or_refused(edits in edits()) {
        let claims = edited(good_claims().to_string().into_bytes(), &edits);
        if let Ok(subject) = judge(&ES256.token_of(HEADER, &claims), &KEYS, &expected()) {
            prop_assert!(!subject.pod_uid.is_empty() && !subject.service_account_uid.is_empty());
        }
    }

    #[test]
    fn an_edited_header_never_verifies_unless_it_says_the_same(edits in edits()) {
        let header = edited(HEADER.into(), &edits);
        if let Ok(header) = String::from_utf8(header) && header != HEADER {
            let (_, signature) = ES256_TOKEN.rsplit_once('.').unwrap();
            let token = format!("{}.{signature}", signed(&header, good_claims().to_string()));
            prop_assert!(judge(&token, &KEYS, &expected()).is_err());
        }
    }

    #[test]
    fn an_edited_set_is_read_or_refused(edits in edits()) {
        let set = serde_json::json!({ "keys": [RS256.jwk, ES256.jwk, ES384.jwk, ES512.jwk] }).to_string();
        if let Ok(set) = JsonWebKeySet::parse(&edited(set.into_bytes(), &edits)) {
            prop_assert!(set.keys().iter().all(|key| tokens::kid_of_spki(key.spki()).len() == 43));
        }
    }
}

const HEADER: &str = r#"{"alg":"ES256","kid":"p256"}"#;

static ES256_TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| ES256.token(&good_claims()));
