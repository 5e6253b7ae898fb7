//! Go's `strconv`: integers.

/// A decimal integer with an optional sign, as `ParseInt(text, 10, 64)` reads it, except that an integer
/// that does not fit becomes the nearest that does.
#[must_use]
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(limit))
}

/// An integer with an optional sign in the base that its prefix names, as `ParseInt(text, 0, 64)` reads it:
/// `0x258`, `01130` and `86_400` too.
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(size) => 0_i64.checked_sub_unsigned(unsigned(size)?),
        None => unsigned(text.strip_prefix('+').unwrap_or(text))?.try_into().ok(),
    }
}

/// The same without a sign, as `ParseUint(text, 0, 64)` takes it.
#[must_use]
pub fn unsigned(text: &str) -> Option<u64> {
    let prefix = |letter: u8| {
        let (zero, rest) = text.split_at_checked(1)?;
        let (found, digits) = rest.split_at_checked(1)?;
        (zero == "0" && found.as_bytes().first()?.eq_ignore_ascii_case(&letter)).then_some(digits)
    };
    let (radix, digits) = if let Some(digits) = prefix(b'x') {
        (16, digits)
    } else if let Some(digits) = prefix(b'b') {
        (2, digits)
    } else if let Some(digits) = prefix(b'o') {
        (8, digits)
    } else if let Some(digits) = text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, text)
    };
    // An underscore stands between two digits, a base's prefix being one.
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    digits.chars().filter(|digit| *digit != '_').try_fold(0_u64, |number, digit| {
        number.checked_mul(u64::from(radix))?.checked_add(u64::from(digit.to_digit(radix)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimals_as_parse_int() {
        assert_eq!(decimal("3600"), Some(3600));
        assert_eq!(decimal("+7"), Some(7));
        assert_eq!(decimal("-5"), Some(-5));
        assert_eq!(decimal("007"), Some(7));
        assert_eq!(decimal("99999999999999999999"), Some(i64::MAX));
        assert_eq!(decimal("-99999999999999999999"), Some(i64::MIN));
        for junk in ["", "+", "1h", " 1", "1_000", "0x10", "1.5", "--1"] {
            assert_eq!(decimal(junk), None, "{junk:?}");
        }
    }

    #[test]
    fn reads_integers_of_any_base_as_parse_int() {
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
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(text), Some(expected), "{text}");
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
            "é",
            "0é",
            "9223372036854775808",
            "-9223372036854775809",
        ] {
            assert_eq!(integer(bad), None, "{bad}");
        }
        assert_eq!(unsigned("18446744073709551615"), Some(u64::MAX));
        assert_eq!((unsigned("18446744073709551616"), unsigned("+1")), (None, None));
    }
}
