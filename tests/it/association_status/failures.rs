//! Writes that are refused, are not answered, or come too late.

use std::time::Duration;

use pod_identity_webhook::certificates::Authority;
use serde_json::json;

use super::{FLAGS, ROLE, cluster, lists, of_role, pass, settle, start, wait_for, with_target};
use crate::accounts::Webhook;
use crate::association_resources::{OWN, is_associated};
use crate::support::fake_api::{FakeApi, Fault, Route};
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::Starting;
use crate::support::wait::until;

/// Longer than the pause after a first failure.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a write may take.
const WRITE: Duration = Duration::from_secs(5);

const MINUTE: Duration = Duration::from_mins(1);

/// What every complaint about a write begins with.
const COMPLAINT: &str = "failed to write the status of PodIdentityAssociation shop/";

/// An API server with an association of `orders`, and a webhook that has been told of it and hears nothing more. No
/// write is due before some time has passed.
async fn deaf() -> (FakeApi, Webhook) {
    let api = cluster().await;
    api.put_object(OWN, "shop", "orders", of_role(ROLE));
    api.withhold_watch_events(true);
    let webhook = Webhook::start_by(&api.url(), &FLAGS, |_| ()).await;
    api.wait_for("lists for pods and for statuses", |traffic| lists(traffic) == 2).await;
    (api, webhook)
}

/// Waits for the first write, and until another would have been made after a failure.
async fn wait_for_one_write(api: &FakeApi, webhook: &Webhook) {
    api.wait_for("a write", |traffic| traffic.patches_of("shop", "orders") == 1).await;
    pass(webhook, PAUSE).await;
    assert_eq!(api.traffic().patches_of("shop", "orders"), 1);
}

#[tokio::test]
async fn a_write_that_somebody_else_was_before_is_made_for_what_is_there_now() {
    let (api, webhook) = deaf().await;
    let old = api.object(OWN, "shop", "orders").unwrap();
    api.put_object(OWN, "shop", "orders", with_target());
    wait_for_one_write(&api, &webhook).await;
    let sent = &api.traffic().patches[0].part;
    assert_eq!(sent["metadata"]["resourceVersion"], old["metadata"]["resourceVersion"]);
    assert_eq!(api.object(OWN, "shop", "orders").unwrap().get("status"), None, "it was refused");
    api.release_watch_events();
    let object = wait_for(&api, "orders", "Accepted").await;
    assert!(object["status"]["externalId"].is_string(), "{object}");
    assert_eq!(object["status"]["observedGeneration"], json!(2));
    settle(&api, &webhook).await;
    assert_eq!(api.traffic().patches_of("shop", "orders"), 2);
    webhook.server.stop().await;
}

#[tokio::test]
async fn an_association_that_is_gone_is_written_no_more() {
    let (api, webhook) = deaf().await;
    api.delete_object(OWN, "shop", "orders");
    wait_for_one_write(&api, &webhook).await;
    api.release_watch_events();
    settle(&api, &webhook).await;
    assert_eq!(api.traffic().patches_of("shop", "orders"), 1);
    webhook.server.stop().await;
}

/// The real program, which writes statuses to this API server.
fn program(api: &FakeApi) -> (Starting, PairFiles) {
    let url = format!("--kube-api={}", api.url());
    let pair = PairFiles::plain(&leaf(&Authority::new().unwrap()));
    let [certificate, key] = pair.args();
    let args = ["--in-cluster=false", "--shutdown-delay=0", &url, &certificate, &key];
    (Starting::spawn(&[&args[..], &FLAGS].concat()), pair)
}

#[tokio::test]
async fn nobody_is_told_that_somebody_else_was_faster() {
    for code in [404, 409] {
        let api = cluster().await;
        api.set_fault_of(OWN, Route::PatchStatus, Fault::Status(code));
        api.put_object(OWN, "shop", "orders", of_role(ROLE));
        let (mut program, _pair) = program(&api);
        api.wait_for("a write", |traffic| traffic.patches_of("shop", "orders") == 1).await;
        api.set_fault_of(OWN, Route::PatchStatus, Fault::None);
        api.put_object(OWN, "shop", "cart", of_role(ROLE));
        wait_for(&api, "cart", "Accepted").await;
        assert_eq!(api.traffic().patches_of("shop", "orders"), 1, "{code}");
        program.terminate();
        assert!(program.ended().await.success());
        assert!(program.log().iter().all(|line| !line.contains(COMPLAINT)), "{:#?}", program.log());
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_in_one_warning() {
    let api = cluster().await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::Status(403));
    for account in ["orders", "cart", "billing"] {
        api.put_object(OWN, "shop", account, of_role(ROLE));
    }
    let (mut program, _pair) = program(&api);
    let warnings = || program.log().into_iter().filter(|line| line.contains(COMPLAINT)).collect::<Vec<_>>();
    until("a warning", async || (!warnings().is_empty()).then_some(())).await;
    program.terminate();
    assert!(program.ended().await.success());
    let log = program.log();
    let [warning] = &log.iter().filter(|line| line.contains(COMPLAINT)).collect::<Vec<_>>()[..] else {
        panic!("{log:#?}")
    };
    let reason = ": 403 Forbidden: the test wants it so; the webhook's ClusterRole must allow patch on \
                  podidentityassociations/status in the API group pod-identity-webhook.dev";
    assert!(warning.contains(" WARN ") && warning.contains(reason), "{warning}");
    assert_eq!(api.traffic().patches.len(), 1);
}

#[tokio::test]
async fn a_right_that_is_missing_is_not_tried_again_for_minutes() {
    let api = cluster().await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::Status(403));
    let webhook = start(&api, &[]).await;
    for account in ["orders", "cart"] {
        api.put_object(OWN, "shop", account, of_role(ROLE));
    }
    api.wait_for("a write", |traffic| traffic.patches.len() == 1).await;
    webhook.wait_until_read().await;
    api.put_object(OWN, "shop", "billing", of_role(ROLE));
    for _ in 0..4 {
        pass(&webhook, MINUTE).await;
    }
    assert_eq!(api.traffic().patches.len(), 1);
    // The right was given.
    api.set_fault_of(OWN, Route::PatchStatus, Fault::None);
    for _ in 0..7 {
        pass(&webhook, MINUTE).await;
    }
    for account in ["orders", "cart", "billing"] {
        wait_for(&api, account, "Accepted").await;
    }
    webhook.server.stop().await;
}

#[tokio::test]
async fn a_write_that_fails_is_made_again() {
    let api = cluster().await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::Status(500));
    let webhook = start(&api, &[]).await;
    api.put_object(OWN, "shop", "orders", of_role(ROLE));
    api.wait_for("a second write", |traffic| traffic.patches_of("shop", "orders") == 2).await;
    assert!(is_associated(&webhook, "orders").await);
    api.set_fault_of(OWN, Route::PatchStatus, Fault::None);
    wait_for(&api, "orders", "Accepted").await;
    webhook.server.stop().await;
}

#[tokio::test]
async fn a_write_that_is_not_answered_is_given_up_and_made_again() {
    let api = cluster().await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::Hang);
    let webhook = start(&api, &[]).await;
    api.put_object(OWN, "shop", "orders", of_role(ROLE));
    api.wait_for("a write", |traffic| traffic.patches_of("shop", "orders") == 1).await;
    assert!(is_associated(&webhook, "orders").await);
    api.set_fault_of(OWN, Route::PatchStatus, Fault::None);
    pass(&webhook, WRITE).await;
    wait_for(&api, "orders", "Accepted").await;
    assert_eq!(api.traffic().patches_of("shop", "orders"), 2);
    webhook.server.stop().await;
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_made_again() {
    let api = cluster().await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::CloseMidway);
    let webhook = start(&api, &[]).await;
    api.put_object(OWN, "shop", "orders", of_role(ROLE));
    wait_for(&api, "orders", "Accepted").await;
    api.set_fault_of(OWN, Route::PatchStatus, Fault::None);
    settle(&api, &webhook).await;
    assert_eq!(api.traffic().patches_of("shop", "orders"), 1);
    webhook.server.stop().await;
}
