//! Whether the process is ready, and what is missing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that happens once and stays so: losing the API server later must not take every
/// replica out of the Service.
#[derive(Debug, Clone, Default)]
pub struct Latch(Arc<AtomicBool>);

impl Latch {
    /// Sets the latch; answers whether this was the first time.
    #[must_use]
    pub fn set(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The state of something that has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It holds.
    Holds,
    /// It holds, and yet there is something that an operator should know.
    HoldsBut(Note),
    /// It does not hold, and this is missing.
    Fails(Note),
}

/// What there is to say of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// For anyone who reaches a port: how many and where, never an object's name.
    pub shown: String,
    /// For readers of the log.
    pub detail: String,
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self { shown: text.clone(), detail: text }
    }
}

impl From<Result<(), String>> for Condition {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(|missing| Self::Fails(missing.into()), |()| Self::Holds)
    }
}

type Check = Box<dyn Fn() -> Condition + Send + Sync>;

/// What has to hold for the process to be ready, each by its name.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Vec<(&'static str, Check)>>>);

impl std::fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Readiness").field(&self.report().1).finish()
    }
}

impl Readiness {
    /// Adds a condition; the error of a `Result` says what is missing.
    pub fn require<C: Into<Condition>>(
        &self,
        name: &'static str,
        check: impl Fn() -> C + Send + Sync + 'static,
    ) {
        let check = move || check().into();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, Box::new(check)));
    }

    /// Adds a latch as a condition.
    #[must_use]
    pub fn latch(&self, name: &'static str, missing: &'static str) -> Latch {
        let latch = Latch::default();
        let condition = latch.clone();
        self.require(name, move || if condition.is_set() { Ok(()) } else { Err(missing.to_owned()) });
        latch
    }

    /// Whether all hold, and a line for each in the manner of Kubernetes' own components, for any client.
    #[must_use]
    pub fn shown(&self) -> (bool, String) {
        self.lines(|note| note.shown)
    }

    /// Whether all hold, and the lines with all that is known, for this process alone.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        self.lines(|note| note.detail)
    }

    fn lines(&self, text: impl Fn(Note) -> String) -> (bool, String) {
        let checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_ready = true;
        let mut lines = String::new();
        for (name, check) in checks.iter() {
            match check() {
                Condition::Holds => lines.extend(["[+]", name, " ok\n"]),
                Condition::HoldsBut(note) => lines.extend(["[+]", name, " ok (", &text(note), ")\n"]),
                Condition::Fails(missing) => {
                    is_ready = false;
                    lines.extend(["[-]", name, " ", &text(missing), "\n"]);
                }
            }
        }
        lines.push_str(if is_ready { "readyz check passed\n" } else { "readyz check failed\n" });
        (is_ready, lines)
    }
}
