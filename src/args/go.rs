//! Values as Go's flag libraries spell them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::injection::annotation;

/// A boolean as Go's `strconv.ParseBool` takes it.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    annotation::boolean(text).ok_or_else(|| "expected true or false".to_owned())
}

/// An integer as pflag takes it: Go's `strconv.ParseInt` with base 0, so `0x258`, `01130` and
/// `86_400` too.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    let malformed = || "expected a whole number".to_owned();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        (8, rest)
    } else {
        (10, lower.as_str())
    };
    // An underscore stands between two digits, a base's prefix being one.
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    let groups: Vec<_> = digits.split('_').collect();
    // from_str_radix would take a second sign.
    if groups.iter().any(|group| !group.starts_with(|c: char| c.is_ascii_hexdigit())) {
        return Err(malformed());
    }
    i64::from_str_radix(&format!("{sign}{}", groups.concat()), radix).map_err(|_| malformed())
}

/// An integer out of a range, in the same spellings.
pub(crate) fn within<T: TryFrom<i64>>(
    range: RangeInclusive<i64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = integer(text).ok().filter(|number| range.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A duration that is not negative, as Go's `time.ParseDuration` takes it: `1m0s`, `100ms`, `1.5h`,
/// `0`. A bare number is an error, as it is there.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let malformed = || "expected a duration such as 1m0s, 100ms or 0".to_owned();
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.starts_with('-') {
        return Err("expected a duration that is not negative".to_owned());
    }
    if rest.is_empty() {
        return Err(malformed());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(malformed)?;
        let (number, after) = rest.split_at_checked(number_end).ok_or_else(malformed)?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end).ok_or_else(malformed)?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(malformed()),
        };
        let number: f64 = number.parse().map_err(|_| malformed())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| malformed())?;
        total = total.checked_add(part).ok_or_else(malformed)?;
        rest = after;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_go_does() {
        for (text, expected) in [
            ("1m0s", Duration::from_mins(1)),
            ("100ms", Duration::from_millis(100)),
            ("0", Duration::ZERO),
            ("0s", Duration::ZERO),
            ("1.5h", Duration::from_mins(90)),
            (".5s", Duration::from_millis(500)),
            ("1h2m3s", Duration::from_secs(3723)),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for bad in ["", "60", "1x", "s", "-1s", "1m 0s", "1..5s", "99999999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_integers_as_pflag_does() {
        for (text, expected) in [
            ("86400", 86400),
            ("-1", -1),
            ("0x258", 600),
            ("01130", 600),
            ("0", 0),
            ("+5", 5),
            ("86_400", 86400),
            ("0x_2_58", 600),
            ("0_1", 1),
            ("-0b11", -3),
            ("0o17", 15),
            ("0XfF", 255),
        ] {
            assert_eq!(integer(text), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "1s",
            "--1",
            "0x",
            "1.5",
            "-+1",
            "_1",
            "1_",
            "1__0",
            "08",
            "0b2",
            "0_x1",
            "9223372036854775808",
        ] {
            assert!(integer(bad).is_err(), "{bad}");
        }
    }
}
