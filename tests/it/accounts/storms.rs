//! Endless names: the API server is asked for a limited number of them a second, on connections that are
//! kept, and misses of other accounts do not suffer from them.

use std::sync::Arc;
use std::time::Duration;

use injection::AccountName;
use injection::annotation::Prefix;
use pod_identity_webhook::identities::known::AccountState;
use pod_identity_webhook::identities::sources::service_accounts::{self, LookupPace, ServiceAccounts};
use pod_identity_webhook::kubernetes;
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::webhook::Metrics;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::{ORDERS, annotation, eventually};
use crate::support::fake_api::{FakeApi, Fault, Route};

const LOOKUPS: LookupPace = LookupPace { rate: 50, burst: 100 };

/// How long the webhook gives a look-up.
const LIMIT: Duration = Duration::from_millis(1500);

/// Follows the accounts of a fake API server without a webhook around it: a storm needs no TLS.
struct Followed {
    accounts: Arc<ServiceAccounts>,
    metrics: Metrics,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followed {
    async fn start(api: &FakeApi) -> Self {
        drop(aws_lc_rs::default_provider().install_default());
        let client = kubernetes::client(None, Some(&api.url().parse().unwrap())).await.unwrap();
        let (metrics, readiness) = (Metrics::new().unwrap(), Readiness::default());
        let accounts = Arc::new(ServiceAccounts::new(
            client.clone(),
            Prefix::new("eks.amazonaws.com").unwrap(),
            LIMIT,
            service_accounts::pace(LOOKUPS, LIMIT),
            readiness.latch("service-accounts", "not all read yet"),
            metrics.accounts.clone(),
        ));
        let followed = accounts.clone();
        let task = tokio::spawn(async move { followed.follow(client).await });
        let followed = Self { accounts, metrics, task };
        followed.wait_for_watch(1).await;
        followed
    }

    async fn wait_for_watch(&self, is_up: u8) {
        let line = format!("\npod_identity_webhook_watch_up {is_up}\n");
        eventually("the watch", async || {
            self.metrics.registry.scrape().unwrap().contains(&line).then_some(()).ok_or("not yet")
        })
        .await;
    }

    fn find(&self, namespace: String, name: String) -> JoinHandle<Result<AccountState, String>> {
        let accounts = self.accounts.clone();
        tokio::spawn(async move {
            let found = accounts.find(AccountName::new(&namespace, &name), Instant::now() + LIMIT).await;
            found.map_err(|doubt| doubt.error.to_string())
        })
    }

    /// A thousand names a second for two seconds, while every tenth of one another namespace has a miss: how many
    /// of the storm's had an answer, and how long the slowest of the others waited for theirs.
    async fn storm(&self, api: &FakeApi, namespace: impl Fn(usize) -> String) -> (usize, Duration) {
        let mut tick = interval(Duration::from_millis(10));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut storm, mut others) = (Vec::new(), Vec::new());
        for step in 0..200 {
            tick.tick().await;
            storm.extend((0..10).map(|part| {
                let number = step * 10 + part;
                self.find(namespace(number), format!("made-up-{number}"))
            }));
            if step % 10 == 9 {
                let name = format!("late-{step}");
                api.put_unannounced("shop", &name, &annotation(ORDERS));
                let (found, began) = (self.find("shop".to_owned(), name), Instant::now());
                others.push(tokio::spawn(async move { (found.await.unwrap(), began.elapsed()) }));
            }
        }
        let mut slowest = Duration::ZERO;
        for other in others {
            let (found, took) = other.await.unwrap();
            assert_eq!(found.unwrap().role_arn(), Some(ORDERS));
            slowest = slowest.max(took);
        }
        let mut answered = 0;
        for one in storm {
            answered += usize::from(one.await.unwrap().is_ok());
        }
        (answered, slowest)
    }
}

async fn shop() -> FakeApi {
    let api = FakeApi::start().await;
    for namespace in ["shop", "storm"] {
        api.put(namespace, "default", &[]);
    }
    api
}

/// What a storm may cost.
fn assert_bounded(api: &FakeApi, began: Instant) {
    let traffic = api.traffic();
    let seconds = began.elapsed().as_secs_f64();
    let most = f64::from(LOOKUPS.rate).mul_add(seconds, f64::from(LOOKUPS.burst));
    #[allow(clippy::cast_precision_loss)]
    let gets = traffic.gets.len() as f64;
    assert!(gets <= most + 1.0, "{gets} GETs in {seconds} s");
    assert!(traffic.gets_running_max <= 32, "{}", traffic.gets_running_max);
    assert!(traffic.connections <= 34, "{} connections", traffic.connections);
}

#[tokio::test]
async fn a_storm_of_names_in_one_namespace_is_bounded_and_takes_nobody_elses_look_up() {
    let api = shop().await;
    let followed = Followed::start(&api).await;
    let began = Instant::now();
    let (answered, slowest) = followed.storm(&api, |_| "storm".to_owned()).await;
    println!("{answered} of 2000 answered, the slowest of the others after {slowest:?}");
    assert!(answered > 100, "{answered}");
    assert_bounded(&api, began);
    let limited = "pod_identity_webhook_live_lookups_total{result=\"limited\"}";
    assert!(followed.metrics.registry.scrape().unwrap().contains(limited));
}

#[tokio::test]
async fn a_storm_of_namespaces_that_are_made_up_takes_nobody_elses_look_up() {
    let api = shop().await;
    let followed = Followed::start(&api).await;
    let began = Instant::now();
    let (answered, slowest) = followed.storm(&api, |number| format!("made-up-{number}")).await;
    println!("{answered} of 2000 answered, the slowest of the others after {slowest:?}");
    assert!((1..=120).contains(&answered), "{answered}");
    assert_bounded(&api, began);
}

#[tokio::test]
async fn a_thousand_pods_of_fifty_accounts_are_all_answered_while_the_watch_is_down() {
    let api = shop().await;
    for number in 0..50 {
        api.put("shop", &format!("account-{number}"), &[]);
    }
    let followed = Followed::start(&api).await;
    api.set_fault(Route::Watch, Fault::Status(500));
    api.drop_watches();
    followed.wait_for_watch(0).await;
    let began = Instant::now();
    let mut found = Vec::new();
    // The names come all at once, and then a few at a time.
    for number in 0..1000 {
        if number > 500 && number % 5 == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        found.push(followed.find("shop".to_owned(), format!("account-{}", number % 50)));
    }
    for found in found {
        assert_eq!(found.await.unwrap(), Ok(AccountState::Plain));
    }
    assert_bounded(&api, began);
}

#[tokio::test]
async fn connections_are_kept_for_the_next_look_ups() {
    let api = shop().await;
    let followed = Followed::start(&api).await;
    for round in 0..5 {
        let found: Vec<_> = (0..8)
            .map(|number| followed.find("shop".to_owned(), format!("missing-{round}-{number}")))
            .collect();
        for found in found {
            assert_eq!(found.await.unwrap(), Ok(AccountState::Missing));
        }
    }
    let traffic = api.traffic();
    assert_eq!(traffic.gets.len(), 40);
    // One each for the list and the watch, and those that one round needs.
    assert!(traffic.connections <= 10, "{}", traffic.connections);
}
