//! A hundred swaps a second while pods are admitted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, interval};

use super::{NAME, flag, metric, naming};
use crate::support::credentials::Credentials;
use crate::support::mounted::Files;
use crate::support::process::Process;
use crate::support::reviews::body;
use crate::support::wait::until;

/// How many clients were served, and how often they saw an account change from one set to the other.
#[derive(Default)]
struct Seen {
    served: AtomicUsize,
    answers: AtomicUsize,
    changes: AtomicUsize,
}

/// Asks for pods of `orders`, which all sets associate, and of `plain`, which every other one does.
async fn ask(process: &Process, seen: &Seen, is_over: &AtomicBool) {
    let mut connection = process.client.connect().await.unwrap();
    let mut last = None;
    while !is_over.load(Ordering::Relaxed) {
        let orders = connection.post("/mutate", body("orders")).await.unwrap();
        assert!(matches!(Credentials::of(&orders), Credentials::Association(_)), "{orders:?}");
        if last.is_none() {
            seen.served.fetch_add(1, Ordering::Relaxed);
        }
        let plain = connection.post("/mutate", body("plain")).await.unwrap();
        let is_associated = match Credentials::of(&plain) {
            Credentials::Association(_) => true,
            Credentials::None => false,
            Credentials::Role(role) => panic!("{role}"),
        };
        seen.answers.fetch_add(2, Ordering::Relaxed);
        seen.changes
            .fetch_add(usize::from(last.replace(is_associated) == Some(!is_associated)), Ordering::Relaxed);
    }
}

/// Swaps until `is_enough` says so.
async fn storm(is_enough: impl Fn(Duration, &Seen) -> bool) {
    const CLIENTS: usize = 3;
    let sets = [naming(&["orders", "plain"]), naming(&["orders"])];
    let files = Files::mounted(&[(NAME, &sets[0])]);
    let process = Arc::new(Process::start(&[&flag(&files.path(NAME))]).await);
    until("the process is ready", async || (process.admin("/readyz").await.status == 200).then_some(()))
        .await;
    let (seen, is_over) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (process, seen, is_over) = (process.clone(), seen.clone(), is_over.clone());
            tokio::spawn(async move { ask(&process, &seen, &is_over).await })
        })
        .collect();
    until("every client is served", async || {
        let (served, answers) = (seen.served.load(Ordering::Relaxed), seen.answers.load(Ordering::Relaxed));
        (served == CLIENTS && answers > 50).then_some(())
    })
    .await;
    let before = process.descriptors();
    let began = Instant::now();
    let mut swaps = 0;
    let mut beat = interval(Duration::from_millis(10));
    while !is_enough(began.elapsed(), &seen) {
        assert!(clients.iter().all(|client| !client.is_finished()), "a client met something else");
        swaps += 1;
        files.swap(&format!("..generation_{swaps}"), &[(NAME, &sets[swaps % 2])]);
        beat.tick().await;
    }
    let took = began.elapsed();
    let most = process.descriptors();
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    println!(
        "{swaps} swaps and {} answers in {took:?}, {} changes seen, descriptors {before} -> {most}",
        seen.answers.load(Ordering::Relaxed),
        seen.changes.load(Ordering::Relaxed),
    );
    // The file itself may be open at this moment.
    assert!(most <= before + 2, "{before} descriptors before, {most} after {swaps} swaps");
    assert_eq!(process.metric(&metric("errors_total")).await, Some(0.0));
    let complaints: Vec<_> = process.log().into_iter().filter(|line| line.contains("WARN")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test]
async fn storm_of_swaps_gives_every_pod_the_old_or_the_new() {
    storm(|_, seen| seen.changes.load(Ordering::Relaxed) >= 6).await;
}

/// The same storm for longer: `cargo test --locked storm -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "takes ten seconds"]
async fn storm_of_ten_seconds_gives_every_pod_the_old_or_the_new() {
    storm(|took, _| took >= Duration::from_secs(10)).await;
}
