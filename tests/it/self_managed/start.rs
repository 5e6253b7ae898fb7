//! A first start, and what the objects have then.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use super::cluster::{Cluster, REGISTRATION, SECRET, bundles, registration};
use super::replica::{PERIODS, Replica, Time, until};

#[tokio::test(start_paused = true)]
async fn replica_is_ready_once_every_entry_trusts_it() {
    let (cluster, time) = (Cluster::new(&["a", "b", "c"]), Time::begin());
    let replica = Replica::start(&cluster, time, PERIODS);
    let took = until("it is ready", || {
        if replica.is_ready() {
            replica.accepted(&cluster, time).unwrap();
        }
        replica.is_ready()
    });
    assert!(took.await < Duration::from_secs(3));
    let registered = cluster.get(REGISTRATION).unwrap();
    for bundle in bundles(&registered) {
        assert_eq!(bundle.len(), 1);
    }
    // Nothing else changed.
    let mut bare = registered.clone();
    for entry in bare["webhooks"].as_array_mut().unwrap() {
        entry["clientConfig"].as_object_mut().unwrap().remove("caBundle");
    }
    bare["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(bare, registration(&["a", "b", "c"]));
    let secret = cluster.get(SECRET).unwrap();
    let keys: Vec<_> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "ca.key"]);
    assert_eq!(secret["metadata"]["labels"], json!({"kept": "yes"}));
    // The leaf's key is nowhere but in the replica.
    let key = STANDARD.decode(secret["data"]["ca.key"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
}

/// The replica before it may be gone already.
#[tokio::test(start_paused = true)]
async fn replica_that_finds_everything_as_it_should_be_is_ready_at_once() {
    let (cluster, time) = (Cluster::new(&["a", "b"]), Time::begin());
    let first = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || first.is_ready()).await;
    let next = Replica::start(&cluster, time, PERIODS);
    let took = until("the next one is ready", || next.is_ready()).await;
    next.accepted(&cluster, time).unwrap();
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_together_agree() {
    let (cluster, time) = (Cluster::new(&["a", "b"]), Time::begin());
    let replicas = [(); 5].map(|()| Replica::start(&cluster, time, PERIODS));
    until("all are ready", || replicas.iter().all(Replica::is_ready)).await;
    for replica in &replicas {
        replica.accepted(&cluster, time).unwrap();
    }
    for bundle in bundles(&cluster.get(REGISTRATION).unwrap()) {
        assert_eq!(bundle.len(), 1, "one authority for all");
    }
    let conflicts =
        cluster.calls().iter().filter(|(method, _, code)| (method, *code) == (&Method::PUT, 409)).count();
    assert!(conflicts > 0, "they never met: the test proves nothing");
}

#[tokio::test(start_paused = true)]
async fn what_ran_before_stays_trusted_while_its_leaves_may_live() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    let other = pod_identity_webhook::certificates::Authority::new().unwrap().certificate_pem();
    cluster.change(REGISTRATION, |object| {
        object["webhooks"][0]["clientConfig"]["caBundle"] = json!(STANDARD.encode(&other));
    });
    let other = bundles(&cluster.get(REGISTRATION).unwrap()).remove(0).remove(0);
    let is_trusted = || bundles(&cluster.get(REGISTRATION).unwrap())[0].contains(&other);
    let replica = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || replica.is_ready()).await;
    assert!(is_trusted());
    let took = until("the other authority is dropped", || !is_trusted()).await;
    assert!(took + Duration::from_secs(2) >= PERIODS.leaf, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn replica_that_may_not_write_is_not_ready_and_says_why() {
    for (method, path, what) in [
        (Method::GET, "secrets", "failed to read Secret eks/authority: 403"),
        (Method::PUT, "secrets", "failed to update Secret eks/authority: 403"),
        (Method::GET, "mutatingwebhook", "failed to read MutatingWebhookConfiguration webhook.eks: 403"),
        (Method::PUT, "mutatingwebhook", "failed to update MutatingWebhookConfiguration webhook.eks: 403"),
    ] {
        let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
        cluster.refuse(method, path, 403);
        let replica = Replica::start(&cluster, time, PERIODS);
        until(what, || replica.readiness.report().1.contains(what)).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!replica.is_ready());
        assert!(!replica.readiness.shown().1.contains("eks/"), "no names for whoever reaches the port");
        cluster.allow();
        until("it is ready", || replica.is_ready()).await;
        replica.accepted(&cluster, time).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_registration_a_replica_is_ready_and_keeps_it_when_it_comes() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    cluster.delete(REGISTRATION);
    let replica = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || replica.is_ready()).await;
    cluster.put(REGISTRATION, registration(&["a", "b"]));
    let took = until("it is accepted", || replica.accepted(&cluster, time).is_ok()).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}
