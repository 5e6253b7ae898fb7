//! How a set of objects is followed, against a fake API server that fails in every way. The objects are
//! ServiceAccounts, each read as its namespace and name.

mod failures;

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::api::{ApiResource, DynamicObject};
use kube::{Client, ResourceExt};
use pod_identity_webhook::kubernetes::{self, Change, Collection, Follow, News, WatchError};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::accounts::skip;
use crate::support::fake_api::{CONFIG_MAPS, FakeApi, Fault, Resource, Route};
use crate::support::wait::within;

type Names = Follow<String>;

/// Longer than any wait between two attempts.
const LONG: Duration = Duration::from_secs(11);

async fn client(api: &FakeApi) -> Client {
    drop(aws_lc_rs::default_provider().install_default());
    kubernetes::client(None, Some(&api.url().parse().unwrap())).await.unwrap()
}

async fn follow(api: &FakeApi) -> Names {
    let read = |account: ServiceAccount| format!("{}/{}", account.namespace().unwrap(), account.name_any());
    Follow::new(client(api).await, Collection::of::<ServiceAccount>(&(), None), "accounts", read)
}

async fn next(follow: &mut Names) -> Result<News<String>, WatchError> {
    within("news", follow.next()).await
}

fn all(names: &[&str]) -> News<String> {
    News::All(names.iter().map(|name| (*name).to_owned()).collect())
}

fn body(members: Value) -> Map<String, Value> {
    serde_json::from_value(members).unwrap()
}

fn applied(name: &str) -> Change<String> {
    Change::Applied(name.to_owned())
}

/// An API server with two accounts, and what follows them, once it has a watch that has proved alive.
async fn shop() -> (FakeApi, Names) {
    let api = FakeApi::start().await;
    api.put("shop", "cart", &[]);
    api.put("shop", "orders", &[]);
    let mut follow = follow(&api).await;
    assert_eq!(next(&mut follow).await.unwrap(), all(&["shop/cart", "shop/orders"]));
    prove(&api, &mut follow).await;
    (api, follow)
}

/// A watch proves alive by lasting.
async fn prove(api: &FakeApi, follow: &mut Names) {
    let (news, ()) = tokio::join!(next(follow), async {
        api.wait_for_watches(1).await;
        // The client hears of the watch a moment later; if it hears later still, it just takes longer.
        sleep(Duration::from_millis(20)).await;
        skip(Duration::from_secs(1)).await;
    });
    assert_eq!(news.unwrap(), News::Unchanged);
}

/// The next error; news that is told again, and that a watch lasts, is skipped.
async fn error(follow: &mut Names) -> WatchError {
    loop {
        match next(follow).await {
            Ok(news) => assert!(matches!(news, News::All(_) | News::Unchanged), "{news:?}"),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn every_page_is_listed_and_every_change_told() {
    let api = FakeApi::start().await;
    for number in 0..1234 {
        api.put("shop", &format!("account-{number:04}"), &[]);
    }
    let mut follow = follow(&api).await;
    let News::All(names) = next(&mut follow).await.unwrap() else { panic!("not a list") };
    assert_eq!(names.len(), 1234);
    let traffic = api.traffic();
    assert_eq!(traffic.lists.iter().map(|list| list.limit).collect::<Vec<_>>(), [Some(500); 3]);
    assert!(traffic.lists.iter().all(|list| list.resource_version.is_none()));

    prove(&api, &mut follow).await;
    api.put("shop", "late", &[]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/late")]));
    api.put("shop", "late", &[("key", "value")]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/late")]));
    api.delete("shop", "late");
    assert_eq!(
        next(&mut follow).await.unwrap(),
        News::Changes(vec![Change::Deleted("shop/late".to_owned())])
    );
    let traffic = api.traffic();
    assert_eq!((traffic.watches.len(), traffic.watches[0].timeout_seconds), (1, Some(20)));
    assert!(traffic.others.is_empty(), "{:?}", traffic.others);
}

#[tokio::test]
async fn a_change_before_the_watch_has_lasted_is_told_at_once() {
    let api = FakeApi::start().await;
    let mut follow = follow(&api).await;
    assert_eq!(next(&mut follow).await.unwrap(), all(&[]));
    api.put("shop", "between", &[]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/between")]));
}

#[tokio::test]
async fn a_burst_of_changes_is_told_in_few_pieces() {
    let (api, mut follow) = shop().await;
    api.withhold_watch_events(true);
    for number in 0..5000 {
        api.put("shop", &format!("account-{number:04}"), &[]);
    }
    api.release_watch_events();
    let (mut told, mut pieces) = (0, 0);
    while told < 5000 {
        let News::Changes(changes) = next(&mut follow).await.unwrap() else { panic!("not changes") };
        told += changes.len();
        pieces += 1;
    }
    // How many fit into a time depends on the machine; that most come together is what this tests.
    assert!(pieces <= 500, "{pieces} pieces");
}

#[tokio::test]
async fn a_watch_that_ends_in_time_goes_on_without_a_list() {
    let (api, mut follow) = shop().await;
    let version = api.put_unannounced("shop", "unheard", &[]);
    api.forget_requests();
    skip(Duration::from_secs(20)).await;
    assert_eq!(next(&mut follow).await.unwrap(), News::Unchanged);
    api.put("shop", "between", &[]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/between")]));
    let traffic = api.traffic();
    assert_eq!((traffic.lists.len(), traffic.watches.len()), (0, 1));
    assert_eq!(traffic.watches[0].resource_version, version, "from the bookmark");
}

#[tokio::test]
async fn a_field_selector_chooses_one_object() {
    let api = FakeApi::start().await;
    let maps = Collection::of::<ConfigMap>(&(), Some("eks"));
    let read = |map: ConfigMap| (map.name_any(), map.data.unwrap_or_default().remove("key"));
    let mut follow = Follow::new(client(&api).await, maps, "map", read).fields("metadata.name=roles");
    let mut next = async || within("news", follow.next()).await.unwrap();
    assert_eq!(next().await, News::All(vec![]));
    let put = |namespace, name, value: &str| {
        api.put_object(CONFIG_MAPS, namespace, name, body(json!({ "data": { "key": value } })))
    };
    put("eks", "other", "a");
    put("other", "roles", "b");
    put("eks", "roles", "c");
    let roles = |value: &str| ("roles".to_owned(), Some(value.to_owned()));
    assert_eq!(next().await, News::Changes(vec![Change::Applied(roles("c"))]));
    api.delete_object(CONFIG_MAPS, "eks", "roles");
    assert_eq!(next().await, News::Changes(vec![Change::Deleted(roles("c"))]));
    put("eks", "roles", "d");
    assert_eq!(next().await, News::Changes(vec![Change::Applied(roles("d"))]));
    api.expire_watches();
    assert_eq!(next().await, News::All(vec![roles("d")]));
}

#[tokio::test]
async fn objects_of_a_kind_that_comes_and_goes() {
    const WIDGETS: Resource =
        Resource { group: "example.com", version: "v1", plural: "widgets", kind: "Widget" };
    let api = FakeApi::start().await;
    let widgets = ApiResource {
        group: "example.com".into(),
        version: "v1".into(),
        api_version: "example.com/v1".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
    };
    let widgets = Collection::of::<DynamicObject>(&widgets, None);
    let read = |widget: DynamicObject| format!("{}: {}", widget.name_any(), widget.data["spec"]["size"]);
    let mut follow = Follow::new(client(&api).await, widgets, "widgets", read);
    let mut next = async || within("news", follow.next()).await;
    assert!(next().await.unwrap_err().is_missing());
    api.install(WIDGETS);
    api.put_object(WIDGETS, "", "wheel", body(json!({ "spec": { "size": 3 } })));
    api.set_fault_of(WIDGETS, Route::List, Fault::Status(403));
    assert!(next().await.unwrap_err().is_forbidden());
    api.set_fault_of(WIDGETS, Route::List, Fault::None);
    assert_eq!(next().await.unwrap(), News::All(vec!["wheel: 3".to_owned()]));
    api.put_object(WIDGETS, "shop", "crank", body(json!({ "spec": { "size": 4 } })));
    assert_eq!(next().await.unwrap(), News::Changes(vec![applied("crank: 4")]));
    api.uninstall(WIDGETS);
    let mut deleted = Vec::new();
    let error = loop {
        match next().await {
            Ok(News::Changes(changes)) => deleted.extend(changes),
            // The watch lasted.
            Ok(news) => assert_eq!(news, News::Unchanged),
            Err(WatchError::Cut { .. }) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(deleted, [Change::Deleted("wheel: 3".to_owned()), Change::Deleted("crank: 4".to_owned())]);
    assert!(error.is_missing(), "{error}");
}

#[tokio::test]
async fn nothing_is_lost_when_waiting_is_given_up() {
    let (api, mut follow) = shop().await;
    api.put("shop", "alone", &[]);
    assert_eq!(next(&mut follow).await.unwrap(), News::Changes(vec![applied("shop/alone")]));
    for number in 0..20 {
        api.put("shop", &format!("account-{number:02}"), &[]);
    }
    let mut told = 0;
    while told < 20 {
        if let Ok(news) = timeout(Duration::from_millis(1), follow.next()).await {
            let News::Changes(changes) = news.unwrap() else { panic!("not changes") };
            told += changes.len();
        }
    }
    assert_eq!(told, 20);
}
