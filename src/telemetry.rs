//! The log: lines to standard error, at the verbosity that `-v` gives; and what keeps it short.

mod line;
mod queue;

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;
use crate::settings::Log;
use queue::Queue;

/// The log of the process, once it is started.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// The log for as long as it is needed: dropped, it is written to its end, if anybody reads it.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Started(());

/// Starts the log. A second call in one process changes nothing: tests share one.
pub fn init(log: Log) -> io::Result<Started> {
    if QUEUE.get().is_some() {
        return Ok(Started(()));
    }
    let queue = QUEUE.get_or_init({
        let queue = Queue::written_to(io::stderr())?;
        || queue
    });
    let level = match log.verbosity {
        ..=3 => LevelFilter::INFO,
        4..=5 => LevelFilter::DEBUG,
        6.. => LevelFilter::TRACE,
    };
    // What libraries say at info is of no use to an operator; at -v 6 all of it is wanted.
    let libraries = if level == LevelFilter::TRACE { level } else { LevelFilter::WARN };
    let filter = Targets::new()
        .with_default(libraries)
        .with_target("pod_identity_webhook", level)
        // kube warns of an answer that it cannot read with the whole of it, which may be a page of
        // objects; our own errors say what went wrong.
        .with_target("kube_client", LevelFilter::OFF)
        // The crates of AWS's SDK write requests whole, with their signature and session token.
        .with_target("aws_", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Writer(queue)).with_target(false);
    let started = match log.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    drop(started);
    Ok(Started(()))
}

impl Started {
    /// A line of its own form, after all that was logged.
    pub fn say(&self, line: &str) {
        if let Some(queue) = QUEUE.get() {
            queue.push(format!("{line}\n").as_bytes());
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.flush();
        }
    }
}

/// How many lines were dropped because nobody reads the log.
#[must_use]
pub fn dropped_lines() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.dropped())
}

/// Takes lines as the formatter writes them: each by one write.
struct Writer<'q>(&'q Queue);

impl io::Write for Writer<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says where a panic was, and not with which words: they may hold what was sent.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "panic: a bug of the webhook, please report it");
    }));
}

/// Lets one line through an interval, and counts the others.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    burst: u32,
    state: Mutex<Throttled>,
}

#[derive(Debug, Default)]
struct Throttled {
    /// When the last line would have been written, had none come sooner than an interval after another.
    due: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// One line every `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, burst: 1, state: Mutex::default() }
    }

    /// The same, but so many lines may come at once after a time without any.
    #[must_use]
    pub fn with_burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// Whether to write now, and how many lines were left out before.
    pub fn allow(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = state.due.map_or(now, |last| now.max(last + self.interval));
        if due > now + self.interval * self.burst.saturating_sub(1) {
            state.left_out += 1;
            return None;
        }
        state.due = Some(due);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_an_interval_says_how_many_were_left_out() {
        let throttle = Throttle::new(Duration::from_secs(1));
        assert_eq!(throttle.allow(), Some(0));
        assert_eq!((throttle.allow(), throttle.allow()), (None, None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.allow(), Some(2));
        assert_eq!(throttle.allow(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.allow(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_comes_through_and_then_one_line_an_interval() {
        let throttle = Throttle::new(Duration::from_secs(1)).with_burst(3);
        let allowed = |tries| (0..tries).filter(|_| throttle.allow().is_some()).count();
        assert_eq!(allowed(10), 3);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(allowed(10), 1);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(allowed(10), 3);
    }
}
