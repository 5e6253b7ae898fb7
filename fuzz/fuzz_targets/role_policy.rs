//! Any bytes: a policy that allows each rule's own accounts their own roles, and says the same once it is
//! written as JSON and read again as YAML; or an error whose text is one short line.
#![no_main]

use injection::AccountName;
use injection::policy::{RolePolicy, Ruling};
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::role_policy::parse;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let policy = match parse(bytes) {
        Ok(policy) => policy,
        Err(error) => {
            let text = error.to_string();
            assert!(text.chars().count() < 500 && !text.contains(char::is_control), "{text:?}");
            return;
        }
    };
    // A reader that skips things also reads what a strict one does, and finds nothing more.
    let text = std::str::from_utf8(bytes).expect("what was read is text");
    let stream = manifests::parse(text).expect("what was read strictly can be read");
    let [document] = stream.documents() else {
        panic!("one document");
    };
    let written = document.value();
    let again = parse(written.to_string().as_bytes()).expect("what was written can be read");
    assert_eq!(again, policy);
    let rules = written["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), policy.len());
    for rule in rules {
        assert_allows_its_own(&policy, rule);
    }
    let stranger = policy.judge(AccountName::new("no such namespace", "no such account"), "no such role");
    let is_named = rules.iter().any(|rule| texts(&rule["namespaces"]).iter().any(|glob| glob.contains('*')));
    assert!(is_named || matches!(stranger, Ruling::Forbidden(_)));
});

/// With a letter in place of every wildcard, this is something that the globs match.
fn assert_allows_its_own(policy: &RolePolicy, rule: &Value) {
    let accounts = match &rule["serviceAccounts"] {
        Value::Null => vec!["any".to_owned()],
        accounts => texts(accounts).iter().map(|glob| glob.replace('*', "0")).collect(),
    };
    for namespace in texts(&rule["namespaces"]).iter().take(4).map(|glob| glob.replace('*', "0")) {
        for account in accounts.iter().take(4) {
            for role in texts(&rule["roles"]).iter().take(4).map(|glob| glob.replace(['*', '?'], "0")) {
                let ruling = policy.judge(AccountName::new(&namespace, account), &role);
                assert!(matches!(ruling, Ruling::Allowed { .. }), "{namespace}/{account} {role}");
            }
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
