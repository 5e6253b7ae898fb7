//! What is said meanwhile, if something takes long.

use std::time::{Duration, Instant};

use crate::cli::exit::say;

/// How often something is said.
const PAUSE: Duration = Duration::from_secs(5);

/// How far the work is.
pub(super) struct Progress {
    /// What is counted, such as `associations written`.
    what: &'static str,
    all: usize,
    done: usize,
    said: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, all: usize) -> Self {
        Self { what, all, done: 0, said: Instant::now() }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        if self.said.elapsed() >= PAUSE {
            self.said = Instant::now();
            say(format_args!("{} of {} {}", self.done, self.all, self.what));
        }
    }
}
