//! Endless answers are given up early, with an error, and are tried again; what was known stays.

use super::{ANNOTATED, BILLING, ORDERS, Said, UP, Webhook, annotation, role, shop, skip};
use crate::support::fake_api::{FakeApi, Fault, Route};

/// Has the webhook list again, once its watch is down.
fn list_again(api: &FakeApi, fault: Fault) {
    api.forget_requests();
    api.set_fault(Route::List, fault);
    api.expire_watches();
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    list_again(&api, Fault::Endless);
    // As many attempts as fit into the bound, and then a pause.
    let first = |lists: usize| (3000..=4001).contains(&lists);
    for pages in (500..=4000).step_by(500) {
        api.wait_for(("pages", pages), |traffic| traffic.lists.len() >= pages).await;
    }
    webhook.wait_for_metric(UP, 0.0).await;
    let lists = api.traffic().lists;
    let end = lists.iter().skip(1).position(|list| list.continue_token.is_none()).unwrap_or(lists.len());
    assert!(first(end), "{end}");
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    api.set_fault(Route::List, Fault::None);
    skip(super::LONG).await;
    webhook.wait_for_metric(UP, 1.0).await;
}

#[tokio::test]
async fn a_list_that_goes_in_a_circle_is_given_up_at_once() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    list_again(&api, Fault::Circle);
    let traffic = api.wait_for("two attempts", |traffic| traffic.lists.len() >= 4).await;
    let tokens: Vec<_> = traffic.lists.iter().map(|list| list.continue_token.is_some()).collect();
    assert_eq!(tokens[..4], [false, true, false, true]);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    for (route, most) in [(Route::Get, 4), (Route::Watch, 24)] {
        let before = api.traffic().flooded;
        api.set_fault(route, Fault::Flood);
        if route == Route::Watch {
            api.forget_requests();
            api.drop_watches();
            api.wait_for("two attempts", |traffic| traffic.watches.len() >= 2).await;
            webhook.wait_for_metric(UP, 0.0).await;
            assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
        } else {
            assert_eq!(webhook.admit("shop", "new").await, Said::Unavailable);
        }
        // What is in the sockets on the way comes on top.
        let (flooded, attempts) = (api.traffic().flooded - before, api.traffic().watches.len().max(1));
        assert!(flooded <= (most + 8) * attempts, "{flooded} MiB in {attempts} attempts");
        api.set_fault(route, Fault::None);
        skip(super::LONG).await;
        webhook.wait_for_metric(UP, 1.0).await;
    }
}

#[tokio::test]
async fn a_list_whose_every_page_is_too_large_is_given_up() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    list_again(&api, Fault::Flood);
    let traffic = api.wait_for("ever smaller pages", |traffic| traffic.lists.len() >= 8).await;
    let sizes: Vec<_> = traffic.lists.iter().filter_map(|list| list.limit).collect();
    assert_eq!(sizes[..8], [5000, 1250, 312, 78, 19, 4, 1, 5000]);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn accounts_with_the_largest_annotations_are_listed_in_smaller_pages() {
    let api = FakeApi::start().await;
    let large = "x".repeat(250 << 10);
    for number in 0..100 {
        api.put("storm", &format!("account-{number:03}"), &[("note", &large)]);
    }
    api.put("shop", "orders", &annotation(ORDERS));
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("storm", "account-099").await, Said::Nothing);
    let sizes: Vec<_> = api.traffic().lists.iter().filter_map(|list| list.limit).collect();
    assert!(sizes[0] == 5000 && sizes.contains(&78), "{sizes:?}");
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn an_account_as_large_as_the_api_server_takes_stops_nothing() {
    let api = shop().await;
    for number in 0..100 {
        api.put("storm", &format!("account-{number:03}"), &[]);
    }
    // Every byte of this becomes six, as `<` does in the API server's JSON.
    let owner = "\u{1}".repeat(1_450_000);
    api.put_owned("storm", "account-050", &owner);
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("storm", "account-050").await, Said::Nothing);
    // The rest does not come one by one.
    assert!(api.traffic().lists.len() < 10, "{}", api.traffic().lists.len());

    api.put_owned("storm", "account-000", &owner);
    api.put("shop", "gains", &annotation(BILLING));
    webhook.wait_for_metric(ANNOTATED, 2.0).await;
    api.delete("storm", "account-000");
    api.put("shop", "late", &annotation(BILLING));
    webhook.wait_for_metric(ANNOTATED, 3.0).await;
    webhook.wait_for_metric(UP, 1.0).await;
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert!(api.traffic().gets.is_empty());
    assert_eq!(api.traffic().watches.len(), 1);
}
