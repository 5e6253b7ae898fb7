//! What people and machines do to the Secret, the registration and the clock: each recovers alone.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use pod_identity_webhook::certificates::Clock;
use pod_identity_webhook::certificates::self_managed::{Authority, Names, State, write};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, EVENTS, LAG, REGISTRATION, SECRET, bundles, registration, secret};
use super::replica::{BEGIN, PERIODS, Periods, Replica, Time, until};

/// Three replicas that are ready.
async fn ready() -> (Cluster, Time, [Replica; 3]) {
    let (cluster, time) = (Cluster::new(&["a", "b"]), Time::begin());
    let replicas = [(); 3].map(|()| Replica::start(&cluster, time, PERIODS));
    until("all are ready", || replicas.iter().all(Replica::is_ready)).await;
    (cluster, time, replicas)
}

fn are_accepted(cluster: &Cluster, time: Time, replicas: &[Replica]) -> Result<(), String> {
    replicas.iter().try_for_each(|replica| replica.accepted(cluster, time))
}

/// Looks for a while whether all are accepted all the time.
async fn stay_accepted(cluster: &Cluster, time: Time, replicas: &[Replica], duration: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < duration {
        let verdict = are_accepted(cluster, time, replicas);
        assert!(verdict.is_ok(), "after {:?}: {verdict:?}", begin.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Data of a Secret that holds these.
fn data(certificate: &str, key: &str) -> Value {
    json!({"ca.crt": STANDARD.encode(certificate), "ca.key": STANDARD.encode(key)})
}

/// What becomes of it if the Secret has this data instead: nobody notices, and what was there is set aside.
async fn set_aside(what: &Value, reason: &str, begins: &str) {
    let (cluster, time, replicas) = ready().await;
    let before = cluster.get(SECRET).unwrap();
    cluster.put(SECRET, secret(what));
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(20)).await;
    let after = cluster.get(SECRET).unwrap();
    assert_eq!(
        after["data"]["ca.crt"], before["data"]["ca.crt"],
        "{reason}: the last good one is there again"
    );
    assert_eq!(after["data"]["ca.key"], before["data"]["ca.key"]);
    for key in ["ca.crt", "ca.key"] {
        assert_eq!(after["data"].get(format!("set-aside.{key}")), what.get(key), "{reason}");
    }
    let why = STANDARD.decode(after["data"]["set-aside.reason"].as_str().unwrap()).unwrap();
    let why = String::from_utf8(why).unwrap();
    assert!(why.starts_with("2027-01-15T08:0") && why.contains(begins), "{why}");
    // One replica did it, once.
    let line = format!("pod_identity_webhook_certificate_set_aside_total{{reason=\"{reason}\"}} 1");
    assert_eq!(replicas.iter().filter(|replica| replica.metric(&line)).count(), 1, "{line}");
    let events = cluster.all(EVENTS);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["reason"], "AuthoritySetAside");
    assert_eq!(events[0]["regarding"]["name"], "authority");
    assert!(events[0]["note"].as_str().unwrap().contains(begins));
}

#[tokio::test(start_paused = true)]
async fn corrupt_secret_is_set_aside() {
    set_aside(
        &data("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x"),
        "corrupt",
        "cannot be read",
    )
    .await;
    set_aside(&json!({"ca.crt": STANDARD.encode("x")}), "corrupt", "its certificate cannot be read").await;
    let (one, other) = (made(0, 60), made(0, 60));
    set_aside(&data(&one.0, &other.1), "corrupt", "its key belongs to another certificate").await;
}

#[tokio::test(start_paused = true)]
async fn authority_of_somebody_else_is_set_aside() {
    let other = pod_identity_webhook::certificates::Authority::new().unwrap();
    let leaf = other.leaf(&["x".to_owned()]).unwrap();
    set_aside(&data(&other.certificate_pem(), &leaf.key_pem), "foreign", "not an authority").await;
    let foreign = made_for(&Names::of_service("webhook", "other"), 0, 60);
    set_aside(&data(&foreign.0, &foreign.1), "foreign", "for webhook.eks.svc").await;
}

#[tokio::test(start_paused = true)]
async fn expired_authority_is_set_aside() {
    let (certificate, key) = made(-1000, 60);
    set_aside(&data(&certificate, &key), "expired", "it expired").await;
}

#[tokio::test(start_paused = true)]
async fn authority_from_the_future_is_set_aside() {
    let (certificate, key) = made(365 * 86_400, 60);
    set_aside(&data(&certificate, &key), "not_yet_valid", "it is not valid for another").await;
}

/// An authority that was made this many seconds after the test's begin, as the Secret would have it.
fn made(after: i64, life: u64) -> (String, String) {
    made_for(&Names::of_service("webhook", "eks"), after, life)
}

fn made_for(names: &Names, after: i64, life: u64) -> (String, String) {
    let now = i64::try_from(BEGIN).unwrap() + after;
    let authority = Authority::make(names, now, Duration::from_secs(life)).unwrap();
    let mut object = secret(&json!({}));
    write(&mut object, &State::of(authority), &[], now);
    let text = |key: &str| {
        String::from_utf8(STANDARD.decode(object["data"][key].as_str().unwrap()).unwrap()).unwrap()
    };
    (text("ca.crt"), text("ca.key"))
}

#[tokio::test(start_paused = true)]
async fn another_good_authority_takes_over_unseen() {
    // A backup that was restored: nobody who runs knows this authority, and it is as good as any.
    let (cluster, time, replicas) = ready().await;
    let (certificate, key) = made(0, 120);
    cluster.put(SECRET, secret(&data(&certificate, &key)));
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(30)).await;
    assert_eq!(cluster.get(SECRET).unwrap()["data"]["ca.crt"], STANDARD.encode(certificate));
    assert_eq!(cluster.all(EVENTS), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn emptied_secret_is_written_again() {
    let (cluster, time, replicas) = ready().await;
    let before = cluster.get(SECRET).unwrap();
    cluster.put(SECRET, secret(&json!({})));
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(20)).await;
    assert_eq!(cluster.get(SECRET).unwrap()["data"]["ca.crt"], before["data"]["ca.crt"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_secret_replicas_go_on_and_new_ones_join() {
    let (cluster, time, mut replicas) = ready().await;
    cluster.refuse(Method::POST, "secrets", 403);
    cluster.delete(SECRET);
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(30)).await;
    assert!(replicas[0].metric("pod_identity_webhook_certificate_problem{problem=\"secret\"} 1"));
    replicas[0] = Replica::start(&cluster, time, PERIODS);
    until("the new one is ready", || replicas[0].is_ready()).await;
    stay_accepted(&cluster, time, &replicas, Duration::from_mins(1)).await;
    // All at once, and nobody is left who remembers.
    replicas = [(); 3].map(|()| Replica::start(&cluster, time, PERIODS));
    until("the new ones are ready", || replicas.iter().all(Replica::is_ready)).await;
    stay_accepted(&cluster, time, &replicas, Duration::from_mins(1)).await;
    // Made again, empty, it unites them.
    cluster.put(SECRET, secret(&json!({})));
    stay_accepted(&cluster, time, &replicas, Duration::from_mins(1)).await;
    assert!(replicas[0].metric("pod_identity_webhook_certificate_problem{problem=\"secret\"} 0"));
    for bundle in bundles(&cluster.get(REGISTRATION).unwrap()) {
        assert!(bundle.len() <= 2, "{bundle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_secret_is_made_again_where_that_is_allowed() {
    let (cluster, time, replicas) = ready().await;
    let before = cluster.get(SECRET).unwrap();
    cluster.delete(SECRET);
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(10)).await;
    assert_eq!(cluster.get(SECRET).unwrap()["data"]["ca.crt"], before["data"]["ca.crt"]);
}

#[tokio::test(start_paused = true)]
async fn wiped_bundles_are_repaired_each_time() {
    let (cluster, time, replicas) = ready().await;
    let (mut longest, begin) = (Duration::ZERO, Instant::now());
    let other = pod_identity_webhook::certificates::Authority::new().unwrap().certificate_pem();
    let replacements = [json!(null), json!(""), json!(STANDARD.encode(other)), json!("bm9uc2Vuc2U=")];
    for round in 0..60 {
        cluster.change(REGISTRATION, |object| {
            for entry in object["webhooks"].as_array_mut().unwrap() {
                entry["clientConfig"]["caBundle"] = replacements[round % 4].clone();
            }
        });
        sleep(LAG).await;
        let took = until("all are accepted", || are_accepted(&cluster, time, &replicas).is_ok()).await;
        longest = longest.max(took);
    }
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert!(begin.elapsed() < Duration::from_secs(150));
    let repairs: u64 = replicas
        .iter()
        .map(|replica| {
            let text = replica.registry.scrape().unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("pod_identity_webhook_ca_bundle_repairs_total "));
            line.unwrap().parse::<u64>().unwrap()
        })
        .sum();
    assert!((55..=60).contains(&repairs), "{repairs} repairs");
}

#[tokio::test(start_paused = true)]
async fn registration_that_was_deleted_and_made_again_is_kept() {
    let (cluster, time, replicas) = ready().await;
    cluster.delete(REGISTRATION);
    sleep(Duration::from_mins(1)).await;
    assert!(replicas.iter().all(Replica::is_ready));
    cluster.put(REGISTRATION, registration(&["a", "b", "new"]));
    let took = until("all are accepted", || are_accepted(&cluster, time, &replicas).is_ok()).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn new_entry_trusts_the_authority_within_seconds() {
    let (cluster, time, replicas) = ready().await;
    cluster.change(REGISTRATION, |object| {
        let more = registration(&["later"])["webhooks"][0].clone();
        object["webhooks"].as_array_mut().unwrap().push(more);
    });
    let took = until("all are accepted", || are_accepted(&cluster, time, &replicas).is_ok()).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn api_server_that_is_out_of_reach_stops_nobody() {
    let (cluster, time, replicas) = ready().await;
    for method in [Method::GET, Method::PUT] {
        cluster.refuse(method, "", 503);
    }
    // Longer than a leaf lives, and shorter than the authority.
    stay_accepted(&cluster, time, &replicas, Duration::from_secs(30)).await;
    cluster.allow();
    stay_accepted(&cluster, time, &replicas, Duration::from_mins(1)).await;
}

/// The date as an answer has it.
fn date(time: Time) -> String {
    httpdate::fmt_http_date(time.now())
}

#[tokio::test(start_paused = true)]
async fn clock_a_year_ahead_goes_by_the_api_servers() {
    let (cluster, time, mut replicas) = ready().await;
    let year = Duration::from_hours(8760);
    for ahead in [true, false] {
        cluster.set_date(Some(date(time)));
        let clock = Clock::new(move || if ahead { time.now() + year } else { time.now() - year });
        replicas[0] = Replica::with_clock(&cluster, clock, PERIODS);
        let took = until("it is ready", || {
            cluster.set_date(Some(date(time)));
            replicas[0].is_ready()
        });
        assert!(took.await < Duration::from_secs(5));
        assert!(replicas[0].metric("pod_identity_webhook_certificate_problem{problem=\"clock\"} 1"));
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_mins(3) {
            cluster.set_date(Some(date(time)));
            are_accepted(&cluster, time, &replicas).unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(cluster.all(EVENTS), Vec::<Value>::new(), "nothing was set aside");
}

#[tokio::test(start_paused = true)]
async fn clock_that_jumps_while_no_date_is_heard_recovers_when_it_is_set_back() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    let is_wrong = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let wrong = is_wrong.clone();
    let year = Duration::from_hours(8760);
    let clock =
        move || if wrong.load(std::sync::atomic::Ordering::Relaxed) { time.now() + year } else { time.now() };
    let replica = Replica::with_clock(&cluster, Clock::new(clock), PERIODS);
    until("it is ready", || replica.is_ready()).await;
    is_wrong.store(true, std::sync::atomic::Ordering::Relaxed);
    sleep(Duration::from_secs(30)).await;
    is_wrong.store(false, std::sync::atomic::Ordering::Relaxed);
    let took = until("it is accepted", || replica.accepted(&cluster, time).is_ok()).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// What ran here before, by somebody else's authority, and the Secret that it was told of is not there.
#[tokio::test(start_paused = true)]
async fn without_the_secret_nobody_elses_authority_is_dropped() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    cluster.refuse(Method::POST, "secrets", 403);
    cluster.delete(SECRET);
    let other = pod_identity_webhook::certificates::Authority::new().unwrap().certificate_pem();
    cluster.change(REGISTRATION, |object| {
        object["webhooks"][0]["clientConfig"]["caBundle"] = json!(STANDARD.encode(&other));
    });
    let other = bundles(&cluster.get(REGISTRATION).unwrap()).remove(0).remove(0);
    let replica = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || replica.is_ready()).await;
    let bundle = bundles(&cluster.get(REGISTRATION).unwrap()).remove(0);
    assert!(bundle.contains(&other) && bundle.len() == 2, "{bundle:?}");
}

/// Replicas that come and go add an authority each, and the bundle stays of a size that API servers take.
#[tokio::test(start_paused = true)]
async fn without_the_secret_bundles_do_not_grow_for_ever() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    cluster.refuse(Method::POST, "secrets", 403);
    cluster.delete(SECRET);
    for _ in 0..50 {
        let replica =
            Replica::start(&cluster, time, Periods { authority: Duration::from_hours(1), ..PERIODS });
        until("it is ready", || replica.is_ready()).await;
    }
    let bundle = bundles(&cluster.get(REGISTRATION).unwrap()).remove(0);
    assert!(bundle.len() <= 34, "{}", bundle.len());
}

#[tokio::test(start_paused = true)]
async fn entry_of_another_service_is_nobodys_business() {
    let (cluster, time) = (Cluster::new(&["a", "b"]), Time::begin());
    cluster.change(REGISTRATION, |object| {
        object["webhooks"][1]["clientConfig"] =
            json!({"service": {"name": "other", "namespace": "eks"}, "caBundle": "eA=="});
    });
    let before = cluster.get(REGISTRATION).unwrap()["webhooks"][1].clone();
    let replica = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || replica.is_ready()).await;
    sleep(Duration::from_mins(2)).await;
    assert!(replica.is_ready());
    assert_eq!(cluster.get(REGISTRATION).unwrap()["webhooks"][1], before);
}

/// An event that is never answered must not keep what it tells of from being repaired.
#[tokio::test(start_paused = true)]
async fn event_that_is_not_answered_holds_up_nothing() {
    let (cluster, time, replicas) = ready().await;
    cluster.hang("events");
    cluster.put(SECRET, secret(&data("x", "y")));
    stay_accepted(&cluster, time, &replicas, Duration::from_mins(1)).await;
}

/// Two Services whose replicas were told of the same Secret: each finds the other's authority in it.
#[tokio::test(start_paused = true)]
async fn secret_that_somebody_else_writes_all_the_time_is_left_alone_for_a_while() {
    let (cluster, time, replicas) = ready().await;
    let foreign = made_for(&Names::of_service("other", "eks"), 0, 86_400);
    let foreign = secret(&data(&foreign.0, &foreign.1));
    for _ in 0..300 {
        cluster.put(SECRET, foreign.clone());
        sleep(Duration::from_secs(1)).await;
        are_accepted(&cluster, time, &replicas).unwrap();
    }
    let events = cluster.all(EVENTS).len();
    assert!((10..=30).contains(&events), "{events} events");
    let told =
        |replica: &Replica| replica.metric("pod_identity_webhook_certificate_problem{problem=\"secret\"} 1");
    assert!(replicas.iter().all(told));
}
