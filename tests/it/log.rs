//! The log, with a reader and without one.

use http::StatusCode;

use crate::support::process::{Process, Starting};
use crate::support::reviews::body;
use crate::support::wait::within;

#[tokio::test]
async fn log_that_nobody_reads_stops_no_admission_and_no_end() {
    let mut process = Process::start(&["--shutdown-delay=0"]).await;
    process.stop_reading();
    let mut connection = process.client.connect().await.unwrap();
    // A pipe takes 64 KiB: 250 lines.
    for _ in 0..2000 {
        let answer = within("the answer", connection.post("/mutate", body("orders"))).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert!(process.metric("pod_identity_webhook_log_lines_dropped_total").await.is_some());
    process.terminate();
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn last_words_of_a_start_that_fails_are_written() {
    for format in ["text", "json"] {
        let flag = format!("--log-format={format}");
        let mut starting = Starting::spawn(&["--manifests=/nowhere", &flag]);
        assert_eq!(starting.ended().await.code(), Some(1));
        let log = starting.log();
        let last = log.iter().rfind(|line| !line.is_empty()).unwrap();
        assert!(last.starts_with("pod-identity-webhook: ") && last.contains("/nowhere"), "{log:#?}");
    }
}
