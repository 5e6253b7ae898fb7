//! As many accounts as a large cluster has.

use std::time::Instant;

use super::{ORDERS, Said, UP, Webhook, annotation, role};
use crate::support::client::post;
use crate::support::fake_api::FakeApi;

const ACCOUNTS: usize = 150_000;

/// Pages of memory that this process holds, in KiB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[tokio::test]
async fn knows_150_000_accounts() {
    let api = FakeApi::start().await;
    let names = |number: usize| (format!("team-{:04}", number % 3000), format!("account-{number:06}"));
    for number in 0..ACCOUNTS {
        let (namespace, name) = names(number);
        let annotations = annotation(ORDERS);
        api.put(&namespace, &name, if number % 10 == 0 { annotations.as_slice() } else { &[] });
    }
    let (before, began) = (resident(), Instant::now());
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    for page in 1..=ACCOUNTS / 5000 {
        api.wait_for(("page", page), |traffic| traffic.lists.len() >= page).await;
    }
    webhook.wait_until_ready().await;
    webhook.wait_for_metric(UP, 1.0).await;
    println!("{ACCOUNTS} accounts: {:?}, {} KiB more", began.elapsed(), resident() - before);
    assert_eq!(api.traffic().lists.len(), ACCOUNTS / 5000);
    for (label, accounts) in [("true", 15_000.0), ("false", 135_000.0)] {
        let name = format!("pod_identity_webhook_service_accounts{{annotated={label:?}}}");
        webhook.wait_for_metric(&name, accounts).await;
    }
    let mut connection = webhook.server.client.connect().await.unwrap();
    for number in (0..ACCOUNTS).step_by(1499) {
        let (namespace, name) = names(number);
        let answer = connection.send(post("/mutate", super::review(&namespace, &name))).await.unwrap();
        assert_eq!(super::read(&answer), if number % 10 == 0 { role(ORDERS) } else { Said::Nothing });
    }
    assert!(api.traffic().gets.is_empty());
}
