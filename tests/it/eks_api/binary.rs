//! The whole path, in the real binary: from the flag to the patch, and what the log says.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpSocket;
use tokio::time::Instant;

use super::stand_in::{Fault, KEYS, SECRET, SESSION, StandIn};
use super::{CLUSTER, REGION};
use crate::support::client::Answer;
use crate::support::process::Process;
use crate::support::reviews;

const FLAGS: [&str; 3] = ["--watch-eks-api", "--eks-cluster-name=prod", "--shutdown-delay=0"];

/// The binary, with credentials in its environment.
pub(super) async fn start(eks_url: &str, flags: &[&str]) -> Process {
    let environment = [
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_EKS", eks_url),
        ("AWS_ACCESS_KEY_ID", KEYS[0]),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SESSION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    Process::start_with(&[&FLAGS, flags].concat(), &environment).await
}

/// What is answered for a pod of this account, with EKS' label or without.
pub(super) async fn admit(process: &Process, account: &str, has_label: bool) -> Answer {
    let mut review = reviews::review(account);
    if has_label {
        let labels = json!({"eks.amazonaws.com/pod-identity": "enabled"});
        review["request"]["object"]["metadata"]["labels"] = labels;
    }
    process.client.post("/mutate", review.to_string()).await
}

pub(super) fn is_injected(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()["response"].get("patch").is_some()
}

#[tokio::test]
async fn pods_get_the_associations_of_a_poll_and_those_that_opted_in_younger_ones() {
    let eks = StandIn::start().await;
    eks.put("shop", "plain");
    let process = start(&eks.url(), &[]).await;
    process.logged("source read for the first time").await;
    assert!(is_injected(&admit(&process, "plain", false).await));
    eks.put_young("shop", "young");
    assert!(!is_injected(&admit(&process, "young", false).await));
    assert!(is_injected(&admit(&process, "young", true).await));
    assert_eq!(eks.look_ups().len(), 1);
    let serving = process.logged(" serving ").await;
    assert!(serving.contains(" watch-eks-api=prod "), "{serving}");
    assert_eq!(process.admin("/readyz").await.status, 200);
    for (metric, value) in [
        ("entries{source=\"eks-api\"}", 1.0),
        ("errors_total{source=\"eks-api\"}", 0.0),
        ("lookups_total{result=\"found\",source=\"eks-api\"}", 1.0),
    ] {
        let name = format!("pod_identity_webhook_source_{metric}");
        assert_eq!(process.metric(&name).await, Some(value), "{metric}");
    }
}

#[tokio::test]
async fn a_pod_that_opted_in_is_to_be_asked_again_while_eks_cannot_say() {
    let eks = StandIn::start().await;
    let process = start(&eks.url(), &[]).await;
    process.logged("source read for the first time").await;
    eks.set_fault(Fault::Throttled);
    let answer = admit(&process, "plain", true).await;
    answer.assert_status(503, "ServiceUnavailable");
    assert_eq!((answer.header("retry-after"), answer.header("connection")), ("1", "close"));
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("failed to look up an association of shop/plain in eks-api: "), "{message}");
    // A pod that did not opt in is not injected, nor is one whose account has a role.
    assert!(!is_injected(&admit(&process, "plain", false).await));
    assert!(is_injected(&admit(&process, "orders", true).await));
}

#[tokio::test]
async fn is_not_ready_before_eks_has_answered_and_says_why_once() {
    let port = TcpSocket::new_v4().unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = port.local_addr().unwrap();
    let process = start(&format!("http://{address}"), &[]).await;
    let line = process.logged("cannot be read").await;
    assert!(line.contains("failed to reach EKS: ") && line.contains("nothing: not ready"), "{line}");
    assert_eq!(process.admin("/readyz").await.status, 503);
    let answer = admit(&process, "orders", false).await;
    answer.assert_status(503, "ServiceUnavailable");
    let eks = StandIn::start_on(port);
    eks.put("shop", "plain");
    process.logged("source read for the first time").await;
    assert_eq!(process.admin("/readyz").await.status, 200);
    assert!(is_injected(&admit(&process, "plain", false).await));
    assert_eq!(process.log().iter().filter(|line| line.contains("cannot be read")).count(), 1);
}

/// Prints what it measured: `cargo test --features eks-api five_thousand -- --nocapture`.
#[tokio::test]
async fn five_thousand_associations_are_there_within_ten_seconds_and_small() {
    let eks = StandIn::start().await;
    eks.put_many(5000);
    eks.hold();
    let process = start(&eks.url(), &[]).await;
    eks.wait_for_lists(1).await;
    let memory = async || process.metric("process_resident_memory_bytes").await.unwrap() / f64::from(1 << 20);
    let before = memory().await;
    let began = Instant::now();
    eks.release();
    process.logged("entries=5000").await;
    let (took, after) = (began.elapsed(), memory().await);
    println!("50 pages in {took:?}; resident before {before:.1} MiB, after {after:.1} MiB");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(after - before < 16.0, "{before} MiB, then {after} MiB");
}

#[tokio::test]
async fn the_log_has_no_secret_at_any_verbosity() {
    let eks = StandIn::start().await;
    eks.set_faults(Fault::NotAccepted, 1, 0);
    let process = start(&eks.url(), &["-v=6"]).await;
    process.logged("EKS does not accept the webhook's credentials").await;
    process.logged("source read for the first time").await;
    eks.put_young("shop", "young");
    assert!(is_injected(&admit(&process, "young", true).await));
    let log = process.log().join("\n");
    assert!(log.contains("TRACE"), "{log}");
    for secret in [SECRET, SESSION, "AWS4-HMAC-SHA256", "Signature="] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    assert!(eks.lists().iter().all(|list| list.cluster == CLUSTER));
}
