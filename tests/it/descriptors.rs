//! The limit of open files: raised as far as it goes, and no more connections promised than it allows.

use std::process::Command;

use crate::support::process::{PROGRAM, Process};
use crate::support::reviews::body;

/// The program, after a shell has set limits.
fn under(limits: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\""), PROGRAM]);
    shell
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn soft_limit_is_raised_to_the_hard_one() {
    let process = Process::start_by(&mut under("ulimit -Sn 64 && ulimit -Hn 4096"), &[], &[]).await;
    assert_eq!(process.metric("process_max_fds").await, Some(4096.0));
    assert!(!process.log().iter().any(|line| line.contains("--max-connections is lowered")));
}

#[tokio::test]
async fn connections_that_have_no_descriptor_are_not_promised() {
    let process = Process::start_by(&mut under("ulimit -n 512"), &[], &[]).await;
    let line = process.logged("--max-connections is lowered to fit the limit of open files").await;
    assert!(line.contains("connections=256"), "{line}");
    process.logged("max-connections=256 max-connections-per-peer=128").await;
    let mut crowd = Vec::new();
    for _ in 0..700 {
        crowd.push(tokio::net::TcpStream::connect(process.address).await.unwrap());
    }
    assert_eq!(process.client.post("/mutate", body("orders")).await.status, 200);
    assert_eq!(process.admin("/livez").await.status, 200);
    assert!(process.descriptors() < 512);
    assert!(!process.log().iter().any(|line| line.contains("failed to accept")));
}
