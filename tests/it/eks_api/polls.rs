//! The set that a poll brings: whole or not at all, and never given up.

use std::time::Duration;

use injection::Need;
use tokio::time::Instant;

use super::stand_in::{Fault, KEYS, StandIn};
use super::{EksPace, Watched, client, once, pace};
use crate::support::wait::until;

const ERRORS: &str = "errors_total{source=\"eks-api\"}";

#[tokio::test]
async fn reads_five_thousand_associations_in_pages_of_a_hundred() {
    let eks = StandIn::start().await;
    eks.put_many(5000);
    let began = Instant::now();
    let watched = Watched::start(&eks, once()).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let lists = eks.lists();
    let offsets: Vec<_> = lists.iter().map(|list| list.offset).collect();
    assert_eq!(offsets, (0..50).map(|page| page * 100).collect::<Vec<_>>());
    for list in &lists {
        assert_eq!((list.cluster.as_str(), list.max_results, list.key.as_str()), ("prod", 100, KEYS[0]));
        assert_eq!((&list.namespace, &list.service_account), (&None, &None));
    }
    assert_eq!(watched.source.current().unwrap().len(), 5000);
    assert!((watched.metric("entries{source=\"eks-api\"}") - 5000.0).abs() < 0.5);
    assert!(watched.readiness.report().0);
}

#[tokio::test]
async fn changes_are_seen_by_a_later_poll() {
    let eks = StandIn::start().await;
    eks.put("shop", "cart");
    let watched = Watched::start(&eks, pace()).await;
    assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
    assert!(!watched.is_associated("plain", Need::Usual).await.unwrap());
    eks.put("shop", "plain");
    watched.wait_for_len(2).await;
    assert!(watched.is_associated("plain", Need::Usual).await.unwrap());
    eks.clear();
    watched.wait_for_len(0).await;
    assert!(!watched.is_associated("cart", Need::Usual).await.unwrap());
    assert_eq!(eks.look_ups(), []);
}

#[tokio::test]
async fn a_page_that_is_throttled_is_asked_for_again_from_where_it_was() {
    for fault in [Fault::Throttled, Fault::Failing, Fault::Proxy(502)] {
        let eks = StandIn::start().await;
        eks.put_many(250);
        eks.set_faults(fault, 3, 100);
        let watched = Watched::start(&eks, once()).await;
        assert_eq!(watched.source.current().unwrap().len(), 250);
        let offsets: Vec<_> = eks.lists().iter().map(|list| list.offset).collect();
        assert_eq!(offsets, [0, 100, 100, 100, 100, 200], "{fault:?}");
        assert!(watched.metric(ERRORS).abs() < 0.5);
    }
}

#[tokio::test]
async fn a_poll_that_fails_keeps_the_last_set_says_so_and_is_over_once_eks_answers() {
    let eks = StandIn::start().await;
    eks.put("shop", "cart");
    let watched = Watched::start(&eks, pace()).await;
    eks.set_fault(Fault::Throttled);
    until("two failures", async || (watched.metric(ERRORS) > 1.5).then_some(())).await;
    assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
    let (is_ready, report) = watched.readiness.report();
    assert!(is_ready);
    let expected = "[+]eks-api ok (keeps the set read ";
    assert!(report.starts_with(expected) && report.contains(" ago: EKS throttles requests: "), "{report}");
    eks.put("shop", "plain");
    eks.set_fault(Fault::None);
    watched.wait_for_len(2).await;
    watched.wait_for_report("[+]eks-api ok\n").await;
}

#[tokio::test]
async fn a_part_of_the_pages_never_replaces_the_set() {
    let eks = StandIn::start().await;
    eks.put_many(250);
    let watched = Watched::start(&eks, pace()).await;
    eks.set_faults(Fault::Denied, usize::MAX, 100);
    eks.clear();
    eks.put_many(150);
    until("three failures", async || (watched.metric(ERRORS) > 2.5).then_some(())).await;
    assert_eq!(watched.source.current().unwrap().len(), 250);
    eks.set_fault(Fault::None);
    watched.wait_for_len(150).await;
}

#[tokio::test]
async fn what_fails_is_said_with_what_to_do_and_no_secret() {
    for (fault, says) in [
        (
            Fault::Denied,
            "EKS denies the request: allow the webhook's role eks:ListPodIdentityAssociations on cluster prod \
             (User: arn:aws:sts::111122223333:assumed-role/webhook/session is not authorized to perform: \
             eks:ListPodIdentityAssociations)",
        ),
        (
            Fault::NotAccepted,
            "EKS does not accept the webhook's credentials (InvalidSignatureException): check them, and the clock",
        ),
        (Fault::Throttled, "EKS throttles requests: other callers of this AWS account and region count too"),
        (Fault::Failing, "EKS failed with 500 ServerException"),
        (Fault::Proxy(502), "EKS failed with 502"),
        (Fault::Proxy(429), "EKS throttles requests: other callers of this AWS account and region count too"),
        (Fault::Proxy(403), "the answer was 403, without an error code of EKS: is there a proxy in between?"),
        (Fault::Endless, "EKS' list does not end: more than 200 pages"),
    ] {
        let eks = StandIn::start().await;
        eks.set_fault(fault);
        let watched = Watched::begin(&eks, pace());
        watched.wait_for_report(&format!("[-]eks-api not read yet: {says}\n")).await;
        assert!(watched.is_associated("cart", Need::OptedIn).await.is_err());
        eks.set_fault(Fault::None);
        watched.wait_for_report("[+]eks-api ok\n").await;
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named_with_the_region() {
    let eks = StandIn::start().await;
    let watched = Watched::begin_for("staging", &eks, pace());
    let says = "EKS has no cluster staging in eu-west-1: check --eks-cluster-name and AWS_REGION\n";
    watched.wait_for_report(&format!("[-]eks-api not read yet: {says}")).await;
}

#[tokio::test]
async fn an_api_that_hangs_or_is_gone_is_given_up_and_found_again() {
    let eks = StandIn::start().await;
    eks.put("shop", "cart");
    let quick = EksPace { page: Duration::from_millis(200), poll: Duration::from_secs(1), ..pace() };
    let watched = Watched::start(&eks, quick).await;
    eks.set_fault(Fault::Hanging);
    watched.wait_for_report("no answer from EKS in time").await;
    eks.set_fault(Fault::None);
    watched.wait_for_report("[+]eks-api ok\n").await;
    eks.set_fault(Fault::Gone);
    watched.wait_for_report("failed to reach EKS: ").await;
    assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
    eks.set_fault(Fault::None);
    watched.wait_for_report("[+]eks-api ok\n").await;
}

#[tokio::test]
async fn a_page_that_hangs_is_asked_for_again() {
    let eks = StandIn::start().await;
    eks.put_many(250);
    eks.set_faults(Fault::Hanging, 1, 100);
    // No other page takes as long, not even on a machine that does much else.
    let watched = Watched::start(&eks, EksPace { page: Duration::from_secs(2), ..once() }).await;
    let offsets: Vec<_> = eks.lists().iter().map(|list| list.offset).collect();
    assert!(offsets.starts_with(&[0, 100, 100]), "{offsets:?}");
    assert!(watched.metric(ERRORS).abs() < 0.5);
}

#[tokio::test]
async fn a_poll_has_a_limit_in_all() {
    let eks = StandIn::start().await;
    eks.put_many(2000);
    eks.set_fault(Fault::Slow(Duration::from_millis(20)));
    let watched = Watched::begin(&eks, EksPace { poll: Duration::from_millis(200), ..pace() });
    watched.wait_for_report("[-]eks-api not read yet: no answer from EKS in time\n").await;
}

#[tokio::test]
async fn the_stand_in_refuses_a_second_association_of_an_account_as_eks_does() {
    let eks = StandIn::start().await;
    let create = async || {
        let create = client(&eks).create_pod_identity_association().cluster_name("prod").namespace("shop");
        create.service_account("cart").role_arn("arn:aws:iam::111122223333:role/cart").send().await
    };
    create().await.unwrap();
    assert!(create().await.unwrap_err().into_service_error().is_resource_in_use_exception());
    let watched = Watched::start(&eks, once()).await;
    assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
}
