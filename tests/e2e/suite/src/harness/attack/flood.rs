//! Reviews of accounts that do not exist, a thousand a second, and answers that are hardly read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::super::http::request;
use super::Tally;
use super::crafted;
use super::target::Target;

/// Names a second to each replica.
const NAMES: u32 = 1000;

/// Connections over which they are asked for: each waits for its answer, which may take as long as a look-up.
const ASKERS: u32 = 300;

/// Answers under way that are read by a byte, now and then.
const READERS: usize = 100;
const BYTE: Duration = Duration::from_millis(200);

/// Received bytes that the kernel keeps for a slow reader: as few as it lets.
const WINDOW: u32 = 4096;

/// The wait before a connection that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Asks for a thousand reviews a second, of accounts that do not exist.
pub fn ask_for_names(tasks: &mut JoinSet<()>, target: &Arc<Target>, namespace: &str, tally: &Tally) {
    for number in 0..ASKERS {
        tasks.spawn(ask(target.clone(), namespace.to_owned(), number, tally.clone()));
    }
}

/// Keeps answers under way that hardly move.
pub fn read_slowly(tasks: &mut JoinSet<()>, target: &Arc<Target>, namespace: &str, tally: &Tally) {
    let review = Arc::new(crafted::of_a_long_answer(namespace));
    for _ in 0..READERS {
        tasks.spawn(read(target.clone(), review.clone(), tally.clone()));
    }
}

/// Asks for names that were never asked for before.
async fn ask(target: Arc<Target>, namespace: String, client: u32, tally: Tally) {
    let mut ticks = interval(Duration::from_secs(1) * ASKERS / NAMES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept = None;
    for number in 0_u64.. {
        ticks.tick().await;
        let review = crafted::ordinary(&namespace, &format!("nobody-{client}-{number}"));
        let asked = async {
            let mut sender = match kept.take() {
                Some(sender) => sender,
                None => connection(&target).await?,
            };
            let answer = sender.send_request(request("POST", "/mutate", review)?).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            anyhow::Ok((status, sender))
        };
        if let Ok((status, sender)) = asked.await {
            tally.count(&format!("names asked for: {}", status.as_u16()));
            kept = (!sender.is_closed()).then_some(sender);
        } else {
            tally.count("names asked for: no answer");
            sleep(AGAIN).await;
        }
    }
}

async fn connection(target: &Target) -> Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = http1::handshake(TokioIo::new(target.connect().await?)).await?;
    // The task ends with its sender.
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(target: Arc<Target>, review: Arc<String>, tally: Tally) {
    loop {
        if read_a_little(&target, &review, &tally).await.is_err() {
            tally.count("answers read slowly: broken off");
        }
        sleep(AGAIN).await;
    }
}

async fn read_a_little(target: &Target, review: &str, tally: &Tally) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let mut connection = target.connect_by(socket).await?;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nHost: e2e\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        review.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(review.as_bytes()).await?;
    connection.flush().await?;
    tally.count("answers read slowly");
    while connection.read_u8().await.is_ok() {
        sleep(BYTE).await;
    }
    Ok(())
}
