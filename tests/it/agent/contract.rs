//! The contract of AWS's agent beside its answers, which `requests` has: that a pod gets its own credentials whatever it
//! sends, how many requests are answered, and who is asked for what.

use futures_util::future::join_all;
use serde_json::json;

use super::issuer::{self, Issuer};
use super::{Node, ROLE};
use crate::support::client;

#[tokio::test]
async fn good_requests_are_answered_with_the_pods_own_credentials() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    for head in [
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\n",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23:80\r\n",
        "GET /v1/credentials HTTP/1.1\r\nHost: [fd00:ec2::23]\r\n",
        "GET /v1/credentials HTTP/1.1\r\nHost: [fd00:ec2::23]:80\r\n",
        "GET /v1/credentials?x=y HTTP/1.1\r\nHost: 169.254.170.23\r\n",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAccept: application/json\r\nUser-Agent: Boto3/1.44\r\n",
        "POST /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 0\r\n",
        "PUT /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 0\r\n",
        "GET /v1/credentials HTTP/1.0\r\nHost: 169.254.170.23\r\n",
    ] {
        let answer = node.send(&format!("{head}Authorization: {token}\r\n")).await;
        assert_eq!(answer.identity(), ("ASIA-p1".to_owned(), ROLE.to_owned()), "{head}");
        assert!(answer.head.contains("\r\ncontent-type: application/json"), "{}", answer.head);
        let order =
            ["{\"AccessKeyId\":", "\"SecretAccessKey\":", "\"Token\":", "\"AccountId\":", "\"Expiration\":"];
        let places: Vec<_> = order.iter().map(|member| answer.body.find(member).unwrap()).collect();
        assert!(places.is_sorted(), "{}", answer.body);
    }
    assert_eq!((node.upstream.calls(), node.api.traffic().reviews), (1, 1));
}

#[tokio::test]
async fn what_is_no_token_is_refused_without_anybody_being_asked() {
    let node = Node::start(&[]).await;
    let good = node.token("p1");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    for (token, words) in [
        (format!("Bearer {good}"), "Service account token cannot be parsed: "),
        ("x".to_owned(), "Service account token cannot be parsed: "),
        ("a.b".to_owned(), "Service account token cannot be parsed: "),
        ("a.b.c.d".to_owned(), "Service account token cannot be parsed: "),
        (format!("{header}.{claims}."), "(InvalidTokenException): "),
        (format!("{header}.{claims}.{}", &signature[..20]), "(InvalidTokenException): "),
        (format!("{good}="), "Service account token cannot be parsed: "),
        (format!("{good}.{good}"), "Service account token cannot be parsed: "),
        ("t".repeat(12_000), "Service account token cannot be parsed: "),
    ] {
        let answer = node.ask(&token).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.starts_with(words) && answer.body.ends_with('\n'), "{answer:?}");
        assert!(!answer.body.contains(signature), "{answer:?}");
    }
    assert_eq!((node.upstream.calls(), node.api.traffic().reviews), (0, 0));
}

#[tokio::test]
async fn forged_tokens_are_refused_before_anything_is_looked_up() {
    let node = Node::start(&[]).await;
    let claims = issuer::claims("orders", "p1");
    let stranger = Issuer::new("key-1");
    let unknown = Issuer::new("key-9");
    let good = node.token("p1");
    node.ask(&good).await.json();
    let signature = good.rsplit_once('.').unwrap().1;
    let own = |pod: &str| node.issuer.sign(&issuer::claims("orders", pod));
    let swapped = format!("{}.{signature}", own("p2").rsplit_once('.').unwrap().0);
    for (what, token) in [
        ("another's key under our id", stranger.sign(&claims)),
        ("another's key", unknown.sign(&claims)),
        ("no signature", node.issuer.sign_under(&json!({ "alg": "none" }), &claims)),
        ("a shared secret", node.issuer.sign_under(&json!({ "alg": "HS256", "kid": "key-1" }), &claims)),
        ("another algorithm", node.issuer.sign_under(&json!({ "alg": "RS256", "kid": "key-1" }), &claims)),
        ("another curve", node.issuer.sign_under(&json!({ "alg": "ES384", "kid": "key-1" }), &claims)),
        ("a signature of another token", swapped),
    ] {
        let answer = node.ask(&token).await;
        assert_eq!(answer.status, 400, "{what}: {answer:?}");
    }
    assert_eq!((node.upstream.calls(), node.api.traffic().reviews), (1, 1));
}

#[tokio::test]
async fn more_requests_than_are_answered_a_second_are_told_so() {
    let node = Node::start(&["--max-requests-per-second=10"]).await;
    let token = node.token("p1");
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(node.ask(&token).await);
    }
    let refused: Vec<_> = statuses.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 10, "{}", refused.len());
    assert!(refused.iter().all(|answer| answer.body == "Too Many Requests\n"));
    assert_eq!(statuses[0].status, 200);
}

#[tokio::test]
async fn probes_and_metrics_are_those_of_awss_agent() {
    let node = Node::start(&["--max-requests-per-second=100"]).await;
    let token = node.token("p1");
    node.ask(&token).await;
    // More at once than the rate allows within seconds.
    join_all((0..100).map(|_| node.ask(&token))).await;
    node.send("GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\n").await;
    // Probes take nothing of what pods may ask, and are refused nothing.
    for address in [node.probes, node.metrics] {
        for path in ["/healthz", "/readyz"] {
            for _ in 0..10 {
                assert_eq!(client::get_plain(address, path).await.status, 200, "{path}");
            }
        }
    }
    for name in [
        r#"pod_identity_http_response{code="200"}"#,
        r#"pod_identity_http_response{code="429"}"#,
        r#"pod_identity_cache_state{state="hit"}"#,
        r#"pod_identity_cache_state{state="miss"}"#,
        r#"pod_identity_local_validation{result="success"}"#,
        r#"pod_identity_local_validation{result="skipped"}"#,
        "pod_identity_agent_cached_pods",
    ] {
        assert!(client::metric(node.metrics, name).await.is_some_and(|value| value >= 1.0), "{name}");
    }
}
