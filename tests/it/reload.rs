//! The certificate in files: a good pair is taken whichever way it was written, a bad one never.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use pod_identity_webhook::certificates::{Authority, Files, Leaf, Store};
use pod_identity_webhook::webhook::Metrics;
use rcgen::{CertificateParams, KeyPair};
use tokio::time::sleep;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::support::client::Client;
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body};
use crate::support::server::{Server, settings};
use crate::support::wait::until;

const ERRORS: &str = "pod_identity_webhook_certificate_reload_errors_total";

async fn server(files: &PairFiles, authority: &Authority) -> Server {
    let args = [WORLD, "--shutdown-delay=0"].map(str::to_owned).into_iter().chain(files.args());
    Server::start(settings(args), || authority.certificate_pem()).await
}

/// Whether this leaf is what a new connection gets.
async fn serves(client: &Client, leaf: &Leaf) -> bool {
    let expected = CertificateDer::from_pem_slice(leaf.certificate_pem.as_bytes()).unwrap();
    let stream = client.stream().await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap().first() == Some(&expected)
}

async fn until_served(client: &Client, leaf: &Leaf) {
    until("the new certificate is served", async || serves(client, leaf).await.then_some(())).await;
}

#[tokio::test]
async fn takes_a_pair_that_is_rewritten_in_place() {
    let authority = Authority::new().unwrap();
    let (first, second) = (leaf(&authority), leaf(&authority));
    let files = PairFiles::plain(&first);
    let server = server(&files, &authority).await;
    assert!(serves(&server.client, &first).await);
    files.rewrite(&second.certificate_pem, &second.key_pem);
    until_served(&server.client, &second).await;
    server.stop().await;
}

#[tokio::test]
async fn takes_a_pair_that_is_renamed_over() {
    let authority = Authority::new().unwrap();
    let (first, second) = (leaf(&authority), leaf(&authority));
    let files = PairFiles::plain(&first);
    let server = server(&files, &authority).await;
    assert!(serves(&server.client, &first).await);
    files.rename_over(&second);
    until_served(&server.client, &second).await;
    server.stop().await;
}

#[tokio::test]
async fn takes_a_pair_that_kubelet_swaps_in() {
    let authority = Authority::new().unwrap();
    let (first, second, third) = (leaf(&authority), leaf(&authority), leaf(&authority));
    let files = PairFiles::mounted(&first);
    let server = server(&files, &authority).await;
    assert!(serves(&server.client, &first).await);
    files.swap("..2026_2", &second);
    until_served(&server.client, &second).await;
    files.swap("..2026_3", &third);
    until_served(&server.client, &third).await;
    server.stop().await;
}

#[tokio::test]
async fn keeps_the_good_pair_while_the_files_hold_none() {
    let authority = Authority::new().unwrap();
    let (first, other, last) = (leaf(&authority), leaf(&authority), leaf(&authority));
    let files = PairFiles::plain(&first);
    let args = files.args();
    let process = Process::with_authority(&[&args[0], &args[1]], &authority.certificate_pem()).await;
    let one_line_key = last.key_pem.trim().replace('\n', " ");
    let replace = |name: &str, program: &str, args: &[&str]| {
        fs::remove_file(files.path(name)).unwrap();
        let made = Command::new(program).args(args).arg(files.path(name)).status().unwrap();
        assert!(made.success());
    };
    let bad: [(&str, &dyn Fn()); 11] = [
        ("mismatch", &|| files.rewrite(&other.certificate_pem, &first.key_pem)),
        ("garbage certificate", &|| files.rewrite("garbage", &first.key_pem)),
        ("garbage key", &|| files.rewrite(&first.certificate_pem, "garbage")),
        ("key whose lines were lost", &|| files.rewrite(&first.certificate_pem, &one_line_key)),
        ("empty certificate", &|| files.rewrite("", &other.key_pem)),
        ("pipe that nobody writes to", &|| replace("tls.crt", "mkfifo", &[])),
        ("file without an end", &|| replace("tls.key", "ln", &["-s", "/dev/zero"])),
        ("folder", &|| replace("tls.crt", "mkdir", &[])),
        ("large file", &|| replace("tls.key", "truncate", &["-s", "1025K"])),
        ("missing key", &|| fs::remove_file(files.path("tls.key")).unwrap()),
        ("missing certificate", &|| fs::remove_file(files.path("tls.crt")).unwrap()),
    ];
    let mut seen = 0.0;
    for (what, make) in bad {
        // From the good pair each time, so that every fault is a change of its own.
        files.clear();
        files.rewrite(&first.certificate_pem, &first.key_pem);
        let good_again = leaf(&authority);
        files.rewrite(&good_again.certificate_pem, &good_again.key_pem);
        until_served(&process.client, &good_again).await;
        seen = process.metric(ERRORS).await.unwrap().max(seen);
        make();
        let before = seen;
        seen = until(what, async || process.metric(ERRORS).await.filter(|count| *count > before)).await;
        assert!(serves(&process.client, &good_again).await, "{what}");
        assert_eq!(process.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    }
    files.rewrite(&last.certificate_pem, &last.key_pem);
    until_served(&process.client, &last).await;
    let counted = process.metric(ERRORS).await.unwrap();
    assert!(counted >= 11.0, "{counted}: {:#?}", process.log());
    // The log may be a moment behind.
    let log = until("each that is counted is told of", async || {
        let log = process.log();
        let complaints = log.iter().filter(|line| line.contains("certificate not replaced")).count();
        ((counted - f64::from(u32::try_from(complaints).unwrap())).abs() < 0.5).then_some(log)
    })
    .await;
    assert_holds_no_key(&log, &last);
}

/// Asserts that no line holds a key, as text or as the numbers of its bytes.
fn assert_holds_no_key(log: &[String], leaf: &Leaf) {
    let line = leaf.key_pem.lines().nth(1).unwrap();
    let numbers = format!("{:?}", &line.as_bytes()[..16]);
    for leak in [&line[..16], numbers.trim_matches(['[', ']'])] {
        assert!(!log.iter().any(|line| line.contains(leak)), "{log:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_pair_is_counted_once_however_long_it_stays() {
    let authority = Authority::new().unwrap();
    let (first, other, last) = (leaf(&authority), leaf(&authority), leaf(&authority));
    let files = PairFiles::plain(&first);
    let source = Files { certificate: files.path("tls.crt"), key: files.path("tls.key") };
    let served = source.contents().await.unwrap();
    let store = Arc::new(Store::new(source.pair(&served).unwrap()));
    let metrics = Metrics::new().unwrap();
    tokio::spawn(source.follow(store.clone(), served, metrics.certificate.clone()));
    let errors = || {
        metrics
            .registry
            .scrape()
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix(ERRORS)?.trim().parse().ok())
    };
    for (count, bad) in [(1.0, &other), (2.0, &last)] {
        files.rewrite(&bad.certificate_pem, &first.key_pem);
        // A minute of the clock that the polls go by.
        sleep(Duration::from_mins(1)).await;
        assert_eq!(errors(), Some(count));
        // A good pair comes between, so that the next fault is news.
        files.rewrite(&bad.certificate_pem, &bad.key_pem);
        sleep(Duration::from_mins(1)).await;
        assert_eq!(errors(), Some(count));
    }
}

#[tokio::test]
async fn swaps_under_load_fail_no_request() {
    let authority = Authority::new().unwrap();
    let first = leaf(&authority);
    let files = PairFiles::mounted(&first);
    let server = server(&files, &authority).await;
    let mut kept = server.client.connect().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (client, done) = (server.client.clone(), done.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(client.post("/mutate", body("orders")).await.status, StatusCode::OK);
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for swap in 2..5 {
        let next = leaf(&authority);
        files.swap(&format!("..2026_{swap}"), &next);
        until_served(&server.client, &next).await;
        assert_eq!(kept.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    server.stop().await;
}

#[tokio::test]
async fn expired_certificate_is_not_ready_and_says_why() {
    let authority = Authority::new().unwrap();
    let files = PairFiles::plain(&expired());
    let server = server(&files, &authority).await;
    let report = server.admin("/readyz").await;
    assert_eq!(report.status, StatusCode::SERVICE_UNAVAILABLE);
    let text = String::from_utf8(report.body.to_vec()).unwrap();
    assert!(text.contains("[-]certificate the certificate expired "), "{text}");
    assert_eq!(server.admin("/livez").await.status, StatusCode::OK);

    let good = leaf(&authority);
    files.rewrite(&good.certificate_pem, &good.key_pem);
    until("ready", async || (server.admin("/readyz").await.status == StatusCode::OK).then_some(())).await;
    assert_eq!(server.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn certificate_s_end_is_told_of_before_and_when_it_comes() {
    let day = Duration::from_hours(24);
    let now = SystemTime::now();
    let expired = self_signed(now - 30 * day, now - day);
    let ending = self_signed(now - 300 * day, now + 3 * day + Duration::from_mins(30));
    let good = self_signed(now, now + 30 * day);
    let files = PairFiles::plain(&ending);
    let args = files.args();
    let process = Process::with_authority(&[&args[0], &args[1]], &ending.certificate_pem).await;
    let line = process.logged("the serving certificate expires soon").await;
    assert!(line.contains("hours_left=72"), "{line}");
    files.rewrite(&good.certificate_pem, &good.key_pem);
    process.logged("certificate replaced").await;
    files.rewrite(&expired.certificate_pem, &expired.key_pem);
    process.logged("the serving certificate has expired").await;
    let told = |text: &str| process.log().iter().filter(|line| line.contains(text)).count();
    assert_eq!((told("expires soon"), told("has expired")), (1, 1));
}

/// A pair that is valid from one time to another.
fn self_signed(not_before: SystemTime, not_after: SystemTime) -> Leaf {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (not_before.into(), not_after.into());
    let key = KeyPair::generate().unwrap();
    Leaf { certificate_pem: params.self_signed(&key).unwrap().pem(), key_pem: key.serialize_pem() }
}

/// A pair whose time was over long ago.
fn expired() -> Leaf {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = KeyPair::generate().unwrap();
    Leaf { certificate_pem: params.self_signed(&key).unwrap().pem(), key_pem: key.serialize_pem() }
}
