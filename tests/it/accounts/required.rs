//! Pods that must have an identity: refused only after everything that can be asked was asked.

use serde_json::{Value, json};

use super::{ORDERS, Said, Webhook, annotation, read, review, shop};
use crate::support::client::Answer;
use crate::support::fake_api::{Fault, Route};

/// The review of a pod whose label requires an identity.
fn labelled(account: &str) -> String {
    let mut review: Value = serde_json::from_str(&review("shop", account)).unwrap();
    review["request"]["object"]["metadata"]["labels"] = json!({"eks.amazonaws.com/require-identity": "true"});
    review.to_string()
}

impl Webhook {
    async fn admit_labelled(&self, account: &str) -> Answer {
        self.server.client.post("/mutate?timeout=10s", labelled(account)).await
    }
}

/// The message to the user who makes the pod.
fn denial(answer: &Answer) -> String {
    assert_eq!(answer.status, 200);
    let response = &answer.json()["response"];
    assert_eq!(response["allowed"], json!(false));
    assert_eq!(response["status"]["code"], json!(403));
    assert_eq!(response["auditAnnotations"]["outcome"], json!("required_identity_missing"));
    assert!(response.get("patch").is_none());
    response["status"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pod_without_its_required_identity_is_refused_and_told_what_was_asked() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    let message = denial(&webhook.admit_labelled("gains").await);
    assert!(
        message.starts_with(
            "ServiceAccount shop/gains has no AWS identity, but the pod's label \
             eks.amazonaws.com/require-identity requires an identity; the webhook asked service-accounts: "
        ),
        "{message}"
    );
    let message = denial(&webhook.admit_labelled("absent").await);
    assert!(message.starts_with("ServiceAccount shop/absent does not exist, "), "{message}");
    // A pod with an identity gets it, and a pod that requires none is admitted.
    assert_eq!(read(&webhook.admit_labelled("orders").await), Said::Role(ORDERS.to_owned()));
    assert_eq!(webhook.admit("shop", "gains").await, Said::Nothing);
}

#[tokio::test]
async fn a_namespace_requires_it_by_the_path_that_its_registration_calls() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    let post = async |account| webhook.server.client.post("/mutate/required", review("shop", account)).await;
    let message = denial(&post("gains").await);
    assert!(message.contains(", but the namespace's label "), "{message}");
    assert_eq!(read(&post("orders").await), Said::Role(ORDERS.to_owned()));
}

#[tokio::test]
async fn an_identity_that_no_container_can_use_is_none_whoever_requires_it() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    for (path, review, whose) in [
        ("/mutate", labelled("orders"), "the pod's label"),
        ("/mutate/required", review("shop", "orders"), "the namespace's label"),
    ] {
        let mut review: Value = serde_json::from_str(&review).unwrap();
        let containers = &mut review["request"]["object"]["spec"]["containers"];
        for container in containers.as_array_mut().unwrap() {
            container["env"] = json!([{"name": "AWS_ROLE_ARN", "value": ORDERS}]);
        }
        let answer = webhook.server.client.post(path, review.to_string()).await;
        let response = &answer.json()["response"];
        assert_eq!(response["auditAnnotations"]["outcome"], json!("required_identity_unused"), "{path}");
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(whose), "{message}");
        assert!(message.contains("(AWS_ROLE_ARN without AWS_WEB_IDENTITY_TOKEN_FILE)"), "{message}");
    }
}

#[tokio::test]
async fn nobody_is_refused_by_what_the_watch_told_before_the_account_is_looked_up() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    // The watch is quiet, and has told of an account without a role.
    api.put_unannounced("shop", "gains", &annotation(ORDERS));
    assert_eq!(webhook.admit("shop", "gains").await, Said::Nothing);
    api.forget_requests();
    assert_eq!(read(&webhook.admit_labelled("gains").await), Said::Role(ORDERS.to_owned()));
    assert_eq!(api.traffic().gets_of("shop", "gains"), 1);
}

#[tokio::test]
async fn an_account_that_cannot_be_looked_up_is_no_denial() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    for fault in [Fault::Status(500), Fault::Status(403), Fault::Hang] {
        api.set_fault(Route::Get, fault);
        assert_eq!(read(&webhook.admit_labelled("gains").await), Said::Unavailable);
        assert_eq!(read(&webhook.admit_labelled("orders").await), Said::Role(ORDERS.to_owned()));
    }
    api.set_fault(Route::Get, Fault::None);
    denial(&webhook.admit_labelled("gains").await);
}
