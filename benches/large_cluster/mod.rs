//! A cluster as large as they come: 150,000 ServiceAccounts, every tenth with a role, and 5,000
//! associations; in the index that a watch of a fake API server keeps. And a ConfigMap with 5,000
//! entries, 100 of them with wildcards.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use injection::annotation::Prefix;
use injection::{AccountName, Found, Need, Precedence};
use pod_identity_webhook::identities::association_set::AssociationSet;
use pod_identity_webhook::identities::associations::Associations;
use pod_identity_webhook::identities::sources::config_map::{ConfigMapDocument, Entries};
use pod_identity_webhook::identities::sources::service_accounts::{self, LookupPace, ServiceAccounts};
use pod_identity_webhook::identities::{Accounts, Identities};
use pod_identity_webhook::kubernetes;
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::source::Source;
use pod_identity_webhook::webhook::Metrics;
use test_support::fake_api::FakeApi;
use tokio::runtime::{EnterGuard, Runtime};
use tokio::time::{Instant, sleep};

const ACCOUNTS: usize = 150_000;
const ASSOCIATIONS: usize = 5_000;
const ENTRIES: usize = 4_900;
const WILDCARDS: usize = 100;

/// Accounts from the middle of their kind, each under what is known of it.
pub const KNOWN: [(&str, AccountName<'static>); 5] = [
    ("an association", AccountName { namespace: "team-0001", name: "account-075001" }),
    ("a role", AccountName { namespace: "team-1500", name: "account-076500" }),
    ("nothing", AccountName { namespace: "team-1502", name: "account-076502" }),
    ("an entry", AccountName { namespace: "team-0504", name: "account-024504" }),
    // Of the entries with wildcards, this is tried last.
    ("an entry with a wildcard", AccountName { namespace: "team-1099", name: "account-070099" }),
];

/// The cluster, and what keeps it alive.
pub struct LargeCluster {
    identities: Identities,
    _entered: EnterGuard<'static>,
    _api: FakeApi,
}

impl LargeCluster {
    /// Lists the accounts, and waits until their watch is up.
    pub fn start() -> Self {
        let runtime: &Runtime = Box::leak(Box::new(Runtime::new().unwrap()));
        let (identities, api) = runtime.block_on(follow());
        Self { identities, _entered: runtime.enter(), _api: api }
    }

    /// What is known of an account, without waiting. Between one watch and the next an account without a role
    /// is looked up live: it is then asked for again until the next watch is open.
    pub fn find(&self, account: AccountName<'_>) -> Found {
        loop {
            let deadline = Instant::now() + Duration::from_secs(1);
            let found =
                self.identities.find(account, Need::Usual, Precedence::Association, deadline).now_or_never();
            if let Some(found) = found {
                return found.unwrap();
            }
        }
    }
}

async fn follow() -> (Identities, FakeApi) {
    let api = FakeApi::start().await;
    let name = |number: usize| (format!("team-{:04}", number % 3000), format!("account-{number:06}"));
    let role = ("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/orders");
    for number in 0..ACCOUNTS {
        let (namespace, name) = name(number);
        api.put(&namespace, &name, if number % 10 == 0 { std::slice::from_ref(&role) } else { &[] });
    }
    let (metrics, readiness) = (Metrics::new().unwrap(), Readiness::default());
    let client = kubernetes::client(None, Some(&api.url().parse().unwrap())).await.unwrap();
    let prefix = Prefix::new("eks.amazonaws.com").unwrap();
    let synced = readiness.latch("service-accounts", "not all read yet");
    let limit = Duration::from_secs(1);
    let pace = service_accounts::pace(LookupPace { rate: 50, burst: 100 }, limit);
    let accounts =
        Arc::new(ServiceAccounts::new(client.clone(), prefix, limit, pace, synced, metrics.accounts.clone()));
    let followed = accounts.clone();
    tokio::spawn(async move { followed.follow(client).await });

    let associations = Source::new("association-file", AssociationSet::len, &readiness, &metrics.sources);
    let spread = (0..ASSOCIATIONS).map(|number| name(number * (ACCOUNTS / ASSOCIATIONS) + 1));
    associations.replace(spread.collect());

    let config_map = Source::new("config-map", Entries::len, &readiness, &metrics.sources);
    config_map.replace(ConfigMapDocument::parse(&document()).unwrap().entries);

    while !metrics.registry.scrape().unwrap().contains("\npod_identity_webhook_watch_up 1\n") {
        sleep(Duration::from_millis(10)).await;
    }
    let associations = vec![Associations::Followed(associations)];
    (Identities::new(Accounts::Cluster(accounts), associations, Some(config_map)), api)
}

/// Entries that name accounts without a role of their own.
fn document() -> String {
    let exact = (0..ENTRIES)
        .map(|number| number * 10 + 4)
        .map(|number| format!("team-{:04}/account-{number:06}", number % 3000));
    let wildcards = (0..WILDCARDS).map(|number| format!("t*m-*/acc*t-*{number:04}"));
    let entries = exact.chain(wildcards).map(|key| format!("\"{key}\":{{\"RoleARN\":\"arn\"}}"));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}
