//! What a connection is doing, and since when: one atomic number, so that a call costs a few stores and no
//! lock, whatever is being decided about connections at the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No request has come on it yet; the handshake may be under way.
    Opening,
    /// Every request was answered, and the answers have been sent.
    Idle,
    /// A request's headers have come; its answer is not ready.
    Calling,
    /// An answer is being sent.
    Answering,
}

/// The state of a connection at one moment; if two are equal, nothing happened between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(u64);

/// The bits below the time that hold the phase.
const PHASE: u64 = 0b11;
/// Another request came before the answer to the last had left.
const PIPELINED: u64 = 0b100;
/// It has carried admissions for a client whose certificate was verified.
const KNOWN: u64 = 0b1000;
/// The last answer was a refusal, which may have come before the whole request.
const REFUSED: u64 = 0b1_0000;
const TIME: u32 = 5;

impl Seen {
    pub(super) fn phase(self) -> Phase {
        match self.0 & PHASE {
            0 => Phase::Opening,
            1 => Phase::Idle,
            2 => Phase::Calling,
            _ => Phase::Answering,
        }
    }

    /// When the phase began, counted from [`Activity`]'s origin in whole microseconds.
    pub(super) fn since(self) -> Duration {
        Duration::from_micros(self.0 >> TIME)
    }

    /// Whether the client may have sent what was not read: before its first request, or after a refusal.
    pub(super) fn may_be_sending(self) -> bool {
        self.0 & REFUSED != 0 || self.phase() == Phase::Opening
    }

    pub(super) fn is_known(self) -> bool {
        self.0 & KNOWN != 0
    }
}

/// The state of one connection. Only its own task writes it; the search for a connection to close reads it.
#[derive(Debug)]
pub(super) struct Activity {
    origin: Instant,
    word: AtomicU64,
}

impl Activity {
    /// A connection that was accepted just now; times are counted from `origin`.
    pub(super) fn new(origin: Instant) -> Self {
        let activity = Self { origin, word: AtomicU64::new(0) };
        activity.set(Phase::Opening, 0);
        activity
    }

    pub(super) fn seen(&self) -> Seen {
        Seen(self.word.load(Ordering::Relaxed))
    }

    pub(super) fn was_asked(&self) -> bool {
        self.seen().phase() != Phase::Opening
    }

    /// A request's headers have come.
    pub(super) fn calling(&self) {
        let Seen(word) = self.seen();
        if Seen(word).phase() == Phase::Answering {
            // The client is still reading the answer before this call, and that answer's time goes on.
            self.word.store(word | PIPELINED, Ordering::Relaxed);
        } else {
            self.set(Phase::Calling, word & KNOWN);
        }
    }

    /// The answer to the last request begins.
    pub(super) fn answering(&self, is_refusal: bool) {
        let refused = if is_refusal { REFUSED } else { 0 };
        self.set(Phase::Answering, self.seen().0 & KNOWN | refused);
    }

    /// Everything that was written has left.
    pub(super) fn flushed(&self) {
        let Seen(word) = self.seen();
        if Seen(word).phase() == Phase::Answering {
            let next = if word & PIPELINED == 0 { Phase::Idle } else { Phase::Calling };
            self.set(next, word & (KNOWN | REFUSED));
        }
    }

    /// The client's certificate was verified, and it asks for admissions.
    pub(super) fn known(&self) {
        self.word.fetch_or(KNOWN, Ordering::Relaxed);
    }

    fn set(&self, phase: Phase, flags: u64) {
        let micros = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.word.store(micros << TIME | flags | phase.bits(), Ordering::Relaxed);
    }
}

impl Phase {
    fn bits(self) -> u64 {
        match self {
            Self::Opening => 0,
            Self::Idle => 1,
            Self::Calling => 2,
            Self::Answering => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_goes_from_headers_to_the_last_byte_of_its_answer() {
        let activity = Activity::new(Instant::now());
        let phase = || activity.seen().phase();
        assert_eq!((phase(), activity.was_asked()), (Phase::Opening, false));
        // A handshake writes too.
        activity.flushed();
        assert_eq!(phase(), Phase::Opening);
        activity.calling();
        activity.flushed();
        assert_eq!((phase(), activity.was_asked()), (Phase::Calling, true));
        activity.answering(false);
        assert_eq!(phase(), Phase::Answering);
        activity.flushed();
        assert_eq!((phase(), activity.was_asked()), (Phase::Idle, true));
        assert!(!activity.seen().may_be_sending());
        activity.calling();
        activity.answering(true);
        activity.flushed();
        assert!(activity.seen().may_be_sending());
        activity.calling();
        assert!(!activity.seen().may_be_sending());
    }

    #[test]
    fn request_that_comes_early_gives_the_answer_before_it_no_more_time() {
        let activity = Activity::new(Instant::now());
        activity.calling();
        activity.answering(false);
        let began = activity.seen().since();
        std::thread::sleep(Duration::from_millis(1));
        activity.calling();
        assert_eq!((activity.seen().phase(), activity.seen().since()), (Phase::Answering, began));
        activity.flushed();
        assert_eq!(activity.seen().phase(), Phase::Calling);
        assert!(activity.seen().since() > began);
    }

    #[test]
    fn known_client_stays_known() {
        let activity = Activity::new(Instant::now());
        activity.calling();
        activity.known();
        activity.answering(false);
        activity.flushed();
        activity.calling();
        assert!(activity.seen().is_known());
    }
}
