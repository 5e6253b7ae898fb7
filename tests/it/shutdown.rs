//! The end of the process loses no call: it says that it leaves, serves on, finishes, exits.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;
use tempfile::TempDir;

use crate::support::client::{Client, get, get_plain};
use crate::support::process::{PROGRAM, Process, Starting};
use crate::support::raw::Raw;
use crate::support::reviews::{WORLD, body};
use crate::support::wait::{until, within};

/// Long enough that everything that is to happen within it does, on a machine that does much else.
const LONG_DELAY: &str = "--shutdown-delay=5s";

/// Waits until the process has heard the signal; gives what `/readyz` says then.
async fn until_leaving(process: &Process) -> (StatusCode, String) {
    until("leaving", async || {
        let answer = process.admin("/readyz").await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.contains("[+]shutdown ok (leaving, and still serving)\n").then_some((answer.status, text))
    })
    .await
}

/// Calls until nothing listens any more, and counts the answers. `leaving` is whether the server is known to
/// have seen the signal.
async fn call_until_the_end(client: Client, calls: Arc<AtomicUsize>, leaving: Arc<AtomicBool>) {
    while let Ok(mut connection) = client.connect().await {
        loop {
            let is_leaving = leaving.load(Ordering::Relaxed);
            let answer =
                connection.post("/mutate?timeout=10s", body("orders")).await.expect("no call is lost");
            assert_eq!(answer.status, StatusCode::OK);
            calls.fetch_add(1, Ordering::Relaxed);
            let is_last = answer.header("connection") == "close";
            assert!(is_last || !is_leaving, "an answer after the signal keeps its connection");
            if is_last {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signal_under_load_loses_no_call() {
    let mut process = Process::start(&[LONG_DELAY]).await;
    let (calls, leaving) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..8)
        .map(|_| tokio::spawn(call_until_the_end(process.client.clone(), calls.clone(), leaving.clone())))
        .collect();
    let more = async |count: usize| {
        let before = calls.load(Ordering::Relaxed);
        until("calls", async || (calls.load(Ordering::Relaxed) >= before + count).then_some(())).await;
    };
    more(200).await;
    process.terminate();
    until_leaving(&process).await;
    leaving.store(true, Ordering::Relaxed);
    // These calls are on new connections: every one that was kept has been given up by now.
    more(50).await;
    for client in clients {
        within("the clients' end", client).await.unwrap();
    }
    assert!(process.ended().await.success());
    process.logged(" stopped").await;
}

#[tokio::test]
async fn every_answer_after_the_signal_closes_its_connection() {
    let process = Process::start(&[LONG_DELAY]).await;
    let mut kept = process.client.connect().await.unwrap();
    let answer = kept.post("/mutate", body("orders")).await.unwrap();
    assert_eq!(answer.header("connection"), "");
    process.terminate();
    until_leaving(&process).await;
    let answer = kept.post("/mutate", body("orders")).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (StatusCode::OK, "close"));
    for (path, status) in [("/mutate", 405), ("/readyz", 200), ("/healthz", 200), ("/nowhere", 404)] {
        let answer = process.client.send(get(path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("connection")), (status, "close"), "{path}");
    }
    let probe = process.admin("/livez").await;
    assert_eq!((probe.status, probe.header("connection")), (StatusCode::OK, "close"));
}

/// kube-proxy falls back to pods that end, if they are ready and no other pod is.
#[tokio::test]
async fn replica_that_leaves_is_ready_as_long_as_it_serves() {
    let process = Process::start(&[LONG_DELAY]).await;
    assert_eq!(process.admin("/readyz").await.status, StatusCode::OK);
    process.terminate();
    let (status, text) = until_leaving(&process).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("[+]certificate ok\n"), "{text}");
    assert_eq!(process.admin("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn call_in_flight_is_finished_before_the_exit() {
    let mut process = Process::start(&["--shutdown-delay=0"]).await;
    let review = body("orders");
    let (first_half, second_half) = review.split_at(review.len() / 2);
    let mut call = Raw::connect(&process.client).await;
    call.announce("/mutate", review.len()).await;
    call.write(first_half).await.unwrap();
    process.terminate();
    process.logged("draining").await;
    // Nothing listens any more: only what was begun is finished.
    until("the port is closed", async || process.client.stream().await.is_err().then_some(())).await;
    call.write(second_half).await.unwrap();
    let answer = call.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close\r\n"), "{answer}");
    assert!(process.ended().await.success());
    process.logged(" stopped").await;
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_exit() {
    let mut process = Process::start(&["--shutdown-delay=0"]).await;
    let mut idle = process.client.connect().await.unwrap();
    assert_eq!(idle.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    let probe = get_plain(process.metrics_address, "/livez").await;
    assert_eq!(probe.status, StatusCode::OK);
    process.terminate();
    assert!(process.ended().await.success());
    // A drain that waited for idle connections would last until its limit, and say so.
    assert!(!process.log().iter().any(|line| line.contains("connections left")), "{:#?}", process.log());
    until("the connection is closed", async || idle.is_closed().then_some(())).await;
    process.logged(" stopped").await;
}

#[tokio::test]
async fn signal_during_the_start_ends_in_order() {
    let folder = TempDir::new().unwrap();
    let slow = folder.path().join("world.yaml");
    assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let manifests = format!("--manifests={}", slow.display());
    let mut starting = Starting::spawn(&[&manifests, "--shutdown-delay=0"]);
    // This opens once the process opens it for reading, in the middle of its start.
    let world = std::fs::OpenOptions::new().write(true).open(&slow).unwrap();
    starting.terminate();
    drop(world);
    let status = starting.ended().await;
    assert!(status.success(), "{status}: {:#?}", starting.log());
}

#[tokio::test]
async fn second_signal_cuts_the_delay_short() {
    let mut process = Process::start(&["--shutdown-delay=1h"]).await;
    process.terminate();
    process.logged("shutting down").await;
    process.terminate();
    assert!(process.ended().await.success());
    process.logged("not waiting any longer").await;
}

#[tokio::test]
async fn signal_ends_a_start_that_hangs() {
    // This service accepts, and never answers.
    let metadata = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", metadata.local_addr().unwrap());
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", address.as_str())];
    let mut starting = Starting::spawn_with(&[WORLD, "--compose-role-arn"], &environment);
    let (_asked, _) = within("the question", metadata.accept()).await.unwrap();
    starting.terminate();
    let status = starting.ended().await;
    assert!(status.success(), "{status}: {:#?}", starting.log());
    let log = starting.log();
    assert!(log.iter().any(|line| line.contains("stopped during the start")), "{log:#?}");
}

#[tokio::test]
async fn signals_that_ask_for_something_else_end_nothing() {
    let process = Process::start(&[]).await;
    for signal in ["HUP", "USR1", "USR2"] {
        process.signal(signal);
        let line = process.logged(&format!("signal=\"SIG{signal}\"")).await;
        assert!(line.contains("ignored"), "{line}");
    }
    assert_eq!(process.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
}

/// Where the process cannot begin once more, for its allocator's sake, the attempt has undone what keeps this signal
/// from ending it. Here its file is gone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn reader_that_has_gone_ends_nothing_where_the_process_cannot_begin_once_more() {
    let folder = TempDir::new_in(std::path::Path::new(PROGRAM).parent().unwrap()).unwrap();
    let file = folder.path().join("webhook");
    std::fs::hard_link(PROGRAM, &file).unwrap();
    let script = "exec 3<\"$0\" && rm \"$0\" && exec /proc/self/fd/3 \"$@\"";
    let mut process = Process::start_by(
        Command::new("/bin/sh").args(["-c", script]).arg(&file),
        &["--shutdown-delay=0"],
        &[],
    )
    .await;
    process.signal("PIPE");
    assert_eq!(process.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    process.terminate();
    assert!(process.ended().await.success());
}
