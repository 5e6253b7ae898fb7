//! The names that Kubernetes gives to things (RFC 1123, as apimachinery's validation has it), and globs
//! of them.

mod glob;

use alloc::boxed::Box;
use core::fmt;

pub use glob::{NameGlob, Rank};

/// The name of a ServiceAccount with its namespace. It may come from the sender of a pod, and need not be
/// valid in Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountName<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name in the namespace.
    pub name: &'a str,
}

impl<'a> AccountName<'a> {
    /// The account `name` of `namespace`.
    #[must_use]
    pub fn new(namespace: &'a str, name: &'a str) -> Self {
        Self { namespace, name }
    }

    /// An owned copy.
    #[must_use]
    pub fn into_owned(self) -> OwnedAccountName {
        OwnedAccountName { namespace: self.namespace.into(), name: self.name.into() }
    }

    /// Whether Kubernetes could have an account of this name.
    #[must_use]
    pub fn is_possible(self) -> bool {
        is_label(self.namespace) && is_subdomain(self.name)
    }
}

impl fmt::Display for AccountName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An owned [`AccountName`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedAccountName {
    namespace: Box<str>,
    name: Box<str>,
}

impl OwnedAccountName {
    /// The account `name` of `namespace`.
    #[must_use]
    pub fn new(namespace: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The name.
    #[must_use]
    pub fn get(&self) -> AccountName<'_> {
        AccountName { namespace: &self.namespace, name: &self.name }
    }
}

impl fmt::Display for OwnedAccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Whether a text is a DNS label of at most 63 characters: the name of a namespace or a volume.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let alphanumeric = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|c| alphanumeric(c) || *c == b'-')
}

/// Whether a text is a DNS subdomain of at most 253 characters: the name of nearly every other object.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    let alphanumeric = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(alphanumeric)
            && bytes.last().is_some_and(alphanumeric)
            && bytes.iter().all(|c| alphanumeric(c) || *c == b'-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_possible_where_both_of_its_names_are() {
        assert!(AccountName::new("shop", "orders.v2").is_possible());
        for (namespace, name) in [("shop.eu", "orders"), ("", "orders"), ("shop", ""), ("shop", "a&b")] {
            assert!(!AccountName::new(namespace, name).is_possible(), "{namespace}/{name}");
        }
        assert_eq!(AccountName::new("shop", "orders").to_string(), "shop/orders");
    }

    #[test]
    fn tells_the_names_that_kubernetes_can_hold() {
        let long = "a".repeat(64);
        for label in ["a", "shop-2", "0"] {
            assert!(is_label(label) && is_subdomain(label), "{label}");
        }
        assert!(is_subdomain("a.b-c.d") && !is_label("a.b-c.d"));
        assert!(!is_label(&long) && is_subdomain(&long));
        for neither in ["", "-a", "a-", "A", "a b", "a/b", "../a", "a..b", "a?b", "\u{e9}"] {
            assert!(!is_label(neither) && !is_subdomain(neither), "{neither}");
        }
        assert!(!is_subdomain(&"a.".repeat(127).repeat(2)));
    }
}
