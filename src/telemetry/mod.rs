//! What a process reports of itself. The log: lines to standard error, at the verbosity that `-v` gives, kept
//! short. And the registry, in which every owner registers its own metrics.

mod dropped_lines;
mod line;
mod queue;
mod registry;
mod throttle;

use std::io;
use std::sync::{Arc, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use queue::Queue;

pub use registry::{MetricsError, Registry};
pub use throttle::Throttle;

/// Verbosity and form of the log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// The verbosity, as `-v` gives it.
    pub verbosity: i64,
    /// The form of the lines, text or JSON.
    pub format: LogFormat,
    /// Whether warnings and errors alone are logged: another program writes to the same terminal.
    pub is_quiet: bool,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// An object a line.
    Json,
}

/// The log of the process, once it is started.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// The log while it is needed; when it is dropped, the rest is written, if anything reads it.
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
        _ if log.is_quiet => LevelFilter::WARN,
        ..=3 => LevelFilter::INFO,
        4..=5 => LevelFilter::DEBUG,
        6.. => LevelFilter::TRACE,
    };
    // An operator has no use for what libraries say at info; at -v 6 all of it is wanted.
    let libraries = if level == LevelFilter::TRACE { level } else { LevelFilter::WARN };
    let filter = Targets::new()
        .with_default(libraries)
        .with_target("pod_identity_webhook", level)
        // kube logs the whole of an answer that it cannot read, which may be a page of objects; the webhook's
        // own errors say what went wrong.
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
    /// Writes a line in its own form, after all that was logged.
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

/// Lines dropped since the start because nothing read the log fast enough.
#[must_use]
pub fn dropped_lines() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.dropped())
}

/// Passes lines on as the formatter writes them, one for each write.
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

/// Logs where a panic was, without its message, which may hold what was sent.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "panic: a bug of the webhook, please report it");
    }));
}
