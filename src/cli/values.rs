//! Flags' values as Go's flag libraries spell them, with the error for others.

use std::ops::RangeInclusive;
use std::time::Duration;

use injection::go;

/// A boolean.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    go::boolean(text).ok_or_else(|| "expected true or false".to_owned())
}

/// An integer in any base: pflag reads `0x258`, `01130` and `86_400` too.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    go::integer(text).ok_or_else(|| "expected a whole number".to_owned())
}

/// An integer within a range, in the same spellings.
pub(crate) fn within<T: TryFrom<i64>>(
    range: RangeInclusive<i64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = go::integer(text).filter(|number| range.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A duration that is not negative.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    go::duration(text).map_err(|error| error.to_string())
}
