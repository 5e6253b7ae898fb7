use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{any, prop, proptest};
use proptest::sample::subsequence;
use proptest::test_runner::Config;

use super::associations::AssociationSet;
use super::source::Source;
use super::*;
use crate::injection::annotation::Prefix;
use crate::injection::grant::{AskedLifetime, Preferences};
use crate::lifecycle::Readiness;
use crate::metrics::Metrics;

const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

/// One ServiceAccount `shop/orders` with a role and a lifetime of its own, and `shop/plain`.
fn accounts() -> Accounts {
    let text = format!(
        "{{apiVersion: v1, kind: ServiceAccount, metadata: {{namespace: shop, name: orders, annotations: \
         {{eks.amazonaws.com/role-arn: '{ROLE}', eks.amazonaws.com/token-expiration: '900'}}}}}}\n---\n\
         {{apiVersion: v1, kind: ServiceAccount, metadata: {{namespace: shop, name: plain}}}}\n"
    );
    let mut manifests = Manifests::default();
    let stream = crate::manifests::parse(&text).unwrap();
    let prefix = Prefix::new("eks.amazonaws.com").unwrap();
    manifests.add(&stream, Path::new("accounts.yaml"), "default", &prefix).unwrap();
    Accounts::Manifests(Arc::new(manifests))
}

/// A source that names these accounts of `shop`; one that was not read yet for `None`.
fn source(name: &'static str, accounts: Option<&[&str]>) -> Associations {
    let source = Source::new(name, AssociationSet::len, &Readiness::default(), &Metrics::new().unwrap());
    if let Some(accounts) = accounts {
        source.replace(accounts.iter().map(|account| ("shop", *account)).collect());
    }
    Associations::Followed(source)
}

/// The answer, the same in whichever order the sources stand.
async fn find(sources: &[Associations], name: &str) -> Result<Found, String> {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut answers = Vec::new();
    for first in 0..sources.len().max(1) {
        let mut turned = sources.to_vec();
        turned.rotate_left(first);
        for sources in [turned.clone(), turned.into_iter().rev().collect()] {
            let answer = Identities::new(accounts(), sources).find("shop", name, deadline).await;
            answers.push(answer.map_err(|error| error.to_string()));
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    answers.swap_remove(0)
}

fn association(lifetime: Option<i64>) -> Arc<Grant> {
    let lifetime = lifetime.map(AskedLifetime::Seconds);
    Arc::new(Grant::Association(Preferences { lifetime, regional_sts: None }))
}

#[tokio::test]
async fn association_wins_and_keeps_the_accounts_lifetime() {
    let sources = [source("one", Some(&[])), source("two", Some(&["orders", "plain"]))];
    let found = find(&sources, "orders").await.unwrap();
    assert_eq!(found, Found { grant: Some(association(Some(900))), exists: true });
    let found = find(&sources, "plain").await.unwrap();
    assert_eq!(found, Found { grant: Some(association(None)), exists: true });
}

#[tokio::test]
async fn sources_add_up() {
    let sources =
        [source("one", Some(&["orders"])), source("two", Some(&["plain"])), source("three", Some(&[]))];
    for name in ["orders", "plain"] {
        let found = find(&sources, name).await.unwrap();
        assert!(matches!(found.grant.as_deref(), Some(Grant::Association(_))), "{name}");
    }
    assert_eq!(find(&sources, "nobody").await.unwrap(), Found { grant: None, exists: false });
}

#[tokio::test]
async fn role_of_the_account_counts_where_no_association_names_it() {
    for sources in [&[][..], &[source("one", Some(&["plain"]))]] {
        let found = find(sources, "orders").await.unwrap();
        let Some(Grant::Role(role)) = found.grant.as_deref() else { panic!("{found:?}") };
        assert_eq!(&*role.role_arn, ROLE);
    }
}

#[tokio::test]
async fn nothing_is_answered_before_every_source_was_read() {
    let cold = "the source of identities two is not read yet";
    for others in [&[][..], &["orders"]] {
        let sources = [source("one", Some(others)), source("two", None)];
        assert_eq!(find(&sources, "orders").await.unwrap_err(), cold, "{others:?}");
        assert_eq!(find(&sources, "nobody").await.unwrap_err(), cold);
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    /// However associations are spread over sources, and whichever of these stands first or was read
    /// first, the answer is that of one source which names them all.
    #[test]
    fn order_and_number_of_sources_make_no_difference(
        spread in vec((subsequence(vec!["orders", "plain", "nobody"], 0..=3), any::<bool>()), 0..5),
        turned in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let all: Vec<_> = spread.iter().flat_map(|(names, _)| names.clone()).collect();
            let is_cold = spread.iter().any(|(_, is_read)| !is_read);
            let mut sources: Vec<_> =
                spread.iter().map(|(names, is_read)| source("one", is_read.then_some(names))).collect();
            if !sources.is_empty() {
                let first = turned.index(sources.len());
                sources.rotate_left(first);
            }
            for name in ["orders", "plain", "nobody"] {
                let found = find(&sources, name).await;
                let of_one = find(&[source("one", (!is_cold).then_some(&all))], name).await;
                assert_eq!(found, of_one, "{name}");
                let is_associated =
                    found.is_ok_and(|found| matches!(found.grant.as_deref(), Some(Grant::Association(_))));
                assert_eq!(is_associated, !is_cold && all.contains(&name));
            }
        });
    }
}
