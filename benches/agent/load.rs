//! Requests of pods, as their SDKs send them, and how long the answers take.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until, timeout};

use crate::cluster::Pod;

/// Connections at the same time of a load that goes on without pauses.
pub const CONNECTIONS: usize = 16;

/// Patience of an SDK, as botocore has it: for one request, its tries, and the pause between them.
const REQUEST: Duration = Duration::from_secs(2);
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// A connection of a pod.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// Whether a connection is used for more than one request. SDKs open one for each: they ask once in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    Kept,
    New,
}

/// What became of the requests of a load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Answers with credentials.
    pub answers: u32,
    /// Other answers.
    pub refusals: u32,
    /// How long answers with credentials took.
    pub latencies: Vec<Duration>,
}

/// What became of pods that started at once.
pub struct Started {
    /// Pods that got no credentials within an SDK's patience.
    pub failed: usize,
    /// Requests that were sent.
    pub requests: usize,
    /// When the last pod had its credentials.
    pub last: Duration,
}

impl Connection {
    /// Opens one from a pod's address.
    pub async fn open(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4 << 10) })
    }

    /// Sends a request, and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = read(&self.buffer)? {
                return Ok(answer);
            }
        }
    }
}

/// An answer, if it is whole.
fn read(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let (head, body) = bytes.split_at(end + 4);
    let head = str::from_utf8(head).map_err(|_| invalid())?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(invalid)?;
    Ok((body.len() >= length).then(|| Answer { status, body: Bytes::copy_from_slice(&body[..length]) }))
}

impl Outcome {
    fn add(&mut self, answer: &io::Result<Answer>, took: Duration) {
        match answer {
            Ok(Answer { status: 200, .. }) => {
                self.answers += 1;
                self.latencies.push(took);
            }
            _ => self.refusals += 1,
        }
    }

    fn together(all: Vec<Self>) -> Self {
        let mut together = all.into_iter().fold(Self::default(), |mut sum, one| {
            sum.answers += one.answers;
            sum.refusals += one.refusals;
            sum.latencies.extend(one.latencies);
            sum
        });
        together.latencies.sort_unstable();
        together
    }

    /// The latency that this part of the answers had at the most.
    pub fn latency(&self, percent: usize) -> Duration {
        let place = self.latencies.len() * percent / 100;
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

/// Asks for each pod by turns, without a pause, for this long.
pub async fn steady(to: SocketAddr, pods: &[Pod], connections: Connections, time: Duration) -> Outcome {
    let began = Instant::now();
    let clients = (0..CONNECTIONS).map(async |first| {
        let mut outcome = Outcome::default();
        let mut kept = None;
        for pod in pods.iter().cycle().skip(first * pods.len() / CONNECTIONS) {
            let asked = Instant::now();
            if asked - began >= time {
                break;
            }
            let answer = match connections {
                Connections::New => once(to, pod).await,
                Connections::Kept => ask_on(&mut kept, to, pod).await,
            };
            outcome.add(&answer, asked.elapsed());
        }
        outcome
    });
    awake(all(clients)).await
}

/// Asks so many times a second on a few kept connections, for this long.
pub async fn paced(to: SocketAddr, pods: &[Pod], rate: u32, time: Duration) -> Outcome {
    const CLIENTS: u32 = 8;
    let began = tokio::time::Instant::now();
    let clients = (0..CLIENTS).map(async |client| {
        let mut outcome = Outcome::default();
        let mut kept = None;
        let pods = pods.iter().cycle().skip(client as usize * pods.len() / CLIENTS as usize);
        let turns = (client..).step_by(CLIENTS as usize).map(|turn| Duration::from_secs(1) * turn / rate);
        for (pod, turn) in pods.zip(turns.take_while(|turn| *turn < time)) {
            sleep_until(began + turn).await;
            let asked = Instant::now();
            let answer = ask_on(&mut kept, to, pod).await;
            outcome.add(&answer, asked.elapsed());
        }
        outcome
    });
    Outcome::together(all(clients).await)
}

/// Asks on kept connections, so many times without a pause, and again after a pause: what an agent with a limit of
/// requests a second answers, without sleeping between them.
pub async fn in_bursts(to: SocketAddr, pods: &[Pod], bursts: u32, size: usize, every: Duration) -> Outcome {
    let began = tokio::time::Instant::now();
    let clients = (0..CONNECTIONS).map(async |client| {
        let mut outcome = Outcome::default();
        let mut kept = None;
        let mut pods = pods.iter().cycle().skip(client * pods.len() / CONNECTIONS);
        for burst in 0..bursts {
            sleep_until(began + every * burst).await;
            for pod in pods.by_ref().take(size / CONNECTIONS) {
                let asked = Instant::now();
                let answer = ask_on(&mut kept, to, pod).await;
                outcome.add(&answer, asked.elapsed());
            }
        }
        outcome
    });
    awake(all(clients)).await
}

/// Pods start, so many a second or all at the same moment, and the SDK of each asks with its patience.
pub async fn started(to: SocketAddr, pods: &[Pod], rate: Option<u32>) -> Started {
    let began = tokio::time::Instant::now();
    let asked = (0..).zip(pods).map(async |(turn, pod)| {
        sleep_until(began + rate.map(|rate| Duration::from_secs(1) * turn / rate).unwrap_or_default()).await;
        for tries in 1..=TRIES {
            let answer = timeout(REQUEST, once(to, pod)).await;
            if answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200)) {
                return (tries, Some(began.elapsed()));
            }
            if tries < TRIES {
                sleep(PAUSE).await;
            }
        }
        (TRIES, None)
    });
    let mut started = Started { failed: 0, requests: 0, last: Duration::ZERO };
    for (tries, answered) in all(asked).await {
        started.requests += tries;
        match answered {
            None => started.failed += 1,
            Some(after) => started.last = started.last.max(after),
        }
    }
    started
}

async fn once(to: SocketAddr, pod: &Pod) -> io::Result<Answer> {
    Connection::open(pod.address, to).await?.ask(&pod.last).await
}

/// Asks on the connection that is kept, or on a new one if there is none.
async fn ask_on(kept: &mut Option<Connection>, to: SocketAddr, pod: &Pod) -> io::Result<Answer> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(pod.address, to).await?,
    };
    let answer = connection.ask(&pod.kept).await?;
    *kept = Some(connection);
    Ok(answer)
}

/// Only those that something has happened to are looked at: the load must not be what is slow.
async fn all<T>(clients: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    clients.collect::<FuturesUnordered<_>>().collect().await
}

/// Whoever asks never sleeps meanwhile: a process that answers slowly would have to wake it each time, which is an
/// interrupt of another core and no part of an answer.
async fn awake(outcomes: impl Future<Output = Vec<Outcome>>) -> Outcome {
    let spin = async {
        loop {
            yield_now().await;
        }
    };
    tokio::select! {
        biased;
        outcomes = outcomes => Outcome::together(outcomes),
        never = spin => never,
    }
}
