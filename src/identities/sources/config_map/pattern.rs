//! The key of an entry, `namespace/name` with `*` for any run of characters in either part: which
//! accounts it names, and which of two keys that name the same account is the closer one.

use injection::name::{AccountName, NameGlob, Rank};

/// The accounts that a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    namespace: NameGlob,
    name: NameGlob,
}

/// Why a key cannot name any account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    #[error("no / between namespace and name")]
    NoSlash,
    #[error("no namespace has such a name; the only wildcard is *")]
    Namespace,
    #[error("no ServiceAccount has such a name; the only wildcard is *")]
    Name,
}

impl Pattern {
    /// Reads a key.
    pub(super) fn parse(key: &str) -> Result<Self, PatternError> {
        let (namespace, name) = key.split_once('/').ok_or(PatternError::NoSlash)?;
        Ok(Self {
            namespace: NameGlob::of_namespaces(namespace).ok_or(PatternError::Namespace)?,
            name: NameGlob::of_service_accounts(name).ok_or(PatternError::Name)?,
        })
    }

    /// Whether the key names this account.
    pub(super) fn matches(&self, account: AccountName<'_>) -> bool {
        self.name.matches(account.name) && self.namespace.matches(account.namespace)
    }

    /// The one account that the key names, if it has no wildcard.
    pub(super) fn account(&self) -> Option<AccountName<'_>> {
        match (&self.namespace, &self.name) {
            (NameGlob::Exact(namespace), NameGlob::Exact(name)) => Some(AccountName::new(namespace, name)),
            _ => None,
        }
    }

    /// Of two keys that name the same account, the one with the smaller rank is closer to it: the namespace
    /// counts before the name; in a part, more letters (without wildcards it has them all), then fewer
    /// wildcards. So a key that names only some of another's accounts comes before it.
    pub(super) fn rank(&self) -> [Rank; 2] {
        [self.namespace.rank(), self.name.rank()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(key: &str) -> Pattern {
        Pattern::parse(key).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    #[test]
    fn key_without_a_wildcard_names_one_account() {
        let key = pattern("shop/orders.v2");
        assert_eq!(key.account(), Some(AccountName::new("shop", "orders.v2")));
        assert!(key.matches(AccountName::new("shop", "orders.v2")));
        for (namespace, name) in
            [("shop", "orders"), ("shop", "orders.v22"), ("sho", "orders.v2"), ("orders.v2", "shop")]
        {
            assert!(!key.matches(AccountName::new(namespace, name)), "{namespace}/{name}");
        }
    }

    #[test]
    fn wildcard_stands_for_any_run_of_characters_in_its_part() {
        for (key, account, matches) in [
            ("*/sa", "shop/sa", true),
            ("*/sa", "shop/sa2", false),
            ("*/*", "shop/sa", true),
            ("shop/*", "shop/sa", true),
            ("shop/*", "shop-2/sa", false),
            ("test-*/sa", "test-1/sa", true),
            ("test-*/sa", "test-/sa", true),
            ("test-*/sa", "test/sa", false),
            ("test-*/sa", "a-test-1/sa", false),
            ("*-test/sa", "a-test/sa", true),
            ("*-test/sa", "a-test-b/sa", false),
            ("a*a/sa", "a/sa", false),
            ("a*a/sa", "aa/sa", true),
            ("a*b*c/sa", "abc/sa", true),
            ("a*b*c/sa", "a-b-b-c/sa", true),
            ("a*b*c/sa", "a-c-b/sa", false),
            ("*ab*ab*/sa", "ab/sa", false),
            ("*ab*ab*/sa", "xababx/sa", true),
            ("*aba*ba/sa", "ababa/sa", true),
            ("*aba*aba/sa", "ababa/sa", false),
            ("**/***.x", "shop/a.b.x", true),
        ] {
            let (namespace, name) = account.split_once('/').unwrap();
            assert_eq!(pattern(key).matches(AccountName::new(namespace, name)), matches, "{key} {account}");
            assert_eq!(pattern(key).account(), None);
        }
    }

    #[test]
    fn key_that_can_name_nobody_is_refused() {
        let (long, longer) = ("a".repeat(64), "a".repeat(254));
        let (long, longer) = (format!("{long}*/sa"), format!("*/{longer}*"));
        for (key, error) in [
            ("", PatternError::NoSlash),
            ("sa", PatternError::NoSlash),
            ("*", PatternError::NoSlash),
            ("/", PatternError::Namespace),
            ("/sa", PatternError::Namespace),
            ("Shop/sa", PatternError::Namespace),
            ("shop.a/sa", PatternError::Namespace),
            ("a.*/sa", PatternError::Namespace),
            ("test-?/sa", PatternError::Namespace),
            (" shop/sa", PatternError::Namespace),
            ("shop /sa*", PatternError::Namespace),
            ("[a]*/sa", PatternError::Namespace),
            ("\0*/sa", PatternError::Namespace),
            (&long, PatternError::Namespace),
            ("shop/", PatternError::Name),
            ("shop/a/b", PatternError::Name),
            ("shop/*/b", PatternError::Name),
            ("shop/sa ", PatternError::Name),
            ("shop/S*", PatternError::Name),
            ("*/\u{e9}*", PatternError::Name),
            (&longer, PatternError::Name),
        ] {
            assert_eq!(Pattern::parse(key), Err(error), "{key:?}");
        }
    }

    #[test]
    fn longest_names_are_taken() {
        let (label, subdomain) = ("a".repeat(63), "a".repeat(253));
        assert!(pattern(&format!("{label}/{subdomain}")).matches(AccountName::new(&label, &subdomain)));
        assert!(pattern(&format!("*{label}/{subdomain}*")).matches(AccountName::new(&label, &subdomain)));
    }

    /// From the closest to the farthest, each rule with its neighbours.
    #[test]
    fn closer_key_comes_first() {
        let keys = [
            "shop-eu/orders",
            "shop-eu/orders*",
            "shop-eu/order*",
            "shop-eu/*",
            "shop-*eu/*",
            "shop-e*/*",
            "shop-*/orders",
            "shop-*/*",
            "shop*/orders",
            "sho*p*/orders",
            "sho*/orders",
            "*/orders",
            "*/order*",
            "*/o*rder*",
            "*/*",
        ];
        let mut ranked = keys;
        ranked.reverse();
        ranked.sort_by_key(|key| pattern(key).rank());
        assert_eq!(ranked, keys);
        assert_eq!(pattern("**/orders").rank(), pattern("*/orders").rank());
    }
}
