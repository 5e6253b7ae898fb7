//! How long tokens live: within what the API server takes, spread where nobody asked, and the
//! same each time.

use std::collections::BTreeSet;

use injection::grant::AssociationGrant;
use injection::{Candidate, Grant, Review};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::case::{creation, judge};
use super::settings::plain;
use super::{case::Case, cases};
use crate::support::reviews;

/// The patch of a review with this uid, or offline.
fn patch(case: &Case, seed: Option<&str>) -> Option<Vec<u8>> {
    let mut review = case.review.clone();
    review["request"]["uid"] = json!(seed.unwrap_or("any"));
    let review = review.to_string();
    let review = Review::decode(review.as_bytes(), &case.defaults.annotation_prefix).unwrap();
    let candidate = match seed {
        Some(_) => Candidate::of_review(&review, None).unwrap(),
        None => Candidate::offline(review.subject.as_ref().unwrap(), "shop"),
    };
    judge(&candidate, &case.grant, &case.defaults, None).patch
}

/// The lifetime of the volume that a patch adds.
fn lifetime(case: &Case, seed: Option<&str>) -> Option<u64> {
    let patch = patch(case, seed)?;
    let after = case.patched(Some(&patch));
    let known = case.object()["spec"]["volumes"].as_array().map_or(0, Vec::len);
    let added = after["spec"]["volumes"].as_array()?.get(known)?;
    added.pointer("/projected/sources/0/serviceAccountToken/expirationSeconds").and_then(Value::as_u64)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn lifetimes_are_what_the_api_server_takes(case in creation(), uid in option::of(".{1,40}")) {
        if let Some(seconds) = lifetime(&case, uid.as_deref()) {
            prop_assert!((600..=1 << 32).contains(&seconds), "{}", seconds);
        }
    }

    #[test]
    fn same_seed_gives_the_same_patch(case in creation(), uid in option::of(".{1,40}")) {
        prop_assert_eq!(patch(&case, uid.as_deref()), patch(&case, uid.as_deref()));
    }

    #[test]
    fn only_what_nobody_set_of_pod_identity_depends_on_the_seed(case in creation(), uid in ".{1,40}") {
        let (seeded, offline) = (lifetime(&case, Some(&uid)), lifetime(&case, None));
        prop_assert_eq!(seeded.is_some(), offline.is_some());
        if seeded != offline {
            prop_assert!(matches!(case.grant, Grant::Association(_)) && !case.defaults.lifetime_is_explicit);
            prop_assert_eq!(offline, Some(86_400));
            prop_assert!((79_200..=86_400).contains(&seeded.unwrap()), "{:?}", seeded);
        }
    }
}

#[test]
fn lifetimes_nobody_set_are_spread_over_two_hours() {
    let review = reviews::creation("shop", &json!({"spec": {"containers": []}}));
    let grant = Grant::Association(AssociationGrant::default());
    let case = Case { review, grant, defaults: plain(), windows: false };
    let uid = |number: u32| format!("{number:08x}-6393-11e8-b7cc-42010a800002");
    let lifetimes: Vec<u64> = (0..2000).map(|number| lifetime(&case, Some(&uid(number))).unwrap()).collect();
    assert!(lifetimes.iter().all(|seconds| (79_200..=86_400).contains(seconds)));
    // Two thousand draws from 7201 values give about 1,750 different ones.
    let different: BTreeSet<_> = lifetimes.iter().collect();
    assert!(different.len() > 1500, "{}", different.len());
    for tenth in 0..10 {
        let from = 79_200 + tenth * 720;
        let inside = lifetimes.iter().filter(|seconds| (from..from + 720).contains(*seconds)).count();
        assert!((120..=280).contains(&inside), "{inside} from {from}");
    }
    assert_eq!(lifetime(&case, None), Some(86_400));
}
