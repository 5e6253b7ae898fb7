//! `issuer check` against a web server and an API server that a test decides on: what is wrong is named, with what to do.

mod broken;
pub mod signer;
pub mod site;
pub mod world;

use serde_json::json;

use crate::support::program::run;
use signer::Signer;
use site::Reply;
use world::{Checked, ISSUER, World, document};

impl Checked {
    /// A text without what is other in each run.
    fn without_what_changes(&self, text: &str) -> String {
        let is_thumbprint =
            |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words = text.split_inclusive([' ', ':', ',', '\n', '.']).map(|word| {
            let bare = word.trim_end_matches([' ', ':', ',', '\n', '.']);
            if is_thumbprint(bare) { word.replace(bare, &"0".repeat(40)) } else { word.to_owned() }
        });
        words.collect::<String>().replace(&self.address.to_string(), "127.0.0.1:44300")
    }

    fn shown(&self, kids: &[(&str, &str)]) -> String {
        let text = self.without_what_changes(&self.run.stdout);
        kids.iter().fold(text, |text, (kid, name)| text.replace(kid, &format!("{name:-<43}")))
    }
}

#[test]
fn the_report_reads_well() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        let good = World::new();
        let kid = good.signer.kid();
        let checked = good.check(&[]);
        assert_eq!(checked.run.code, 0);
        insta::assert_snapshot!("issuer_check_good", checked.shown(&[(&kid, "KID")]));

        let (mut missing, old) = (World::new(), Signer::new());
        let kid = missing.signer.kid();
        missing.publish(&document(ISSUER), &json!({ "keys": [old.key()] }));
        let checked = missing.check(&[]);
        assert_eq!(checked.run.code, 1);
        insta::assert_snapshot!("issuer_check_missing_key", checked.shown(&[(&kid, "KID"), (&old.kid(), "OLD")]));
    });
}

#[test]
fn nothing_failed_is_all_well() {
    let checked = World::new().check(&["-o", "json"]);
    let report = checked.report();
    assert_eq!((checked.run.code, &report["allWell"]), (0, &json!(true)));
    assert_eq!(report["issuer"], ISSUER);
    assert_eq!(report["thumbprint"].as_str().map(str::len), Some(40));
    let statuses = |status: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["status"] == status)
            .map(|finding| finding["step"].clone())
            .collect()
    };
    let (warnings, skipped): (Vec<_>, Vec<_>) = (statuses("warning"), statuses("skipped"));
    assert_eq!((warnings, skipped), (vec![json!("certificate")], vec![json!("iam")]));
}

#[test]
fn documents_are_checked_without_a_cluster() {
    let mut world = World::new();
    // Nothing of it may be asked.
    world.cluster.clear();
    let checked = world.check(&["-o", "json", "--no-cluster"]);
    assert_eq!(checked.run.code, 0, "{:?}", checked.run);
    let report = checked.report();
    let skipped =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["status"] == "skipped");
    assert_eq!(skipped.count(), 6);
}

#[test]
fn a_key_that_was_withdrawn_on_purpose_is_not_missed() {
    let (mut world, old) = (World::new(), Signer::new());
    let keys = json!({ "keys": [world.signer.key(), old.key()] });
    world.cluster.insert("/openid/v1/jwks".to_owned(), Reply::json(keys.to_string()));
    let checked = world.check(&["-o", "json", &format!("--withdrawn={}", old.kid())]);
    assert_eq!(checked.run.code, 0, "{:?}", checked.run);
    assert!(checked.run.stdout.contains("every key of the API server is published (1, and 1 withdrawn)"));
}

#[test]
fn a_key_that_was_withdrawn_and_signs_is_missed() {
    let (mut world, other) = (World::new(), Signer::new());
    let withdrawn = format!("--withdrawn={}", world.signer.kid());
    world.publish(&document(ISSUER), &json!({ "keys": [other.key()] }));
    let checked = world.check(&["-o", "json", &withdrawn]);
    assert_eq!(checked.run.code, 1);
    let report = checked.report();
    let findings = report["findings"].as_array().unwrap();
    let failed: Vec<_> = findings.iter().filter(|finding| finding["status"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["step"] == "signature", "{failed:?}");
}

#[test]
fn a_token_is_never_shown() {
    let world = World::new();
    let token = &world.cluster["/api/v1/namespaces/default/serviceaccounts/default/token"];
    let token: serde_json::Value = serde_json::from_slice(&token.body).unwrap();
    let signature = token["status"]["token"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    let checked = world.check(&["-o", "json"]);
    assert!(!checked.run.stdout.contains(&signature));
}

#[test]
fn flags_that_cannot_be_used_are_refused() {
    for (flag, line) in [
        ("--resolve=oidc.example.com", "invalid value 'oidc.example.com' for '--resolve': "),
        ("--service-account=default", "invalid value 'default' for '--service-account': "),
        ("--timeout=0s", "invalid value '0' for '--timeout': "),
        ("--ca-file=/nowhere", "invalid value '/nowhere' for '--ca-file': "),
        ("--token-audience=", "invalid value '' for '--token-audience': "),
    ] {
        let said = run(["issuer", "check", "--issuer=https://oidc.example.com", flag]).refused(2);
        assert!(said.starts_with(line), "{said}");
    }
}
