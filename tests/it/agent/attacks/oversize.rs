//! Tokens as large as can be sent, and with as much in them as they can hold.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ATTACKER, Pod, assert_served, head};
use crate::agent::Node;
use crate::agent::issuer::claims;

/// Bytes of a head, at most.
const HEAD: usize = 16 << 10;

/// A token that the API server signs, with this further claim.
fn token(node: &Node, name: &str, claim: Value) -> String {
    let mut claims = claims("orders", "p1");
    claims[name] = claim;
    let token = node.issuer.sign(&claims);
    node.api.confirm_token(&token, "account-orders", "p1");
    token
}

/// As many brackets within brackets.
fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn a_token_may_be_as_large_as_a_head_and_what_is_larger_is_refused_by_its_head() {
    let node = Node::start(&[]).await;
    let small = token(&node, "filler", json!(""));
    // Base64 makes four characters of three.
    let room = (HEAD - head(&small).len()) / 4 * 3;
    let largest = token(&node, "filler", json!("x".repeat(room - 8)));
    assert!((HEAD - 100..HEAD).contains(&head(&largest).len()), "{}", head(&largest).len());
    let mut pod = Pod::connect(ATTACKER, node.address).await.unwrap();
    assert_eq!(pod.ask(&largest).await.unwrap(), 200);
    let beyond = token(&node, "filler", json!("x".repeat(room + 3000)));
    let mut pod = Pod::connect(ATTACKER, node.address).await.unwrap();
    assert_eq!(pod.ask(&beyond).await.unwrap(), 431);
    assert_served(&node, &small).await;
}

/// Asserts that it is no good token, for a reason with these words, and that nothing of it is repeated.
async fn assert_refused(node: &Node, token: &str, words: &str) {
    let answer = node.ask(token).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains(words) && answer.body.len() < 300, "{words:?}: {answer:?}");
}

#[tokio::test]
async fn headers_and_claims_that_are_full_or_deep_are_read_or_refused() {
    let node = Node::start(&[]).await;
    let good = node.token("p1");
    let parts: Vec<_> = good.split('.').collect();
    let under = |header: String| {
        let header = URL_SAFE_NO_PAD.encode(header);
        format!("{header}.{}.{}", parts[1], parts[2])
    };
    let many = |member: &dyn Fn(usize) -> String| (0..700).map(member).collect::<Vec<_>>().join(",");
    let kids = many(&|number| format!(r#""kid":"{number}""#));
    let members = many(&|number| format!(r#""k{number}":0"#));
    let listed = many(&|number| format!(r#""{number}""#));
    for (header, words) in [
        (format!(r#"{{"alg":"ES256",{kids}}}"#), "twice"),
        (format!(r#"{{"alg":"ES256","kid":"key-1",{members}}}"#), "signature"),
        (format!(r#"{{"alg":"ES256","kid":[{listed}]}}"#), "\"kid\""),
        (format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(8000)), "publishes"),
        (format!(r#"{{"alg":"ES256","kid":{}}}"#, deep(4000)), "\"kid\""),
        (format!(r#"{{"alg":"ES256","kid":"key-1","x":{}}}"#, deep(4000)), "signature"),
    ] {
        assert_refused(&node, &under(header), words).await;
    }
    // Claims count only under a signature, and are read before it is verified.
    let with = |name: &str, value: String| {
        let mut claims = claims("orders", "p1");
        claims.as_object_mut().unwrap().remove(name);
        let text = claims.to_string();
        let text = format!(r#"{},"{name}":{value}}}"#, text.strip_suffix('}').unwrap());
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(text), parts[2])
    };
    for (name, value, words) in [
        ("x", deep(4000), "signature"),
        ("x", "[".repeat(8000), "JSON"),
        ("x", format!("{{{members}}}"), "signature"),
        ("aud", deep(4000), "\"aud\""),
        ("aud", format!("[{listed}]"), "signature"),
        ("kubernetes.io", deep(4000), "\"kubernetes.io\""),
        ("kubernetes.io", format!("{{{kids}}}"), "twice"),
    ] {
        assert_refused(&node, &with(name, value), words).await;
    }
    assert_served(&node, &good).await;
    assert_eq!((node.upstream.calls(), node.api.traffic().reviews), (1, 1));
}
