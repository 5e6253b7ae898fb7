//! The log's lines on their way to standard error. Whoever logs never waits: a pipe that nobody reads is full
//! after 64 KiB, and would stop every thread that has something to say. A thread of its own writes; what
//! finds no room is dropped and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::line;

/// Bytes of lines that wait to be written, as many again being written: some 4,000 admissions, which is more
/// than a second of them, and little beside what requests take.
const WAITING: usize = 1 << 20;

/// How long lines are gathered before they are written together: to wake a thread for each of them would take a
/// third of what an admission takes.
const GATHER: Duration = Duration::from_millis(2);

/// How long the end of the process waits for the log to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// Lines between those who log and the thread that writes.
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
    /// Lines that were dropped and not told of yet.
    untold: u64,
    /// What was taken is not written yet.
    is_writing: bool,
    /// The writer sleeps.
    is_asleep: bool,
}

impl Queue {
    /// A queue that a thread of its own writes to `output`.
    pub(super) fn written_to(output: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let written = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || written.write_all_to(output))?;
        Ok(queue)
    }

    /// One line, whole, with its end.
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

    /// Waits until all is written, but not for long: nobody may read it.
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
            // To a closed pipe, nothing more can be said.
            drop(output.write_all(&lines));
            lines.clear();
            if untold > 0 {
                // There is room again: what waited was taken.
                tracing::warn!(
                    dropped = untold,
                    "lines of the log were dropped: the log was not read fast enough"
                );
            }
        }
    }

    /// Waits for lines and takes them all; how many were dropped before there was room again.
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
        // Nothing panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Blocks until it is told to go on, once for each write.
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
        // As many as wait, as many as are being written, and some that find no room.
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
