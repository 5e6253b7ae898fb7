//! Compares which entry counts for an account with a plain reading of the rules.

use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::Config;

use super::*;

/// Entries with these keys, each with a role of the key's own.
fn entries<K: AsRef<str>>(keys: &[K]) -> Entries {
    let entries: Vec<_> =
        keys.iter().map(|key| format!("\"{0}\":{{\"RoleARN\":\"role of {0}\"}}", key.as_ref())).collect();
    ConfigMapDocument::parse(&format!("{{{}}}", entries.join(",\n"))).unwrap().entries
}

fn matching<'a>(entries: &'a Entries, account: &str) -> Vec<&'a str> {
    let (namespace, name) = account.split_once('/').unwrap();
    entries.matching(AccountName::new(namespace, name)).map(|entry| &*entry.key).collect()
}

#[test]
fn closest_entry_counts_and_the_others_follow() {
    let entries = entries(&["*/*", "*/orders", "shop/orders", "sh*/orders", "shop/*", "*/cart", "shop/cart"]);
    assert_eq!(matching(&entries, "shop/orders"), ["shop/orders", "shop/*", "sh*/orders", "*/orders", "*/*"]);
    assert_eq!(matching(&entries, "shed/orders"), ["sh*/orders", "*/orders", "*/*"]);
    assert_eq!(matching(&entries, "shed/sale"), ["*/*"]);
    assert_eq!(entries.len(), 7);
}

#[test]
fn equally_close_entries_follow_the_order_of_their_keys() {
    let one = entries(&["*-b/x", "a-*/x", "*/x"]);
    let other = entries(&["a-*/x", "*/x", "*-b/x"]);
    for entries in [one, other] {
        assert_eq!(matching(&entries, "a-b/x"), ["*-b/x", "a-*/x", "*/x"]);
    }
}

#[test]
fn entry_without_a_role_keeps_farther_ones_away() {
    let document = r#"{"shop/orders":{},"shed/*":null,"*/orders":{"RoleARN":"all"}}"#;
    let entries = ConfigMapDocument::parse(document).unwrap().entries;
    assert_eq!(entries.grant(AccountName::new("shop", "orders")), None);
    assert_eq!(entries.grant(AccountName::new("shed", "orders")), None);
    assert!(entries.grant(AccountName::new("yard", "orders")).is_some());
}

/// Whether a text matches a pattern of letters and `*`, found by trying everything.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(rest) => (0..=text.len()).any(|end| is_like(rest, &text[end..])),
        None => match (pattern.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some(expected), Some(seen)) => expected == seen && is_like(&pattern[1..], &text[1..]),
            _ => false,
        },
    }
}

fn names(key: &str, account: &str) -> bool {
    let (key, account) = (key.split_once('/').unwrap(), account.split_once('/').unwrap());
    is_like(key.0, account.0) && is_like(key.1, account.1)
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ab]{1,4}",
        3 => "[ab]{0,2}\\*[ab]{0,2}",
        1 => "[ab]{0,2}\\*[ab]{0,2}\\*{0,2}[ab]{0,1}\\*",
        1 => Just("*".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    (part(), part()).prop_map(|(namespace, name)| format!("{namespace}/{name}"))
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    hash_set(key(), 0..12).prop_map(|keys| keys.into_iter().collect())
}

fn account() -> impl Strategy<Value = String> {
    "[ab]{1,4}/[ab]{1,4}"
}

proptest! {
    #![proptest_config(Config { cases: 256, failure_persistence: None, ..Config::default() })]

    #[test]
    fn entries_that_match_are_those_that_a_plain_reading_finds(keys in keys(), account in account()) {
        let entries = entries(&keys);
        let mut seen = matching(&entries, &account);
        seen.sort_unstable();
        let mut expected: Vec<_> = keys.iter().filter(|key| names(key, &account)).collect();
        expected.sort_unstable();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn order_of_a_document_makes_no_difference(keys in keys(), account in account(), first in 0..12_usize) {
        let mut turned = keys.clone();
        turned.rotate_left(first.min(keys.len()));
        let reversed: Vec<_> = turned.iter().rev().cloned().collect();
        let expected = entries(&keys);
        for keys in [turned, reversed] {
            let entries = entries(&keys);
            prop_assert_eq!(matching(&entries, &account), matching(&expected, &account));
        }
    }

    /// A key that names only some of another key's accounts is the exception to it, and counts first.
    #[test]
    fn exception_comes_before_its_rule(one in key(), places in vec((any::<Index>(), any::<bool>()), 1..4)) {
        let mut other = one.clone();
        for (place, is_instead) in places {
            let place = place.index(other.len());
            let end = place + usize::from(is_instead && !other[place..].starts_with('/'));
            other.replace_range(place..end, "*");
        }
        // Only a wildcard matches `c`, which is in no key: a key that matches this names all that `key`
        // names.
        let all_of = |key: &str| key.replace('*', "c");
        prop_assert!(names(&other, &all_of(&one)));
        if !names(&one, &all_of(&other)) {
            let entries = entries(&[&other, &one]);
            prop_assert_eq!(matching(&entries, &all_of(&one)), [one, other]);
        }
    }
}

#[test]
fn looking_an_account_up_allocates_nothing() {
    let entries = entries(&["*/*", "*/orders", "shop/orders", "s*h*o*p/ord*", "shop/cart"]);
    for name in ["orders", "cart", "sale"] {
        let mut found = 0;
        let allocations = allocation_counter::measure(|| {
            found = usize::from(entries.grant(AccountName::new("shop", name)).is_some());
        });
        assert_eq!((found, allocations.count_total), (1, 0), "{name}");
    }
}
