//! A `ServiceAccount` as flags name it.

use std::fmt;

use crate::cli::error::{SettingsError, invalid};

/// A `ServiceAccount` by its namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Account {
    /// Reads the value of `--service-account`.
    pub(super) fn parse(text: &str) -> Result<Self, SettingsError> {
        // The names go into a path as they are.
        let is_name = |name: &str| {
            (1..=253).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
                && !name.starts_with('.')
        };
        let names = text.split_once('/').filter(|(namespace, name)| is_name(namespace) && is_name(name));
        names
            .map(|(namespace, name)| Self { namespace: namespace.to_owned(), name: name.to_owned() })
            .ok_or_else(|| invalid("--service-account", text, "expected NAMESPACE/NAME"))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_namespace_and_a_name() {
        for text in ["default", "/default", "default/", "a/b/c", "a/B", "../a", "a/..", "a/b?c"] {
            assert!(Account::parse(text).is_err(), "{text}");
        }
        assert_eq!(Account::parse("shop/orders.v1").unwrap().to_string(), "shop/orders.v1");
    }
}
