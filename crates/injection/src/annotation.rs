//! The annotations that users write, and how their values are read: as the Go webhook does.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::excess::CONTAINER_NAMES;
use super::go::csv;
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
    /// `None` if Kubernetes would refuse it.
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

/// Why an annotation names no containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesError {
    /// The value is not a CSV record: it is empty, or has a quote out of place or never closed.
    Malformed,
    /// The value has more names than [`CONTAINER_NAMES`].
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
        let (name, after) = csv::field(rest).ok_or(NamesError::Malformed)?;
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
    fn prefix_is_a_dns_subdomain() {
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        assert_eq!(prefix.name_of("eks.amazonaws.com/role-arn"), Some(ROLE_ARN));
        assert_eq!(prefix.name_of("eks.amazonaws.community/role-arn"), None);
        for bad in ["", "a..b", "-a", "a-", "A.com", "a/b", "a b"] {
            assert!(Prefix::new(bad).is_none(), "{bad:?}");
        }
    }
}
