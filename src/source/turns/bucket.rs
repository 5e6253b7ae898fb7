//! Gives so many tokens a second, and so many at once after a while.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { rate: f64::from(rate), burst, tokens: burst, at: Instant::now() }
    }

    pub(super) fn has(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = passed.mul_add(self.rate, self.tokens).min(self.burst);
        self.tokens >= 1.0
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let has = self.has(now);
        if has {
            self.tokens -= 1.0;
        }
        has
    }

    /// How many tokens there will have been after this time.
    pub(super) fn within(&mut self, time: Duration, now: Instant) -> usize {
        self.has(now);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "few, and never less than none"
        )]
        let tokens = time.as_secs_f64().mul_add(self.rate, self.tokens).ceil() as usize;
        tokens
    }

    /// When there is a token again; `None` if there is one.
    pub(super) fn when(&self, now: Instant) -> Option<Instant> {
        let missing = 1.0 - self.tokens;
        // The wait is longer by a timer's least step: rounding must not lead in a circle.
        (missing > 0.0).then(|| now + Duration::from_secs_f64(missing / self.rate) + Duration::from_millis(1))
    }
}
