//! The log's lines on their way to standard error. Logging never waits: a pipe that is not read is full after
//! 64 KiB, and would stop every thread that logs. One thread writes; lines that find no room are dropped and
//! counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::line;

/// Bytes of lines that may wait to be written; as many again may be being written. It holds some 4,000
/// admissions, more than come in a second, and is little beside what requests take.
const WAITING: usize = 1 << 20;

/// How long lines are gathered before they are written together: waking a thread for each of them would take
/// a third as long as an admission.
const GATHER: Duration = Duration::from_millis(2);

/// How long the end of the process waits for the log to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// Lines between the threads that log and the one that writes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// Everything is written.
    emptied: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that were dropped and not reported yet.
    untold: u64,
    /// The writer has taken lines that it has not written yet.
    is_writing: bool,
    /// Set while the writer sleeps.
    is_asleep: bool,
}

impl Queue {
    /// A queue whose lines a thread of its own writes to `output`.
    pub(super) fn written_to(output: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let written = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || written.write_all_to(output))?;
        Ok(queue)
    }

    /// Adds one whole line, with its end.
    pub(super) fn push(&self, line: &[u8]) {
        let line = line::cut(line);
        let mut state = self.state();
        if state.waiting.len() + line.len() > WAITING {
            state.untold += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.extend_from_slice(&line);
        if std::mem::take(&mut state.is_asleep) {
            self.filled.notify_one();
        }
    }

    /// How many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all is written, but not for long: perhaps nothing reads it.
    pub(super) fn flush(&self) {
        let end = Instant::now() + FAREWELL;
        let mut state = self.state();
        while !state.waiting.is_empty() || state.is_writing {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.emptied.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn write_all_to(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let untold = self.take(&mut lines);
            // If the pipe is closed, there is nowhere to report it.
            drop(output.write_all(&lines));
            lines.clear();
            if untold > 0 {
                // There is room again, because the waiting lines were taken.
                tracing::warn!(
                    dropped = untold,
                    "lines of the log were dropped: the log was not read fast enough"
                );
            }
        }
    }

    /// Waits for lines and takes them all; answers how many were dropped while there was no room.
    fn take(&self, lines: &mut Vec<u8>) -> u64 {
        let mut state = self.state();
        state.is_writing = false;
        while state.waiting.is_empty() {
            self.emptied.notify_all();
            state.is_asleep = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        drop(state);
        thread::sleep(GATHER);
        let mut state = self.state();
        std::mem::swap(&mut state.waiting, lines);
        std::mem::take(&mut state.untold)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A writer that blocks until it is told to go on, once for each write.
    struct Pipe(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_dropped_and_counted() {
        let (read, reader) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let queue = Queue::written_to(Pipe(reader, written.clone())).unwrap();
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        // The queue takes as many as wait, and as many as are being written; the rest find no room.
        let lines = 3 * WAITING / line.len();
        (0..lines).for_each(|_| queue.push(&line));
        let dropped = queue.dropped();
        assert!(dropped >= 1024, "{dropped}");
        assert!(queue.state().waiting.len() <= WAITING);
        read.send(()).unwrap();
        read.send(()).unwrap();
        queue.flush();
        let written = written.lock().unwrap().len() / line.len();
        assert_eq!(written as u64 + dropped, lines as u64);
    }

    #[test]
    fn end_waits_for_a_reader_a_little() {
        let (_read, reader) = mpsc::channel();
        let queue = Queue::written_to(Pipe(reader, Arc::default())).unwrap();
        queue.push(b"a line\n");
        let began = Instant::now();
        queue.flush();
        assert!(began.elapsed() >= FAREWELL && began.elapsed() < FAREWELL * 20);
    }
}
