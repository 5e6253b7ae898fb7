//! The annotations that users write, and how their values are read: as the Go webhook does.

use super::excess::CONTAINER_NAMES;
use super::name;

/// ServiceAccount: the IAM role to assume.
pub const ROLE_ARN: &str = "role-arn";
/// ServiceAccount: the audience of the IRSA token.
pub const AUDIENCE: &str = "audience";
/// ServiceAccount: overrides `--sts-regional-endpoint`.
pub const STS_REGIONAL_ENDPOINTS: &str = "sts-regional-endpoints";
/// ServiceAccount and pod: the token's lifetime in seconds.
pub const TOKEN_EXPIRATION: &str = "token-expiration";
/// Pod: names of containers that get nothing.
pub const SKIP_CONTAINERS: &str = "skip-containers";
/// Pod: names of the only containers that get anything.
pub const INJECT_CONTAINERS: &str = "inject-containers";

/// The domain before the `/` of the annotations' names: `--annotation-prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// A prefix that can be part of an annotation's name: a DNS subdomain.
    /// `None` where Kubernetes would refuse it.
    #[must_use]
    pub fn new(domain: &str) -> Option<Self> {
        name::is_subdomain(domain).then(|| Self(domain.to_owned()))
    }

    /// The name behind the prefix, where `key` has this prefix.
    #[must_use]
    pub fn name_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(self.0.as_str())?.strip_prefix('/')
    }

    /// The prefix itself, without the slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A boolean in one of the spellings of Go's `strconv.ParseBool`; others are as if absent.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A decimal integer with an optional sign, as Go's `strconv.ParseInt(text, 10, 64)` takes it,
/// but for one that does not fit: it becomes the nearest that does, and so is clamped further on.
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(limit))
}

/// Why an annotation names no containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesError {
    /// No CSV record: empty, a quote out of place or never closed.
    Malformed,
    /// More than [`CONTAINER_NAMES`].
    TooMany,
}

/// The names in one CSV record, quotes honoured, blanks around them trimmed.
///
/// Follows Go's `encoding/csv`, which the Go webhook reads this annotation with: the first line
/// that is not empty counts, and a quote may stand only at a field's start or doubled inside one.
pub fn names(text: &str) -> Result<Vec<String>, NamesError> {
    let mut rest = text.trim_start_matches(['\n', '\r']);
    if rest.is_empty() {
        return Err(NamesError::Malformed);
    }
    let mut names = Vec::new();
    loop {
        let (name, after) = field(rest).ok_or(NamesError::Malformed)?;
        let name = name.trim();
        if !name.is_empty() {
            if names.len() >= CONTAINER_NAMES {
                return Err(NamesError::TooMany);
            }
            names.push(name.to_owned());
        }
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(names),
        }
    }
}

/// One field of a record and what follows it: a comma, a line's end, or nothing.
fn field(text: &str) -> Option<(String, &str)> {
    // Blanks before an opening quote are a bare quote to Go; we trim, so the quote still opens.
    let trimmed = text.trim_start_matches([' ', '\t']);
    let Some(mut rest) = trimmed.strip_prefix('"') else {
        let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
        let (name, after) = text.split_at_checked(end)?;
        return (!name.contains('"')).then(|| (name.to_owned(), after));
    };
    let mut name = String::new();
    loop {
        let (quoted, after) = rest.split_once('"')?;
        name.push_str(quoted);
        let Some(next) = after.strip_prefix('"') else {
            let after = after.trim_start_matches([' ', '\t']);
            let ends = after.is_empty() || after.starts_with([',', '\n', '\r']);
            return ends.then_some((name, after));
        };
        name.push('"');
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_as_csv() {
        let list = |text| names(text).ok().map(|names| names.join("|"));
        assert_eq!(list("a,b").as_deref(), Some("a|b"));
        assert_eq!(list(" a , b ").as_deref(), Some("a|b"));
        assert_eq!(list(r#""a","b,c""#).as_deref(), Some("a|b,c"));
        assert_eq!(list(r#" "a" , b"#).as_deref(), Some("a|b"));
        assert_eq!(list(r#""a""b""#).as_deref(), Some("a\"b"));
        assert_eq!(list("a,,b,").as_deref(), Some("a|b"));
        assert_eq!(list("\n\na,b\nc").as_deref(), Some("a|b"));
        for broken in ["", "\n", r#"a"b"#, r#""a"#, r#""a"b"#, r#"a,"b"#] {
            assert_eq!(names(broken), Err(NamesError::Malformed), "{broken:?}");
        }
        let many = |names| vec!["a"; names].join(", ,");
        assert_eq!(names(&many(1_000)).map(|names| names.len()), Ok(1_000));
        assert_eq!(names(&many(1_001)), Err(NamesError::TooMany));
    }

    #[test]
    fn reads_integers_as_parse_int() {
        assert_eq!(integer("3600"), Some(3600));
        assert_eq!(integer("+7"), Some(7));
        assert_eq!(integer("-5"), Some(-5));
        assert_eq!(integer("007"), Some(7));
        assert_eq!(integer("99999999999999999999"), Some(i64::MAX));
        assert_eq!(integer("-99999999999999999999"), Some(i64::MIN));
        for junk in ["", "+", "1h", " 1", "1_000", "0x10", "1.5", "--1"] {
            assert_eq!(integer(junk), None, "{junk:?}");
        }
    }

    #[test]
    fn prefix_is_a_dns_subdomain() {
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        assert_eq!(prefix.name_of("eks.amazonaws.com/role-arn"), Some(ROLE_ARN));
        assert_eq!(prefix.name_of("eks.amazonaws.community/role-arn"), None);
        for bad in ["", "a..b", "-a", "a-", "A.com", "a/b", "a b"] {
            assert!(Prefix::new(bad).is_none(), "{bad:?}");
        }
    }
}
