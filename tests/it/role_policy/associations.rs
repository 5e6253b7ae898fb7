//! `/validate/associations`: whether an association may be written, by the same policy.

use http::StatusCode;
use serde_json::{Value, json};

use super::{NAME, flag, server};
use crate::support::mounted::Files;
use crate::support::server::Server;

const PATH: &str = "/validate/associations?timeout=5s";
const SEARCH: &str = "arn:aws:iam::123456789012:role/search";
const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
const POLICY: &str = "rules:\n- namespaces: [shop]\n  roles: ['arn:aws:iam::123456789012:role/search']\n";

fn review(spec: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop", "name": "search",
            "object": {"metadata": {"name": "search"}, "spec": spec},
        },
    })
}

async fn answered(server: &Server, spec: Value) -> Value {
    let answer = server.client.post(PATH, review(&spec).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut answer = answer.json();
    assert_eq!((&answer["kind"], &answer["response"]["uid"]), (&json!("AdmissionReview"), &json!("u-1")));
    answer["response"].take()
}

#[tokio::test]
async fn an_association_of_a_role_that_the_policy_forbids_is_refused_in_words() {
    let files = Files::plain(&[(NAME, POLICY)]);
    let server = server(&files.path(NAME)).await;
    server.wait_until_ready().await;
    let allowed = json!({"uid": "u-1", "allowed": true});
    assert_eq!(answered(&server, json!({"roleArn": SEARCH})).await, allowed);
    for spec in [json!({"roleArn": ADMIN}), json!({"roleArn": SEARCH, "targetRoleArn": ADMIN})] {
        let denied = answered(&server, spec).await;
        assert_eq!((&denied["allowed"], &denied["status"]["code"]), (&json!(false), &json!(403)));
        let message = denied["status"]["message"].as_str().unwrap();
        let start = format!("the role policy {} does not allow \"{ADMIN}\" for", files.path(NAME).display());
        assert!(message.starts_with(&start), "{message}");
    }
    // The definition refuses these after the webhook has seen them.
    for spec in [json!({}), json!(null), json!({"roleArn": 7}), json!({"roleArn": {"a": [1]}})] {
        assert_eq!(answered(&server, spec).await, allowed);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_policy_that_warns_lets_it_be_written() {
    let files = Files::plain(&[(NAME, POLICY)]);
    let server =
        Server::on_manifests([super::WORLD, &flag(&files.path(NAME)), "--role-policy-mode=warn"]).await;
    server.wait_until_ready().await;
    let warned = answered(&server, json!({"roleArn": ADMIN})).await;
    assert_eq!(warned["allowed"], json!(true));
    assert!(warned["warnings"][0].as_str().unwrap().contains("does not allow"), "{warned}");
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_allowed_before_the_policy_was_read() {
    let files = Files::plain(&[]);
    let server = server(&files.path(NAME)).await;
    let answer = server.client.post(PATH, review(&json!({"roleArn": SEARCH})).to_string()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_review_is_refused() {
    let files = Files::plain(&[(NAME, POLICY)]);
    let server = server(&files.path(NAME)).await;
    server.wait_until_ready().await;
    let mut other = review(&json!({"roleArn": SEARCH}));
    other["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let nested = format!("{{\"request\":{{\"uid\":\"u\",\"object\":{}", "[".repeat(100_000));
    for body in [other.to_string(), "{}".to_owned(), "null".to_owned(), String::new(), nested] {
        let answer = server.client.post(PATH, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_about_roles_here_is_none_of_the_policys_business() {
    let files = Files::plain(&[(NAME, POLICY)]);
    let flags = [flag(&files.path(NAME)), "--eks-cluster-name=prod".to_owned()];
    let server = Server::on_manifests([&[super::WORLD.to_owned()], &flags[..]].concat()).await;
    server.wait_until_ready().await;
    let answered = async |request: Value| {
        let mut review = review(&json!({}));
        review["request"].as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        let answer = server.client.post(PATH, review.to_string()).await;
        answer.json()["response"]["allowed"].as_bool().unwrap()
    };
    let object = |spec: Value| json!({"metadata": {"name": "search"}, "spec": spec});
    let forbidden = object(json!({"roleArn": ADMIN}));
    assert!(!answered(json!({"object": forbidden})).await);
    // Labels of an association that the policy does not allow any more, and the end of its deletion.
    assert!(answered(json!({"object": forbidden, "oldObject": forbidden})).await);
    let ending =
        json!({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}, "spec": {"roleArn": ADMIN}});
    assert!(answered(json!({"object": ending, "oldObject": object(json!({"roleArn": SEARCH}))})).await);
    assert!(!answered(json!({"object": forbidden, "oldObject": object(json!({"roleArn": SEARCH}))})).await);
    // One for another cluster, until it is for this one.
    let elsewhere = object(json!({"roleArn": ADMIN, "clusterName": "test"}));
    let here = object(json!({"roleArn": ADMIN, "clusterName": "prod"}));
    assert!(answered(json!({"object": elsewhere})).await);
    assert!(!answered(json!({"object": here, "oldObject": elsewhere})).await);
    assert!(!answered(json!({"object": forbidden, "oldObject": elsewhere})).await);
    server.stop().await;
}
