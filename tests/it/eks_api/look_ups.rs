//! The live look-up for a pod that opted in: an association that no poll has seen yet.

use std::sync::Arc;
use std::time::Duration;

use injection::{AccountName, Need, Precedence};
use tokio::time::Instant;

use super::stand_in::{Fault, StandIn};
use super::{EksPace, Watched, client, once, pace};
use crate::support::wait::until;

const LOOKED_UP: &str = "lookups_total{result=\"found\",source=\"eks-api\"}";

#[tokio::test]
async fn an_association_made_just_before_its_pod_is_found() {
    let eks = StandIn::start().await;
    eks.put("shop", "cart");
    let watched = Watched::start(&eks, once()).await;
    client(&eks)
        .create_pod_identity_association()
        .cluster_name("prod")
        .namespace("shop")
        .service_account("plain")
        .role_arn("arn:aws:iam::111122223333:role/plain")
        .send()
        .await
        .unwrap();
    assert!(!watched.is_associated("plain", Need::Usual).await.unwrap());
    assert!(watched.is_associated("plain", Need::OptedIn).await.unwrap());
    let [look_up] = &eks.look_ups()[..] else { panic!("{:?}", eks.look_ups()) };
    assert_eq!(look_up.namespace.as_deref(), Some("shop"));
    assert_eq!(look_up.service_account.as_deref(), Some("plain"));
    // A known association is not asked for, and one that was asked for does not become part of the set.
    assert!(watched.is_associated("cart", Need::OptedIn).await.unwrap());
    assert_eq!((eks.look_ups().len(), watched.source.current().unwrap().len()), (1, 1));
    assert!((watched.metric(LOOKED_UP) - 1.0).abs() < 0.5);
}

#[tokio::test]
async fn a_look_up_takes_the_connection_of_the_poll() {
    let eks = StandIn::start().await;
    let watched = Watched::start(&eks, once()).await;
    assert!(!watched.is_associated("plain", Need::OptedIn).await.unwrap());
    assert_eq!((eks.lists().len(), eks.connections()), (2, 1));
}

#[tokio::test]
async fn sixteen_callers_share_one_list() {
    let eks = StandIn::start().await;
    let watched = Arc::new(Watched::start(&eks, once()).await);
    eks.put("shop", "plain");
    eks.hold();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let watched = watched.clone();
            tokio::spawn(async move { watched.is_associated("plain", Need::OptedIn).await.unwrap() })
        })
        .collect();
    // Spawned before this task waits: each of them has joined before the first answer comes.
    eks.wait_for_look_ups(1).await;
    eks.release();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(eks.look_ups().len(), 1);
}

#[tokio::test]
async fn a_deadline_is_kept_when_the_api_hangs() {
    let eks = StandIn::start().await;
    let patient = EksPace { look_up: Duration::from_secs(30), ..once() };
    let watched = Watched::start(&eks, patient).await;
    eks.set_fault(Fault::Hanging);
    let began = Instant::now();
    let error = watched.is_associated_within(Duration::from_millis(300), "plain", Need::OptedIn).await;
    let took = began.elapsed();
    let said = error.unwrap_err().to_string();
    assert_eq!(said, "failed to look up an association of shop/plain in eks-api: no answer in time");
    assert!(took >= Duration::from_millis(300), "{took:?}");
    // This is long before the look-up's own limit: no other call waits for what the deadline has given up.
    assert!(took < Duration::from_secs(10), "{took:?}");
    eks.wait_until_idle().await;
    // A role that is known is used.
    let deadline = Instant::now() + Duration::from_millis(300);
    let found = watched
        .identities
        .find(AccountName::new("shop", "orders"), Need::OptedIn, Precedence::Association, deadline)
        .await
        .unwrap();
    assert!(found.grant.is_some());
}

#[tokio::test]
async fn a_look_up_has_a_limit_of_its_own() {
    let eks = StandIn::start().await;
    let pace = EksPace { look_up: Duration::from_millis(200), ..once() };
    let watched = Watched::start(&eks, pace).await;
    eks.set_fault(Fault::Slow(Duration::from_secs(20)));
    let error = watched.is_associated("plain", Need::OptedIn).await.unwrap_err().to_string();
    assert!(
        error.starts_with("failed to look up an association of shop/plain in eks-api: no answer"),
        "{error}"
    );
}

#[tokio::test]
async fn a_look_up_that_is_throttled_once_is_asked_again() {
    let eks = StandIn::start().await;
    let watched = Watched::start(&eks, once()).await;
    eks.put("shop", "plain");
    eks.set_faults(Fault::Throttled, 1, 0);
    assert!(watched.is_associated("plain", Need::OptedIn).await.unwrap());
    assert_eq!(eks.look_ups().len(), 2);
    eks.set_fault(Fault::Throttled);
    let error = watched.is_associated("cart", Need::OptedIn).await.unwrap_err().to_string();
    assert!(error.contains("in eks-api: EKS throttles requests: "), "{error}");
    assert_eq!(eks.look_ups().len(), 4);
}

#[tokio::test]
async fn eks_has_a_rest_after_it_throttled_a_look_up() {
    let eks = StandIn::start().await;
    for (rest, asked) in [(Duration::from_hours(1), 2), (Duration::ZERO, 6)] {
        let before = eks.look_ups().len();
        let watched = Watched::start(&eks, EksPace { rest, ..once() }).await;
        eks.set_fault(Fault::Throttled);
        for account in ["plain", "cart", "plain"] {
            let error = watched.is_associated(account, Need::OptedIn).await.unwrap_err().to_string();
            assert!(error.contains("in eks-api: EKS throttles requests: "), "{error}");
        }
        assert_eq!(eks.look_ups().len() - before, asked, "after a rest of {rest:?}");
        eks.set_fault(Fault::None);
    }
}

#[tokio::test]
async fn a_look_up_that_hangs_once_is_asked_again() {
    let eks = StandIn::start().await;
    let watched = Watched::start(&eks, EksPace { look_up: Duration::from_secs(5), ..once() }).await;
    eks.put("shop", "plain");
    eks.set_faults(Fault::Hanging, 1, 0);
    assert!(watched.is_associated("plain", Need::OptedIn).await.unwrap());
    assert_eq!(eks.look_ups().len(), 2);
}

#[tokio::test]
async fn an_association_of_another_account_is_none() {
    let eks = StandIn::start().await;
    let watched = Watched::start(&eks, once()).await;
    for other in [
        r#"{"associations":[{"namespace":"shop","serviceAccount":"plai"},{"namespace":"sho","serviceAccount":"plain"}]}"#,
        r#"{"associations":[{"namespace":"shop","serviceAccount":"PLAIN"},{"serviceAccount":"plain"}]}"#,
    ] {
        eks.set_fault(Fault::Body(other));
        assert!(!watched.is_associated("plain", Need::OptedIn).await.unwrap());
    }
}

#[tokio::test]
async fn polls_that_fail_take_no_attempts_from_look_ups() {
    let eks = StandIn::start().await;
    let often = EksPace { longest: Duration::from_millis(20), ..pace() };
    let watched = Watched::start(&eks, often).await;
    eks.put("shop", "plain");
    eks.set_fault(Fault::Throttled);
    // Each has had five attempts, until the quota of 500 in all was used up.
    let errors = "errors_total{source=\"eks-api\"}";
    until("polls that fail", async || (watched.metric(errors) > 30.5).then_some(())).await;
    watched.task.abort();
    eks.wait_until_idle().await;
    eks.set_faults(Fault::Throttled, 1, 0);
    assert!(watched.is_associated("plain", Need::OptedIn).await.unwrap());
}
