//! The names that Kubernetes gives to things (RFC 1123, as apimachinery's validation has it), and globs
//! of them.

mod glob;

pub use glob::{NameGlob, Rank};

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

/// Whether a text is a DNS subdomain of at most 253 characters: the name of nearly everything else.
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
