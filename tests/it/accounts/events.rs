//! What the list and the watch of a healthy API server tell.

use super::{ANNOTATED, BILLING, ORDERS, ROLE_ARN, Said, Webhook, annotation, role};
use crate::support::client::post;
use crate::support::fake_api::FakeApi;

#[tokio::test]
async fn lists_in_pages_of_metadata_and_knows_them_all() {
    let api = FakeApi::start().await;
    for number in 0..12_000 {
        let annotations = annotation(ORDERS);
        // Every third account has a role; the others are known all the same.
        let annotations = if number % 3 == 0 { annotations.as_slice() } else { &[] };
        api.put(&format!("team-{}", number % 7), &format!("account-{number:05}"), annotations);
    }
    let webhook = Webhook::start(&api).await;
    let traffic = api.traffic();
    assert_eq!(traffic.lists.len(), 3);
    for (number, list) in traffic.lists.iter().enumerate() {
        assert!(list.metadata_only);
        assert_eq!(list.limit, Some(5000));
        // The list must not even name version 0: such a list ignores its limit, and may be old.
        assert_eq!(list.resource_version, None);
        assert_eq!(list.continue_token.is_some(), number > 0);
    }
    assert_eq!(traffic.watches.len(), 1);
    assert!(traffic.watches[0].metadata_only);
    assert!(traffic.watches[0].bookmarks);
    assert_eq!(traffic.watches[0].timeout_seconds, Some(20));

    let mut connection = webhook.server.client.connect().await.unwrap();
    for number in (0..12_000).step_by(10) {
        let review = super::review(&format!("team-{}", number % 7), &format!("account-{number:05}"));
        let said = super::read(&connection.send(post("/mutate", review)).await.unwrap());
        assert_eq!(said, if number % 3 == 0 { role(ORDERS) } else { Said::Nothing }, "{number}");
    }
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn an_account_that_is_made_is_known_by_its_event() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.put("shop", "orders", &annotation(ORDERS));
    webhook.wait_for_metric(ANNOTATED, 1.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn a_change_of_annotations_changes_the_answer() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &[]);
    api.put("bank", "orders", &annotation(BILLING));
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Nothing);
    api.put("shop", "orders", &annotation(ORDERS));
    webhook.wait_for_answer("shop", "orders", &role(ORDERS)).await;
    api.put("shop", "orders", &annotation(BILLING));
    webhook.wait_for_answer("shop", "orders", &role(BILLING)).await;
    // The role goes, the account stays.
    api.put("shop", "orders", &[]);
    webhook.wait_for_answer("shop", "orders", &Said::Nothing).await;
    // An account of that name elsewhere is another account.
    assert_eq!(webhook.admit("bank", "orders").await, role(BILLING));
    assert!(api.traffic().gets.is_empty());
    assert_eq!(api.traffic().lists.len(), 1);
}

#[tokio::test]
async fn an_account_that_is_deleted_is_missing_until_it_is_made_again() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    api.delete("shop", "orders");
    webhook.wait_for_metric(ANNOTATED, 0.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Missing);
    assert_eq!(api.traffic().gets.len(), 1);
    api.put("shop", "orders", &annotation(BILLING));
    webhook.wait_for_metric(ANNOTATED, 1.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(BILLING));
    assert_eq!(api.traffic().gets.len(), 1);
}

#[tokio::test]
async fn an_account_with_other_annotations_alone_is_known_without_a_role() {
    let api = FakeApi::start().await;
    api.put("shop", "foreign", &[("example.com/role-arn", ORDERS), ("role-arn", ORDERS)]);
    api.put("shop", "empty", &[(ROLE_ARN, "")]);
    api.put("shop", "audience", &[("eks.amazonaws.com/audience", "sts.amazonaws.com")]);
    let webhook = Webhook::start(&api).await;
    for account in ["foreign", "empty", "audience"] {
        assert_eq!(webhook.admit("shop", account).await, Said::Nothing, "{account}");
    }
    assert!(api.traffic().gets.is_empty());
    api.put("shop", "audience", &[("eks.amazonaws.com/audience", "sts.amazonaws.com"), (ROLE_ARN, ORDERS)]);
    webhook.wait_for_answer("shop", "audience", &role(ORDERS)).await;
    assert!(api.traffic().gets.is_empty());
}
