use injection::AccountName;
use injection::policy::{Forbidden, Ruling};

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/shop/orders";

fn policy(text: &str) -> RolePolicy {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refused(bytes: impl AsRef<[u8]>) -> String {
    parse(bytes.as_ref()).unwrap_err().to_string()
}

/// A rule in one line, as it would be written, with one of its fields replaced.
fn rule(field: &str, value: &str) -> String {
    let fields = [("namespaces", "[shop]"), ("serviceAccounts", "[orders]"), ("roles", "['*']")];
    let fields = fields.map(|(name, usual)| format!("{name}: {}", if name == field { value } else { usual }));
    format!("rules:\n- {{{}}}\n", fields.join(", "))
}

#[test]
fn yaml_and_json_say_the_same() {
    let yaml = "\
# Who may use what.
---
rules:
  - namespaces: [shop, shop-*]
    roles:
      - arn:aws:iam::123456789012:role/shop/*
  - namespaces: ['*']
    serviceAccounts: [logs]
    roles: [\"arn:aws:iam::123456789012:role/logs\"]
";
    let json = r#"{"rules": [
        {"namespaces": ["shop", "shop-*"], "roles": ["arn:aws:iam::123456789012:role/shop/*"]},
        {"roles": ["arn:aws:iam::123456789012:role/logs"], "serviceAccounts": ["logs"], "namespaces": ["*"]}
    ]}"#;
    assert_eq!(policy(yaml), policy(json));
    assert_eq!(policy(yaml).len(), 2);
    assert_eq!(policy(yaml).judge(AccountName::new("shop-eu", "any"), ROLE), Ruling::Allowed { rule: 0 });
    let others = Ruling::Forbidden(Forbidden::OtherRoles { rules: vec![1] });
    assert_eq!(policy(yaml).judge(AccountName::new("bank", "logs"), ROLE), others);
    assert!(policy("rules: []").is_empty());
}

#[test]
fn whatever_is_misspelt_is_refused_with_its_place() {
    let fields = "no such field; the fields are namespaces, serviceAccounts and roles";
    for (text, message) in [
        ("Rules: []".into(), "line 1, Rules: no such field; the fields are rules"),
        ("rules: []\nmode: warn\n".into(), "line 2, mode: no such field; the fields are rules"),
        ("{}".into(), "line 1, the policy: rules is missing"),
        (
            "rules:\n- namespace: [a]\n  roles: ['*']\n".into(),
            &format!("line 2, rules[0].namespace: {fields}"),
        ),
        (
            "rules:\n- namespaces: [a]\n  roles: ['*']\n- namespaces: [a]\n  serviceaccounts: [a]\n".into(),
            &format!("line 5, rules[1].serviceaccounts: {fields}"),
        ),
        ("rules:\n- roles: ['*']\n".into(), "line 2, rules[0]: namespaces is missing"),
        ("rules:\n- namespaces: [a]\n".into(), "line 2, rules[0]: roles is missing"),
        (rule("namespaces", "[]"), "line 2, rules[0].namespaces: the list is empty"),
        (rule("serviceAccounts", "[]"), "line 2, rules[0].serviceAccounts: the list is empty"),
        (rule("roles", "[]"), "line 2, rules[0].roles: the list is empty"),
        (
            rule("namespaces", "[a, Shop]"),
            "line 2, rules[0].namespaces[1]: no namespace has such a name; the only wildcard is *",
        ),
        (
            rule("serviceAccounts", "['s?']"),
            "line 2, rules[0].serviceAccounts[0]: no ServiceAccount has such a name; the only wildcard is *",
        ),
        (
            rule("roles", "['*', orders]"),
            "line 2, rules[0].roles[1]: matches no role's ARN: it does not begin with 'arn:'",
        ),
        (
            rule("roles", "['arn:aws:iam::12345678901:role/*']"),
            "line 2, rules[0].roles[0]: matches no role's ARN: its account is not 12 digits",
        ),
    ] {
        assert_eq!(refused(&text), message, "{text}");
    }
}

#[test]
fn whatever_is_of_another_type_is_refused_with_its_place() {
    let type_of = |place: &str, expected: &str, found: &str| {
        format!(
            "line {}, {place}: expected {expected}, found {found}",
            if place.contains('[') { 2 } else { 1 }
        )
    };
    for (text, message) in [
        ("[]".into(), type_of("the policy", "a mapping", "a list")),
        ("hush".into(), type_of("the policy", "a mapping", "a string")),
        ("7".into(), type_of("the policy", "a mapping", "a number")),
        ("rules:".into(), type_of("rules", "a list of rules", "null")),
        ("rules: {}".into(), type_of("rules", "a list of rules", "a mapping")),
        ("rules:\n- hush".into(), type_of("rules[0]", "a mapping", "a string")),
        ("rules:\n-".into(), type_of("rules[0]", "a mapping", "null")),
        (rule("namespaces", "shop"), type_of("rules[0].namespaces", "a list of strings", "a string")),
        (rule("serviceAccounts", "~"), type_of("rules[0].serviceAccounts", "a list of strings", "null")),
        (rule("namespaces", "[on]"), type_of("rules[0].namespaces[0]", "a string", "a boolean")),
        (rule("namespaces", "[a, 0123]"), type_of("rules[0].namespaces[1]", "a string", "a number")),
        (rule("roles", "[[a]]"), type_of("rules[0].roles[0]", "a string", "a list")),
        (rule("roles", "[{hush: 1}]"), type_of("rules[0].roles[0]", "a string", "a mapping")),
    ] {
        assert_eq!(refused(&text), message, "{text}");
    }
}

#[test]
fn whatever_would_be_read_past_is_refused() {
    for (text, message) in [
        ("rules: []\nrules: []\n", "document 1, line 2: duplicate key \"rules\""),
        ("{\"rules\":[],\"rules\":[]}", "document 1, line 1: duplicate key \"rules\""),
        ("rules: []\n---\nrules: []\n", "document 2, line 3: more than one document"),
        ("rules: []\n...\nrules: []\n", "document 1, line 2: more than one document"),
        (
            "rules: &all []\nmore: *all\n",
            "document 1, line 2: aliases and merge keys are not supported here; write the value out",
        ),
        ("", "it is empty; a policy that allows no role is written rules: []"),
        ("# rules: []\n", "it is empty; a policy that allows no role is written rules: []"),
        ("null", "it is empty; a policy that allows no role is written rules: []"),
    ] {
        assert_eq!(refused(text), message, "{text}");
    }
}

#[test]
fn whatever_is_no_text_is_refused_in_one_short_line() {
    let deep = 1 << 17;
    let texts: [Vec<u8>; 9] = [
        b"\0\0\0\0".to_vec(),
        b"rules: []\0".to_vec(),
        b"{\"rules\": [\0]}".to_vec(),
        b"rules: [\xff]".to_vec(),
        "[".repeat(deep).into_bytes(),
        "{\"a\":".repeat(deep).into_bytes(),
        format!("rules: {}{}", "[".repeat(deep), "]".repeat(deep)).into_bytes(),
        "- ".repeat(deep).into_bytes(),
        format!("--- {}", "x".repeat(1 << 19)).into_bytes(),
    ];
    for bytes in texts {
        let said = refused(&bytes);
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        assert!(!said.is_empty() && said.chars().count() < 250, "{start:?}: {said}");
        assert!(!said.contains(char::is_control), "{start:?}: {said}");
        assert!(said.contains("line") || said.contains("bytes"), "{start:?}: {said}");
    }
    assert_eq!(refused(b"rules: [\xff]"), "not UTF-8 after 8 bytes");
}

/// A part of a policy in YAML may be read as one, though what follows may be what narrows a rule.
#[test]
fn every_part_of_a_policy_in_json_is_refused() {
    let json = r#"{"rules":[{"namespaces":["shop"],"roles":["*"]}]}"#;
    for end in 1..json.len() {
        let said = refused(&json[..end]);
        assert!(said.starts_with("document 1, line 1, column "), "{}: {said}", &json[..end]);
    }
}
