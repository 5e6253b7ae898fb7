//! EKS Auth as the upstream: it knows the associations and verifies every token itself, and AWS's `DaemonSet` gives the agent
//! no right but that of every ServiceAccount.

use super::{Node, issuer};
use crate::support::fake_api::{Fault, Route};

#[tokio::test]
async fn without_the_right_to_review_tokens_eks_auths_word_is_enough() {
    let (api, issuer) = Node::cluster().await;
    api.set_fault_of_tokens(Route::Review, Fault::Status(403));
    let node = Node::start_on(api, issuer, &["--upstream=eks-auth"]).await;
    let answer = node.ask(&node.token("p1")).await;
    assert_eq!(answer.identity(), ("ASIA-p1".to_owned(), String::new()));
    assert_eq!(node.upstream.calls(), 1);
    // The cluster's keys are asked as ever: what nobody has signed gets nothing that is held.
    let stranger = issuer::Issuer::new("key-1");
    let forged = node.ask(&stranger.sign(&issuer::claims("orders", "p1"))).await;
    assert_eq!((forged.status, node.upstream.calls()), (400, 1), "{forged:?}");
}

#[tokio::test]
async fn an_api_server_that_is_silent_or_denies_is_not_passed_over() {
    let (api, issuer) = Node::cluster().await;
    api.set_fault_of_tokens(Route::Review, Fault::Status(500));
    let node = Node::start_on(api, issuer, &["--upstream=eks-auth"]).await;
    let token = node.token("p1");
    assert_eq!(node.ask(&token).await.status, 503);
    node.api.set_fault_of_tokens(Route::Review, Fault::None);
    let unknown = node.issuer.sign(&issuer::claims("orders", "p2"));
    let denied = node.ask(&unknown).await;
    assert_eq!(denied.status, 400, "{denied:?}");
    assert_eq!(node.upstream.calls(), 0);
}

#[tokio::test]
async fn where_sts_is_asked_the_right_is_needed() {
    let (api, issuer) = Node::cluster().await;
    api.set_fault_of_tokens(Route::Review, Fault::Status(403));
    let node = Node::start_on(api, issuer, &[]).await;
    assert_eq!(node.ask(&node.token("p1")).await.status, 503);
    assert_eq!(node.upstream.calls(), 0);
}
