//! Connections that are held and say nothing, or half of something, to either port of a replica.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Tally;
use super::target::Target;

/// Connections to each port of each replica, twice as many as it takes by default. One in two is idle after a
/// request, the others have sent half a head.
const CONNECTIONS: u32 = 2000;

/// Descriptors that these need for a replica, and what else is open.
pub const DESCRIPTORS: usize = 2 * CONNECTIONS as usize + 1000;

/// All of them are opened within this time, so that no other client is there before them.
const RUSH: Duration = Duration::from_secs(2);

/// One that was closed is opened again after this. It is not handshakes that this is about, and so many are some
/// hundred a second.
const AGAIN: Duration = Duration::from_secs(10);

/// Most of what a head may have.
const HEAD: usize = 60 * 1024;

#[derive(Clone, Copy)]
enum Port {
    Webhook,
    Metrics,
}

#[derive(Clone, Copy)]
enum Manner {
    /// One request and its answer, then nothing.
    Idle,
    /// A head without its end.
    HalfHead,
}

/// Holds them all.
pub fn spawn(tasks: &mut JoinSet<()>, target: &Arc<Target>, tally: &Tally) {
    for port in [Port::Webhook, Port::Metrics] {
        for number in 0..CONNECTIONS {
            let manner = if number % 2 == 0 { Manner::Idle } else { Manner::HalfHead };
            let delay = RUSH * number / CONNECTIONS;
            tasks.spawn(hold(target.clone(), port, manner, delay, tally.clone()));
        }
    }
}

async fn hold(target: Arc<Target>, port: Port, manner: Manner, delay: Duration, tally: Tally) {
    sleep(delay).await;
    loop {
        let held = match port {
            Port::Webhook => match target.connect().await {
                Ok(connection) => keep(connection, manner, &tally, "webhook").await,
                Err(error) => Err(error),
            },
            Port::Metrics => match target.connect_to_metrics().await {
                Ok(connection) => keep(connection, manner, &tally, "metrics").await,
                Err(error) => Err(error),
            },
        };
        if held.is_err() {
            tally.count("connections that were not taken, or reset");
        }
        sleep(AGAIN).await;
    }
}

/// Until the other side closes it.
async fn keep(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    manner: Manner,
    tally: &Tally,
    port: &str,
) -> Result<()> {
    let (sent, what) = match manner {
        Manner::Idle => ("GET /livez HTTP/1.1\r\nHost: e2e\r\n\r\n".to_owned(), "idle"),
        Manner::HalfHead => {
            (format!("POST /mutate HTTP/1.1\r\nHost: e2e\r\nX: {}", "x".repeat(HEAD)), "half a head")
        }
    };
    tally.count(&format!("connections to {port}: {what}"));
    connection.write_all(sent.as_bytes()).await?;
    connection.flush().await?;
    let mut rest = [0; 1024];
    while connection.read(&mut rest).await? > 0 {}
    Ok(())
}
