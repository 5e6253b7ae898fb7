//! Calls that are sent again because their answer was lost, and writes that meet others.

use serde_json::json;

use super::endpoint::Endpoint;
use crate::associations_command::cluster::{Cluster, OTHER, ROLE};

#[test]
fn the_same_creation_again_is_the_same_also_after_a_restart() {
    let cluster = Cluster::start();
    let first = Endpoint::start(&cluster).create("orders", ROLE, "t-1");
    let endpoint = Endpoint::start(&cluster);
    assert_eq!(endpoint.create("orders", ROLE, "t-1").association(), first.association());
    let other_role = endpoint.create("orders", OTHER, "t-1");
    assert_eq!(other_role.refusal().0, "InvalidParameterException");
    let other_call = endpoint.create("orders", ROLE, "t-2");
    let message = format!("Association already exists: {}", first.id());
    assert_eq!(other_call.refusal(), ("ResourceInUseException", message.as_str()));
    assert_eq!((other_call.status, &other_call.body["clusterName"]), (409, &json!("prod")));
}

#[test]
fn one_that_somebody_else_has_made_is_no_repetition() {
    let cluster = Cluster::start();
    cluster.put("shop", "orders", &json!({"roleArn": ROLE}));
    let endpoint = Endpoint::start(&cluster);
    assert_eq!(endpoint.create("orders", ROLE, "t-1").refusal().0, "ResourceInUseException");
}

#[test]
fn the_same_update_again_does_not_undo_what_came_after_it() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    let one =
        format!("/clusters/prod/pod-identity-associations/{}", endpoint.create("orders", ROLE, "t").id());
    let update = |role: &str, token: &str| {
        let body = json!({"roleArn": role, "clientRequestToken": token}).to_string();
        endpoint.call("POST", &one, &body)
    };
    assert_eq!(update(OTHER, "u-1").association()["roleArn"], OTHER);
    assert_eq!(update(OTHER, "u-1").association()["roleArn"], OTHER);
    cluster.calls();
    update(OTHER, "u-1");
    assert!(cluster.calls().iter().all(|call| !call.starts_with("update")), "nothing is written again");
    assert_eq!(update(ROLE, "u-1").refusal().0, "InvalidParameterException");
    assert_eq!(update(ROLE, "u-2").association()["roleArn"], ROLE);
    // Its answer came late, and somebody else was faster.
    cluster.calls();
    assert_eq!(update(OTHER, "u-1").association()["roleArn"], ROLE);
    assert!(cluster.calls().iter().all(|call| !call.starts_with("update")), "what came after it stays");
    assert_eq!(cluster.spec("shop", "orders")["roleArn"], ROLE);
}

#[test]
fn a_write_that_meets_anothers_is_made_again_on_top_of_it() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    let made = endpoint.create("orders", ROLE, "t");
    let arn = made.association()["associationArn"].as_str().unwrap().replace('/', "%2F");
    cluster.lock().conflicts = 2;
    let tagged = endpoint.call("POST", &format!("/tags/{arn}"), r#"{"tags": {"mine": "v"}}"#);
    assert_eq!(tagged.status, 200, "{tagged:?}");
    let tags = cluster.spec("shop", "orders")["tags"].clone();
    assert_eq!((tags["mine"].as_str(), tags.as_object().unwrap().len()), (Some("v"), 3), "{tags}");
    // Whoever is always later is told to try again.
    cluster.lock().conflicts = 50;
    let lost = endpoint.call("POST", &format!("/tags/{arn}"), r#"{"tags": {"late": "v"}}"#);
    assert_eq!((lost.status, lost.refusal().0), (503, "ServiceUnavailableException"));
    cluster.lock().conflicts = 1;
    let one = format!("/clusters/prod/pod-identity-associations/{}", made.id());
    assert_eq!(endpoint.call("DELETE", &one, "").status, 200);
}
