//! What a verified token must say.

use std::time::Duration;

use serde_json::{Value, json};
use tokens::{ClaimError, Expected};

use super::signer::{ES256, KEYS, with};
use super::{AUDIENCE, EXPIRES, ISSUED, ISSUER, Refusal, at, expected, good_claims, good_subject, judge};

#[test]
fn each_claim_is_held_to_what_is_expected() {
    for (pointer, value, error) in [
        ("/iss", Value::Null, ClaimError::Issuer),
        ("/iss", json!(""), ClaimError::Issuer),
        ("/iss", json!(format!("{ISSUER}/")), ClaimError::Issuer),
        ("/iss", json!(ISSUER.to_uppercase()), ClaimError::Issuer),
        ("/iss", json!(&ISSUER[..ISSUER.len() - 1]), ClaimError::Issuer),
        ("/iss", json!("https://issuer.example"), ClaimError::Issuer),
        ("/aud", Value::Null, ClaimError::Audience),
        ("/aud", json!([]), ClaimError::Audience),
        ("/aud", json!([""]), ClaimError::Audience),
        ("/aud", json!("sts.amazonaws.com"), ClaimError::Audience),
        ("/aud", json!(["sts.amazonaws.com", "pods.eks.amazonaws.com.example"]), ClaimError::Audience),
        ("/exp", Value::Null, ClaimError::NeverExpires),
        ("/exp", json!(0), ClaimError::Expired),
        ("/nbf", json!(EXPIRES - 1), ClaimError::NotYetValid),
        ("/iat", json!(EXPIRES - 1), ClaimError::IssuedInFuture),
        ("/kubernetes.io", Value::Null, ClaimError::NotKubernetes),
        ("/kubernetes.io/namespace", Value::Null, ClaimError::NoNamespace),
        ("/kubernetes.io/namespace", json!(""), ClaimError::NoNamespace),
        ("/kubernetes.io/serviceaccount", Value::Null, ClaimError::NoServiceAccount),
        ("/kubernetes.io/serviceaccount/name", Value::Null, ClaimError::NoServiceAccount),
        ("/kubernetes.io/serviceaccount/uid", Value::Null, ClaimError::NoServiceAccountUid),
        ("/kubernetes.io/serviceaccount/uid", json!(""), ClaimError::NoServiceAccountUid),
        ("/kubernetes.io/pod", Value::Null, ClaimError::NoPod),
        ("/kubernetes.io/pod/name", Value::Null, ClaimError::NoPod),
        ("/kubernetes.io/pod/uid", Value::Null, ClaimError::NoPodUid),
        ("/kubernetes.io/pod/uid", json!(""), ClaimError::NoPodUid),
        ("/sub", Value::Null, ClaimError::Subject),
        ("/sub", json!("system:serviceaccount:shop:admin"), ClaimError::Subject),
        ("/sub", json!("system:serviceaccount:kube-system:orders"), ClaimError::Subject),
        ("/sub", json!("system:serviceaccount:shop:orders:"), ClaimError::Subject),
        ("/sub", json!("system:serviceaccounts:shop:orders"), ClaimError::Subject),
        ("/sub", json!("system:node:node-1"), ClaimError::Subject),
        ("/kubernetes.io/namespace", json!("kube-system"), ClaimError::Subject),
        ("/kubernetes.io/serviceaccount/name", json!("admin"), ClaimError::Subject),
    ] {
        // Null is to say that the claim is not there.
        let claims = with(good_claims(), pointer, Some(value.clone()).filter(|value| !value.is_null()));
        let refusal = judge(&ES256.token(&claims), &KEYS, &expected());
        assert_eq!(refusal, Err(Refusal::Claim(error)), "{pointer} {value}");
    }
}

#[test]
fn times_are_held_to_the_second_and_the_leeway() {
    let judged = |claims: &Value, now: u64, leeway: u64| {
        let expected = Expected { now: at(now), leeway: Duration::from_secs(leeway), ..expected() };
        judge(&ES256.token(claims), &KEYS, &expected).err()
    };
    let refusal = |error| Some(Refusal::Claim(error));
    let good = good_claims();
    for leeway in [0, 60] {
        assert_eq!(judged(&good, EXPIRES + leeway - 1, leeway), None);
        assert_eq!(judged(&good, EXPIRES + leeway, leeway), refusal(ClaimError::Expired));
        let [nbf, iat] = ["/iat", "/nbf"].map(|other| with(good_claims(), other, None));
        for (claims, error) in [(nbf, ClaimError::NotYetValid), (iat, ClaimError::IssuedInFuture)] {
            assert_eq!(judged(&claims, ISSUED - leeway, leeway), None);
            assert_eq!(judged(&claims, ISSUED - leeway - 1, leeway), refusal(error));
        }
    }
    // A fraction of a second counts, and no date or leeway is too large to reckon with.
    let half = with(good, "/exp", json!(1_764_626_399.5));
    assert_eq!(judged(&half, EXPIRES - 1, 0), None);
    assert_eq!(judged(&half, EXPIRES, 0), refusal(ClaimError::Expired));
    let last = with(good_claims(), "/exp", json!(253_402_300_799_u64));
    assert_eq!(judged(&last, EXPIRES, u64::MAX), None);
}

#[test]
fn any_of_several_issuers_and_audiences_is_right() {
    let text = ES256.token(&good_claims());
    let both = Expected {
        issuers: &["https://old.example", ISSUER],
        audiences: &["sts.amazonaws.com", AUDIENCE],
        ..expected()
    };
    assert_eq!(judge(&text, &KEYS, &both), Ok(good_subject()));
    let no_issuer = Expected { issuers: &[], ..both };
    assert_eq!(judge(&text, &KEYS, &no_issuer), Err(Refusal::Claim(ClaimError::Issuer)));
    let no_audience = Expected { audiences: &[], ..both };
    assert_eq!(judge(&text, &KEYS, &no_audience), Err(Refusal::Claim(ClaimError::Audience)));
}
