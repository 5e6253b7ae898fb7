//! The name of an EKS cluster.

use std::fmt;

/// A cluster's name as EKS takes it (the `CreateCluster` API): 1 to 100 letters, digits, `-` and `_`,
/// a letter or digit first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(Box<str>);

impl ClusterName {
    /// What is expected of one, for who has given another.
    pub const EXPECTED: &str = "expected 1 to 100 letters, digits, - and _, a letter or digit first";

    /// Accepts a name that an EKS cluster could have.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() <= 100
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        fits.then(|| Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_names_that_eks_takes() {
        for name in ["prod", "P", "9-lives_2", &"a".repeat(100)] {
            assert_eq!(ClusterName::new(name).unwrap().as_str(), name);
        }
        for name in ["", "-prod", "_", "prod/eu", "prod eu", "a.b", "\u{e9}", "../x", &"a".repeat(101)] {
            assert_eq!(ClusterName::new(name), None, "{name}");
        }
    }
}
