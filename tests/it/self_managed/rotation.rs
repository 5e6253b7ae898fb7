//! Rotations, of which nobody may notice anything.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pod_identity_webhook::certificates::self_managed::{Authority, Certificate, Names, announce};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, REGISTRATION, SECRET, bundles};
use super::replica::{BEGIN, PERIODS, Replica, Time, until};

/// Looks again and again at what every replica serves that was ever ready, for a while; gives the authorities that
/// were seen in the bundles.
async fn watched(
    cluster: &Cluster,
    time: Time,
    replicas: &mut [Replica],
    duration: Duration,
    mut meanwhile: impl FnMut(&mut [Replica], Duration),
) -> BTreeSet<String> {
    let begin = Instant::now();
    let mut authorities = BTreeSet::new();
    while begin.elapsed() < duration {
        for replica in replicas.iter().filter(|replica| replica.is_ready()) {
            if let Err(error) = replica.accepted(cluster, time) {
                let at = begin.elapsed();
                let bundles = cluster.known_bundles();
                panic!("{at:?}: {error}; served: {:?}; bundles: {bundles:?}", replica.store.current());
            }
        }
        for bundle in bundles(&cluster.get(REGISTRATION).unwrap()) {
            authorities.extend(bundle.iter().map(|certificate| certificate.serial().to_owned()));
            assert!(bundle.len() <= 3, "{bundle:?}");
        }
        meanwhile(replicas, begin.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    authorities
}

#[tokio::test(start_paused = true)]
async fn nobody_notices_rotations_while_replicas_are_killed() {
    let (cluster, time) = (Cluster::new(&["a", "b", "c"]), Time::begin());
    let start = || Replica::start(&cluster, time, PERIODS);
    let mut replicas = [start(), start(), start()];
    until("all are ready", || replicas.iter().all(Replica::is_ready)).await;
    let mut kills = 0;
    let seen = watched(&cluster, time, &mut replicas, Duration::from_mins(10), |replicas, elapsed| {
        // Another one every 7 s, so that each step of a rotation is cut at some time.
        if elapsed.as_secs() / 7 > kills {
            kills += 1;
            replicas[usize::try_from(kills % 3).unwrap()] = start();
        }
    });
    let seen = seen.await;
    assert!(kills > 80, "{kills} kills");
    // One every 40 s and a little.
    assert!((13..=16).contains(&seen.len()), "{} authorities", seen.len());
    assert!(replicas.iter().all(|replica| replica.metric("pod_identity_webhook_ca_bundle_repairs_total 0")));
}

#[tokio::test(start_paused = true)]
async fn rotation_that_is_asked_for_takes_over_and_the_old_authority_leaves() {
    let (cluster, time) = (Cluster::new(&["a"]), Time::begin());
    let mut replicas = [Replica::start(&cluster, time, PERIODS), Replica::start(&cluster, time, PERIODS)];
    until("all are ready", || replicas.iter().all(Replica::is_ready)).await;
    let signing = || signing(&cluster);
    let before = signing();
    let names = Names::of_service("webhook", "eks");
    let now = i64::try_from(BEGIN).unwrap() + 5;
    let next = Authority::make(&names, now, PERIODS.authority).unwrap();
    let announced = next.certificate().clone();
    let mut secret = cluster.get(SECRET).unwrap();
    assert!(announce(&mut secret, next, &names, now).unwrap());
    // A second time changes nothing.
    let again = Authority::make(&names, now, PERIODS.authority).unwrap();
    let mut unchanged = secret.clone();
    assert!(!announce(&mut unchanged, again, &names, now).unwrap());
    assert_eq!(unchanged, secret);
    cluster.put(SECRET, secret);

    let begin = Instant::now();
    let (mut promoted, mut dropped) = (None, None);
    watched(&cluster, time, &mut replicas, Duration::from_secs(30), |_, elapsed| {
        let shown = &bundles(&cluster.get(REGISTRATION).unwrap())[0];
        if signing() == announced {
            promoted.get_or_insert(elapsed);
        }
        if !shown.contains(&before) {
            dropped.get_or_insert(elapsed);
        }
    })
    .await;
    assert!(begin.elapsed() > Duration::from_secs(29));
    let (promoted, dropped) = (promoted.unwrap(), dropped.unwrap());
    assert!(promoted >= PERIODS.wait && promoted < PERIODS.wait + Duration::from_secs(4), "{promoted:?}");
    assert!(dropped >= promoted + PERIODS.leaf, "{promoted:?} {dropped:?}");
}

/// The authority that signs, by the Secret.
fn signing(cluster: &Cluster) -> Certificate {
    let secret: Value = cluster.get(SECRET).unwrap();
    let pem = STANDARD.decode(secret["data"]["ca.crt"].as_str().unwrap()).unwrap();
    Certificate::of_bundle(&pem).remove(0)
}

#[tokio::test(start_paused = true)]
async fn next_authority_waits_for_an_entry_that_does_not_show_it() {
    let (cluster, time) = (Cluster::new(&["a", "b"]), Time::begin());
    let replica = Replica::start(&cluster, time, PERIODS);
    until("it is ready", || replica.is_ready()).await;
    let before = signing(&cluster);
    // From now on the registration cannot be written, and so the next authority cannot be shown.
    cluster.refuse(http::Method::PUT, "mutatingwebhook", 500);
    until("the next authority is made", || cluster.get(SECRET).unwrap()["data"].get("next-ca.crt").is_some())
        .await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(signing(&cluster), before);
    replica.accepted(&cluster, time).unwrap();
    cluster.allow();
    until("the next authority signs", || signing(&cluster) != before).await;
    replica.accepted(&cluster, time).unwrap();
}
