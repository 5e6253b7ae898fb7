use std::path::Path;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use injection::annotation::Prefix;
use injection::grant::{AskedLifetime, AssociationGrant, Preferences};
use injection::{Grant, Pod};
use proptest::collection::vec;
use proptest::prelude::{any, prop, proptest};
use proptest::sample::subsequence;
use proptest::test_runner::Config;

use super::sources::config_map::ConfigMapDocument;
use super::sources::single_lookups::SingleLookups;
use super::*;
use crate::identities::association_set::{Associated, AssociationSet};
use crate::process::Readiness;
use crate::source;
use crate::source::turns::Pace;
use crate::telemetry::Registry;

const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

/// One ServiceAccount `shop/orders` with a role and a lifetime of its own, and `shop/plain`.
fn accounts() -> Accounts {
    let text = format!(
        "{{apiVersion: v1, kind: ServiceAccount, metadata: {{namespace: shop, name: orders, annotations: \
         {{eks.amazonaws.com/role-arn: '{ROLE}', eks.amazonaws.com/token-expiration: '900'}}}}}}\n---\n\
         {{apiVersion: v1, kind: ServiceAccount, metadata: {{namespace: shop, name: plain}}}}\n"
    );
    let mut manifests = Manifests::default();
    let stream = ::manifests::parse(&text).unwrap();
    let prefix = Prefix::new("eks.amazonaws.com").unwrap();
    manifests.add(&stream, Path::new("accounts.yaml"), "default", &prefix).unwrap();
    Accounts::Manifests(Arc::new(manifests))
}

fn metrics() -> source::Metrics {
    source::Metrics::new(&Registry::new().unwrap()).unwrap()
}

/// A source that names these accounts of `shop`; with `None`, it was not read yet.
fn source(name: &'static str, accounts: Option<&[&str]>) -> Associations {
    let source = Source::new(name, AssociationSet::len, &Readiness::default(), &metrics());
    if let Some(accounts) = accounts {
        source.replace(accounts.iter().map(|account| ("shop", *account)).collect());
    }
    Associations::Followed(source)
}

const PACE: Pace =
    Pace { at_once: 10, in_a_namespace: 4, rate: 10, burst: 20, patience: Duration::from_secs(1) };

/// A source that lists no accounts and gives this answer for any that it is asked for, with a count of the
/// questions.
fn askable(answer: Result<bool, &'static str>) -> (Associations, Arc<AtomicUsize>) {
    let source = Source::new("asked", AssociationSet::len, &Readiness::default(), &metrics());
    source.replace(AssociationSet::default());
    let times = Arc::<AtomicUsize>::default();
    let counted = times.clone();
    let ask = move |_: AccountName<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let answer = answer.map(|found| found.then(Associated::default));
        std::future::ready(answer.map_err(Arc::from)).boxed()
    };
    (Associations::Askable(Arc::new(SingleLookups::new(source, PACE, ask))), times)
}

/// The ConfigMap with this document; with `None`, it was not read yet.
fn config_map(document: Option<&str>) -> Arc<Source<Entries>> {
    let source = Source::new("config-map", Entries::len, &Readiness::default(), &metrics());
    if let Some(document) = document {
        source.replace(ConfigMapDocument::parse(document).unwrap().entries);
    }
    source
}

/// The answer, the same in whichever order the sources stand.
async fn find(sources: &[Associations], name: &str) -> Result<Found, String> {
    answer(Need::Usual, None, sources, name).await
}

/// The answer for a pod with this need.
async fn find_for(need: Need, sources: &[Associations], name: &str) -> Result<Found, String> {
    answer(need, None, sources, name).await
}

/// The answer if there is a ConfigMap too.
async fn find_beside(
    config_map: Option<&Arc<Source<Entries>>>,
    sources: &[Associations],
    name: &str,
) -> Result<Found, String> {
    answer(Need::Usual, config_map, sources, name).await
}

async fn answer(
    need: Need,
    config_map: Option<&Arc<Source<Entries>>>,
    sources: &[Associations],
    name: &str,
) -> Result<Found, String> {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut answers = Vec::new();
    for first in 0..sources.len().max(1) {
        let mut turned = sources.to_vec();
        turned.rotate_left(first);
        for sources in [turned.clone(), turned.into_iter().rev().collect()] {
            let identities = Identities::new(accounts(), sources, config_map.cloned());
            let answer = identities
                .find(AccountName::new("shop", name), need, Precedence::Association, deadline)
                .await;
            answers.push(answer.map_err(|error| error.to_string()));
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    answers.swap_remove(0)
}

fn association(lifetime: Option<i64>) -> Arc<Grant> {
    let lifetime = lifetime.map(AskedLifetime::Seconds);
    Arc::new(Grant::Association(AssociationGrant {
        roles: None,
        preferences: Preferences { lifetime, regional_sts: None },
    }))
}

#[tokio::test]
async fn association_wins_and_keeps_the_accounts_lifetime() {
    let sources = [source("one", Some(&[])), source("two", Some(&["orders", "plain"]))];
    let found = find(&sources, "orders").await.unwrap();
    assert_eq!(found, Found { grant: Some(association(Some(900))), exists: true, strays: None });
    let found = find(&sources, "plain").await.unwrap();
    assert_eq!(found, Found { grant: Some(association(None)), exists: true, strays: None });
}

#[tokio::test]
async fn sources_add_up() {
    let sources =
        [source("one", Some(&["orders"])), source("two", Some(&["plain"])), source("three", Some(&[]))];
    for name in ["orders", "plain"] {
        let found = find(&sources, name).await.unwrap();
        assert!(matches!(found.grant.as_deref(), Some(Grant::Association(_))), "{name}");
    }
    assert_eq!(find(&sources, "nobody").await.unwrap(), Found::missing());
}

/// The role that an answer grants.
fn role_arn(found: &Found) -> Option<&str> {
    match found.grant.as_deref() {
        Some(Grant::Role(role)) => Some(&role.role_arn),
        Some(Grant::Association(_)) | None => None,
    }
}

#[tokio::test]
async fn config_map_counts_where_neither_association_nor_annotation_does() {
    let document = r#"{"shop/*":{"RoleARN":"of the entry","TokenExpiration":1200},"shop/none":{}}"#;
    let config_map = Some(&config_map(Some(document)));
    let find = async |sources: &[_], name| find_beside(config_map, sources, name).await.unwrap();
    let plain = find(&[], "plain").await;
    assert_eq!((role_arn(&plain), plain.exists), (Some("of the entry"), true));
    assert_eq!(role_arn(&find(&[], "orders").await), Some(ROLE));
    // The API server makes no pods of such accounts, and the Go webhook grants it too.
    let nobody = find(&[], "nobody").await;
    assert_eq!((role_arn(&nobody), nobody.exists), (Some("of the entry"), false));
    assert_eq!(find(&[], "none").await, Found::missing());
    let associated = find(&[source("one", Some(&["plain"]))], "plain").await;
    assert_eq!(associated.grant, Some(association(None)));
}

#[tokio::test]
async fn nothing_is_answered_before_the_config_map_was_read() {
    let cold = "the source of identities config-map is not read yet";
    for sources in [&[][..], &[source("one", Some(&["plain"]))]] {
        for name in ["orders", "plain", "nobody"] {
            let found = find_beside(Some(&config_map(None)), sources, name).await;
            assert_eq!(found.unwrap_err(), cold, "{name}");
        }
    }
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

#[tokio::test]
async fn pod_that_opted_in_has_the_source_asked_before_it_goes_without() {
    let (asked, times) = askable(Ok(true));
    let sources = [source("one", Some(&["orders"])), asked];
    let found = find_for(Need::OptedIn, &sources, "plain").await.unwrap();
    assert_eq!(found.grant, Some(association(None)));
    assert_ne!(times.swap(0, Ordering::Relaxed), 0);
    // A known association is not asked for, nor is that of a pod that did not opt in.
    find_for(Need::OptedIn, &sources, "orders").await.unwrap();
    assert_eq!(find(&sources, "plain").await.unwrap().grant, None);
    assert_eq!(times.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn association_that_was_asked_for_wins_as_any() {
    let (asked, _) = askable(Ok(true));
    let found = find_for(Need::OptedIn, &[asked], "orders").await.unwrap();
    assert_eq!(found.grant, Some(association(Some(900))));
    let (asked, _) = askable(Ok(false));
    let found = find_for(Need::OptedIn, &[asked], "orders").await.unwrap();
    assert!(matches!(found.grant.as_deref(), Some(Grant::Role(_))), "{found:?}");
}

#[tokio::test]
async fn source_that_cannot_be_asked_is_no_answer_unless_a_role_is_known() {
    let (asked, _) = askable(Err("throttled"));
    let sources = [source("one", Some(&[])), asked];
    let error = find_for(Need::OptedIn, &sources, "plain").await.unwrap_err();
    assert_eq!(error, "failed to look up an association of shop/plain in asked: throttled");
    let found = find_for(Need::OptedIn, &sources, "orders").await.unwrap();
    assert!(matches!(found.grant.as_deref(), Some(Grant::Role(_))), "{found:?}");
}

#[tokio::test]
async fn nothing_is_denied_for_a_source_that_cannot_be_read() {
    use injection::denial::Demand;

    let followed = |name: &'static str, trouble| {
        let source = source(name, Some(&[]));
        let Associations::Followed(followed) = &source else { panic!() };
        if let Some(trouble) = trouble {
            followed.fail(trouble);
        }
        source
    };
    let required = Need::Required(Demand::Pod);
    let (well, ill) = (followed("one", None), followed("two", Some("half written")));
    assert_eq!(find_for(required, slice::from_ref(&well), "plain").await.unwrap().grant, None);
    let error = find_for(required, &[well.clone(), ill.clone()], "plain").await.unwrap_err();
    assert_eq!(error, "the source of identities two cannot be read: half written");
    // An account with a role is answered for, and so is a pod that need not have one.
    assert!(find_for(required, slice::from_ref(&ill), "orders").await.unwrap().grant.is_some());
    assert_eq!(find_for(Need::OptedIn, &[ill], "plain").await.unwrap().grant, None);

    let config_map = config_map(Some("{}"));
    config_map.fail("forbidden");
    let error = answer(required, Some(&config_map), &[well], "plain").await.unwrap_err();
    assert_eq!(error, "the source of identities config-map cannot be read: forbidden");
}

#[tokio::test]
async fn all_sources_are_asked_whichever_comes_first() {
    let [yes, no, failing] = [Ok(true), Ok(false), Err("throttled")].map(|answer| askable(answer).0);
    let found = find_for(Need::OptedIn, &[failing.clone(), yes, no.clone()], "plain").await.unwrap();
    assert_eq!(found.grant, Some(association(None)));
    let error = find_for(Need::OptedIn, &[failing, no], "plain").await.unwrap_err();
    assert!(error.ends_with("throttled"), "{error}");
}

#[tokio::test]
async fn nothing_is_asked_before_every_source_was_read() {
    let (asked, times) = askable(Ok(true));
    let sources = [source("two", None), asked];
    let cold = "the source of identities two is not read yet";
    assert_eq!(find_for(Need::OptedIn, &sources, "plain").await.unwrap_err(), cold);
    assert_eq!(times.load(Ordering::Relaxed), 0);
}

#[test]
fn label_of_pod_identity_opts_in_by_its_value() {
    let need = |labels: &str| {
        let json = format!("{{\"metadata\": {{\"labels\": {labels}}}}}");
        Need::of(&Pod::decode(&json, &Prefix::new("eks.amazonaws.com").unwrap()).unwrap(), None)
    };
    assert_eq!(need(r#"{"eks.amazonaws.com/pod-identity": "enabled"}"#), Need::OptedIn);
    for labels in [r#"{"eks.amazonaws.com/pod-identity": "disabled"}"#, r#"{"app": "enabled"}"#, "{}"] {
        assert_eq!(need(labels), Need::Usual, "{labels}");
    }
}

#[tokio::test]
async fn nobody_is_asked_for_an_account_that_does_not_exist() {
    use injection::denial::Demand;

    let (asked, times) = askable(Ok(true));
    for need in [Need::OptedIn, Need::Required(Demand::Pod)] {
        let found = find_for(need, slice::from_ref(&asked), "nobody").await.unwrap();
        assert_eq!(found, Found::missing());
        assert_eq!(times.load(Ordering::Relaxed), 0);
        find_for(need, slice::from_ref(&asked), "plain").await.unwrap();
        assert_ne!(times.swap(0, Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn a_name_that_no_account_can_have_is_found_nowhere_and_at_once() {
    // The longest name that a request has room for, and globs that are searched for all through it.
    let long = "a".repeat(6 << 20);
    let entry = |number: usize| format!(r#""*/a*{number}a*a":{{"RoleARN":"{ROLE}"}}"#);
    let entries: Vec<_> = (0..2000).map(entry).collect();
    let (asked, times) = askable(Ok(true));
    let config_map = config_map(Some(&format!("{{{}}}", entries.join(","))));
    let identities = Identities::new(accounts(), vec![asked], Some(config_map));
    let began = std::time::Instant::now();
    for (namespace, name) in
        [("shop", &*long), (&*long, "orders"), ("", "orders"), ("shop", ""), ("a.b", "orders")]
    {
        let found = identities
            .find(AccountName::new(namespace, name), Need::OptedIn, Precedence::Association, Instant::now())
            .await
            .unwrap();
        assert_eq!(found, Found::missing());
    }
    // As sets of bytes the two long names are compared a few times; the globs alone would take minutes.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(times.load(Ordering::Relaxed), 0);
    // Nothing is answered before all sources were read, not even for such a name.
    let cold = Identities::new(accounts(), vec![source("two", None)], None);
    let error = cold
        .find(AccountName::new("shop", &long), Need::Usual, Precedence::Association, Instant::now())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the source of identities two is not read yet");
}
