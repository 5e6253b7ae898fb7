//! A folder that a server serves.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ApiServer, DISCOVERY, HISTORY, ISSUER, KEYS, Key, kids, publish, read, sorted};
use crate::support::process::Starting;
use crate::support::wait::until;

/// A folder to publish to, and its path as a flag has it.
fn folder() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().display().to_string();
    (folder, path)
}

/// Publishes these files' keys, which goes well.
#[track_caller]
fn publishes(to: &str, files: &[&str], flags: &[&str]) -> String {
    publish(to, &[&["--keys"], files, flags].concat(), &[]).printed()
}

/// Every file below a folder, with its bytes and when it was written.
fn all(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    [DISCOVERY, KEYS, HISTORY]
        .map(|path| {
            let written = std::fs::metadata(folder.join(path)).unwrap().modified().unwrap();
            (path.to_owned(), (read(folder, path), written))
        })
        .into()
}

#[test]
fn the_documents_are_those_of_eks_and_every_server_may_read_them() {
    let ((folder, to), rsa, ec) = (folder(), Key::rsa(), Key::ec());
    publishes(&to, &[&rsa.public(), &ec.public()], &[]);
    let document: Value = serde_json::from_slice(&read(folder.path(), DISCOVERY)).unwrap();
    let expected = json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}/openid/v1/jwks"),
        "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    });
    assert_eq!(document, expected);
    assert_eq!(kids(&read(folder.path(), KEYS)), sorted([&rsa, &ec]));
    for path in [DISCOVERY, KEYS] {
        let mode = std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{path}");
    }
}

#[test]
fn of_a_private_key_the_public_part_alone_is_published() {
    for key in [Key::rsa(), Key::ec()] {
        let (folder, to) = folder();
        publishes(&to, &[&key.private()], &[]);
        let set: Value = serde_json::from_slice(&read(folder.path(), KEYS)).unwrap();
        let members: Vec<_> = set["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
        let public = ["use", "kty", "kid", "alg", "n", "e", "crv", "x", "y"];
        assert!(members.iter().all(|member| public.contains(member)), "{members:?}");
        assert_eq!(kids(&read(folder.path(), KEYS)), std::slice::from_ref(&key.kid));
    }
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let ((folder, to), one, other) = (folder(), Key::ec(), Key::ec());
    publishes(&to, &[&one.public(), &other.public()], &[]);
    let before = all(folder.path());
    let printed = publishes(&to, &[&other.public(), &one.private()], &[]);
    assert!(printed.contains("openid/v1/jwks unchanged"), "{printed}");
    assert_eq!(all(folder.path()), before);
}

#[test]
fn a_key_that_no_source_has_any_more_stays_until_it_is_removed() {
    let ((folder, to), old, new) = (folder(), Key::ec(), Key::ec());
    publishes(&to, &[&old.public()], &[]);
    let printed = publishes(&to, &[&new.public()], &[]);
    assert!(
        printed.contains(&format!("  {} ES256: in no file and no API server since", old.kid)),
        "{printed}"
    );
    assert_eq!(kids(&read(folder.path(), KEYS)), sorted([&old, &new]));

    let remove = format!("--remove={}", old.kid);
    let refused = publish(&to, &["--keys", &new.public(), &remove], &[]).refused(2);
    assert!(refused.contains("--remove") && refused.contains("--yes"), "{refused}");
    publishes(&to, &[&new.public()], &[&remove, "--yes"]);
    assert_eq!(kids(&read(folder.path(), KEYS)), std::slice::from_ref(&new.kid));
    // A file that still has it does not bring it back.
    let printed = publishes(&to, &[&new.public(), &old.public()], &[]);
    assert!(printed.contains("--restore publishes it again"), "{printed}");
    assert_eq!(kids(&read(folder.path(), KEYS)), std::slice::from_ref(&new.kid));
    publishes(&to, &[&new.public(), &old.public()], &[&format!("--restore={}", old.kid)]);
    assert_eq!(kids(&read(folder.path(), KEYS)), sorted([&old, &new]));
}

#[test]
fn the_last_key_cannot_be_removed() {
    let ((folder, to), key) = (folder(), Key::ec());
    publishes(&to, &[&key.public()], &[]);
    let flags = ["--keys", &key.public(), &format!("--remove={}", key.kid), "--yes"];
    let refused = publish(&to, &flags, &[]).refused(1);
    assert!(refused.contains("no key would be left"), "{refused}");
    assert_eq!(kids(&read(folder.path(), KEYS)), [key.kid]);
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let ((folder, to), old, new) = (folder(), Key::ec(), Key::ec());
    publishes(&to, &[&old.public()], &[]);
    let before = all(folder.path());
    let printed = publishes(&to, &[&new.public()], &[&format!("--remove={}", old.kid), "--dry-run"]);
    for line in [
        format!("- {} ES256: goes, for --remove says so", old.kid),
        format!("+ {} ES256: new, in {}", new.kid, new.public()),
        "openid/v1/jwks would be changed".to_owned(),
        ".well-known/openid-configuration unchanged".to_owned(),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}\n{printed}");
    }
    assert_eq!(all(folder.path()), before);
}

#[test]
fn every_api_server_is_asked_and_its_keys_are_published_too() {
    let (one, two, three) = (Key::ec(), Key::rsa(), Key::ec());
    let servers = [&one, &two].map(|key| {
        let (server, (published, to)) = (ApiServer::start(), folder());
        publishes(&to, &[&key.public()], &[]);
        server.has(published.path());
        server
    });
    let (folder, to) = folder();
    let kubeconfig = format!("--kubeconfig={}", servers[0].kubeconfig());
    let other = format!("--api-server={}", servers[1].url);
    publishes(&to, &[&three.public()], &[&kubeconfig, "--from-api-server", &other]);
    assert_eq!(kids(&read(folder.path(), KEYS)), sorted([&one, &two, &three]));
    let document: Value = serde_json::from_slice(&read(folder.path(), DISCOVERY)).unwrap();
    assert_eq!(document["jwks_uri"], format!("{ISSUER}/openid/v1/jwks"));
}

#[test]
fn a_source_that_cannot_be_read_ends_it_and_nothing_is_written() {
    let ((folder, to), key, server) = (folder(), Key::ec(), ApiServer::start());
    let kubeconfig = format!("--kubeconfig={}", server.kubeconfig());
    let keys = format!("--keys={}", key.public());
    let refused = publish(&to, &[&keys, &kubeconfig, "--from-api-server"], &[]).refused(1);
    assert!(refused.contains("503") && refused.ends_with("; nothing was published"), "{refused}");
    for (name, text, said) in [
        ("empty", "", "it has no PEM"),
        ("other", "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n", "it has no key"),
        (
            "locked",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        ),
    ] {
        let path = key.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let refused = publish(&to, &["--keys", path.to_str().unwrap()], &[]).refused(1);
        assert!(refused.contains(path.to_str().unwrap()) && refused.contains(said), "{refused}");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn what_others_have_published_is_not_written_over_unasked() {
    let ((folder, to), key) = (folder(), Key::ec());
    publishes(&to, &[&key.public()], &[]);
    let path = folder.path().join(DISCOVERY);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(ISSUER, "https://oidc.example.com/test")).unwrap();
    let keys = format!("--keys={}", key.public());
    let refused = publish(&to, &[&keys], &[]).refused(1);
    assert!(refused.contains("of another issuer") && refused.contains("--yes writes over it"), "{refused}");
    publish(&to, &[&keys, "--yes"], &[]).printed();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    std::fs::write(folder.path().join(KEYS), "{\"keys\": [").unwrap();
    let refused = publish(&to, &[&keys, "--yes"], &[]).refused(1);
    assert!(refused.contains("cannot be read, and would be lost"), "{refused}");
}

#[test]
fn an_issuer_that_aws_cannot_have_is_refused() {
    let ((_folder, to), key) = (folder(), Key::ec());
    for (issuer, said) in [
        ("http://oidc.example.com", "https://"),
        ("https://oidc.example.com:8443", "port"),
        ("https://oidc.example.com?a=b", "query"),
        ("https://oidc.example.com/.well-known/openid-configuration", "ends before"),
    ] {
        let words = ["issuer", "publish", "--issuer", issuer, "--to", &to, "--keys", &key.public()];
        let refused = crate::support::program::run(words).refused(2);
        assert!(refused.contains("--issuer") && refused.contains(said), "{refused}");
    }
}

#[tokio::test]
async fn a_watch_publishes_what_is_new_and_keeps_what_is_there_while_a_file_is_broken() {
    let ((folder, to), one, two) = (folder(), Key::ec(), Key::ec());
    let watched = one.folder.path().join("watched.pem");
    std::fs::copy(one.public(), &watched).unwrap();
    let (issuer, to) = (format!("--issuer={ISSUER}"), format!("--to={to}"));
    let keys = format!("--keys={}", watched.display());
    let mut process =
        Starting::spawn_subcommand(&["issuer", "publish", &issuer, &to, &keys, "--watch", "--interval=1s"]);
    let published = async |expected: Vec<String>| {
        until("the keys are published", async || {
            let set = std::fs::read(folder.path().join(KEYS)).ok()?;
            (kids(&set) == expected).then_some(())
        })
        .await;
    };
    published(vec![one.kid.clone()]).await;
    std::fs::write(&watched, "-----BEGIN PUBLIC KEY-----\nAAAA").unwrap();
    until("it is told of", async || {
        process.log().iter().any(|line| line.contains("has no line '-----END PUBLIC KEY-----'")).then_some(())
    })
    .await;
    assert_eq!(kids(&read(folder.path(), KEYS)), std::slice::from_ref(&one.kid));
    std::fs::copy(two.public(), &watched).unwrap();
    published(sorted([&one, &two])).await;
    process.terminate();
    assert!(process.ended().await.success(), "{:#?}", process.log());
}
