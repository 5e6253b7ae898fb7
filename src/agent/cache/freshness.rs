//! How long credentials are good for an answer, and when they are renewed. Pure: durations in, a verdict out.

use std::time::Duration;

/// An SDK asks again for what has less than this left, at each use of a client: such credentials are handed out only
/// where no others can be had (botocore's advisory time).
const ENOUGH: Duration = Duration::from_mins(15);

/// With this or less left, credentials end before they can be used. AWS's agent has the same limit.
pub(super) const TOO_LITTLE: Duration = Duration::from_secs(15);

/// What credentials are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// An answer.
    Good,
    /// An answer if no better ones can be had.
    Stale,
    /// Nothing.
    Ended,
}

impl Freshness {
    /// What credentials are good for that lived `lifetime` when they came. Those that never had as long as SDKs want
    /// are good for half of their time, or they would be asked for without an end.
    pub(super) fn of(remaining: Duration, lifetime: Duration) -> Self {
        if remaining <= TOO_LITTLE {
            Self::Ended
        } else if remaining < ENOUGH.min(lifetime / 2) {
            Self::Stale
        } else {
            Self::Good
        }
    }
}

/// How long after they came credentials are renewed: half of their lifetime, and `most` at the most, less up to a tenth
/// by `chance`, which is from 0 to 1: pods that start together do not renew together.
pub(super) fn renewal(lifetime: Duration, most: Duration, chance: f64) -> Duration {
    (lifetime / 2).min(most).mul_f64(1.0 - 0.1 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_handed_out_that_an_sdk_would_ask_for_again_at_once() {
        let hour = Duration::from_hours(1);
        let of = |seconds, lifetime| Freshness::of(Duration::from_secs(seconds), lifetime);
        assert_eq!(of(3600, hour), Freshness::Good);
        assert_eq!(of(900, hour), Freshness::Good);
        assert_eq!(of(899, hour), Freshness::Stale);
        assert_eq!(of(16, hour), Freshness::Stale);
        assert_eq!(of(15, hour), Freshness::Ended);
        assert_eq!(of(0, hour), Freshness::Ended);
    }

    #[test]
    fn short_ones_are_good_for_half_of_their_time() {
        let quarter = Duration::from_mins(15);
        let of = |seconds| Freshness::of(Duration::from_secs(seconds), quarter);
        assert_eq!((of(900), of(450), of(449)), (Freshness::Good, Freshness::Good, Freshness::Stale));
    }

    #[test]
    fn renewal_is_at_half_life_or_before_and_never_too_late_to_be_handed_out() {
        let hours = Duration::from_hours;
        assert_eq!(renewal(hours(1), hours(3), 0.0), Duration::from_mins(30));
        assert_eq!(renewal(hours(1), hours(3), 1.0), Duration::from_mins(27));
        assert_eq!(renewal(hours(12), hours(3), 0.0), hours(3));
        for minutes in [1, 15, 30, 59, 360] {
            let lifetime = Duration::from_mins(minutes);
            let left = lifetime.saturating_sub(renewal(lifetime, hours(3), 0.0));
            assert_eq!(Freshness::of(left, lifetime), Freshness::Good, "{minutes}");
        }
    }
}
