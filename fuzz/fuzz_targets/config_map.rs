//! Any text under the ConfigMap's key: entries that name the account of their own key and none that
//! a letter more would make another, or an error; whatever is said is short and one line.
#![no_main]

use injection::{AccountName, Grant};
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::identities::sources::config_map::ConfigMapDocument;

fuzz_target!(|document: &str| {
    let ConfigMapDocument { entries, complaint } = match ConfigMapDocument::parse(document) {
        Ok(contents) => contents,
        Err(error) => return assert_is_a_line(&error.to_string()),
    };
    if let Some(complaint) = complaint {
        assert_is_a_line(&complaint.to_string());
    }
    let read: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(document);
    // What a tree cannot hold (depth, numbers) does not matter to entries that do not need it.
    let Ok(read) = read else {
        return;
    };
    let mut named = 0;
    for key in read.keys() {
        // With a letter in place of every wildcard, the key names this account, whatever else it names.
        let account = key.replace('*', "0");
        let Some((namespace, name)) = account.split_once('/') else {
            continue;
        };
        let mut matching = entries.matching(AccountName::new(namespace, name));
        let Some(closest) = matching.next() else {
            continue;
        };
        let is_there = *closest.key == **key || matching.any(|entry| *entry.key == **key);
        named += usize::from(is_there);
        assert!(closest.line >= 1 && closest.line <= document.lines().count());
        match entries.grant(AccountName::new(namespace, name)).as_deref() {
            None => assert!(closest.grant.is_none()),
            Some(Grant::Role(role)) => {
                assert!(!role.role_arn.is_empty() && role.audience.as_deref() != Some(""))
            }
            Some(Grant::Association(_)) => panic!("an entry gives a role"),
        }
    }
    assert_eq!(named, entries.len());
});

fn assert_is_a_line(text: &str) {
    assert!(text.len() < 6000 && !text.contains(char::is_control), "{text:?}");
}
