//! How commands write times: moments in UTC, and how long until then.

use k8s_openapi::jiff::Timestamp;

/// A moment, in seconds since 1970.
pub(crate) fn moment(seconds: i64) -> Timestamp {
    let furthest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(furthest)
}

/// The two largest units of so many seconds.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, char); 4] = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let mut left = seconds;
    let parts = UNITS.map(|(unit, letter)| {
        let count = left / unit;
        left %= unit;
        (count, letter)
    });
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(UNITS.len() - 1);
    let told = parts.iter().skip(first).take(2).filter(|(count, letter)| *count > 0 || *letter == 's');
    let told: Vec<_> = told.map(|(count, letter)| format!("{count}{letter}")).collect();
    told.join(" ")
}

/// How far a moment is away, before or after now.
pub(crate) fn distance(moment: i64, now: i64) -> String {
    let seconds = moment.saturating_sub(now);
    let span = span(seconds.unsigned_abs());
    if seconds < 0 { format!("{span} ago") } else { format!("in {span}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units_are_told() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (3599, "59m 59s"),
            (3600, "1h"),
            (3661, "1h 1m"),
            (86_400, "1d"),
            (86_400 * 364 + 7200, "364d 2h"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!((distance(90, 30), distance(30, 90)), ("in 1m 0s".to_owned(), "1m 0s ago".to_owned()));
    }

    #[test]
    fn moments_that_no_calendar_has_are_its_ends() {
        assert_eq!(moment(1_800_000_000).to_string(), "2027-01-15T08:00:00Z");
        assert_eq!((moment(i64::MIN), moment(i64::MAX)), (Timestamp::MIN, Timestamp::MAX));
    }
}
