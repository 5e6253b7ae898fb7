//! `issuer rotate` as a user runs it again and again, while what is published and what API servers do changes.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::issuer_check::signer::Signer;
use crate::issuer_check::site::{Reply, Routes, serve_changing};
use crate::issuer_check::world::{DOCUMENT, ISSUER, KEYS, World, document};
use crate::support::program::{Run, run_with};

const TOKEN: &str = "/api/v1/namespaces/default/serviceaccounts/default/token";

/// A rotation of a cluster: its keys, and the folder with its file.
struct Rotation {
    folder: TempDir,
    /// API servers, which keep their addresses from one look to the next.
    servers: RefCell<Vec<(SocketAddr, Arc<Mutex<Routes>>)>>,
    old: Signer,
    new: Signer,
}

/// What an API server verifies by, and signs with.
type Server<'a> = (&'a [&'a Signer], &'a Signer);

impl Rotation {
    fn new() -> Self {
        let (folder, servers) = (TempDir::new().unwrap(), RefCell::default());
        let rotation = Self { folder, servers, old: Signer::new(), new: Signer::new() };
        fs::write(rotation.folder.path().join("next.pub"), rotation.new.pem()).unwrap();
        rotation
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("rotation.json")
    }

    fn remembered(&self) -> Value {
        serde_json::from_slice(&fs::read(self.state()).unwrap()).unwrap()
    }

    /// Has a moment that is remembered be so many hours earlier.
    fn pass(&self, member: &str, hours: u64) {
        let mut state = self.remembered();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        state[member] = json!(rfc_3339(now - hours * 3600));
        fs::write(self.state(), state.to_string()).unwrap();
    }

    /// Looks at a world in which these keys are published, and API servers are so.
    fn look(&self, published: &[&Signer], servers: &[Server<'_>], flags: &[&str]) -> Run {
        let mut world = World::new();
        let keys: Vec<_> = published.iter().map(|key| key.key()).collect();
        world.publish(&document(ISSUER), &json!({ "keys": keys }));
        self.look_at(world, &servers.iter().map(|server| routes(*server)).collect::<Vec<_>>(), flags)
    }

    fn look_at(&self, world: World, servers: &[Routes], flags: &[&str]) -> Run {
        let mut args = vec!["issuer".to_owned(), "rotate".to_owned(), format!("--issuer={}", world.issuer)];
        args.extend(world.serve(self.folder.path()));
        args.push(format!("--state={}", self.state().display()));
        args.push(format!("--new-key={}", self.folder.path().join("next.pub").display()));
        let mut known = self.servers.borrow_mut();
        for (number, routes) in servers.iter().enumerate() {
            if let Some((_, answers)) = known.get(number) {
                answers.lock().unwrap().clone_from(routes);
            } else {
                let answers = Arc::new(Mutex::new(routes.clone()));
                known.push((serve_changing(answers.clone(), None), answers));
            }
            args.push(format!("--api-server=http://{}", known[number].0));
        }
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        run_with(args, &[], b"")
    }

    /// The step at which it is, by JSON.
    #[track_caller]
    fn step(&self, published: &[&Signer], servers: &[Server<'_>]) -> (i32, String) {
        let run = self.look(published, servers, &["-o", "json"]);
        assert_eq!(run.stderr, "");
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (run.code, report["step"].as_str().unwrap().to_owned())
    }

    /// A text without what is other in each run.
    fn shown(&self, text: &str) -> String {
        let mut text = text.replace(&*self.folder.path().to_string_lossy(), "folder");
        for (key, name) in [(&self.old, "OLD"), (&self.new, "NEW")] {
            text = text.replace(&key.kid(), &format!("{name:-<43}"));
        }
        let lines = text.lines().map(|line| {
            let waits = line.strip_prefix("Nothing until ").and_then(|rest| rest.split_once(": "));
            let line =
                waits.map_or(line.to_owned(), |(_, why)| format!("Nothing until MOMENT, in A WHILE: {why}"));
            let mut parts = line.split("127.0.0.1:");
            let first = parts.next().unwrap().to_owned();
            let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
            rest.fold(first, |line, part| format!("{line}127.0.0.1:PORT{part}")) + "\n"
        });
        lines.collect()
    }
}

/// What an API server answers.
fn routes((verifies, signs): Server<'_>) -> Routes {
    let keys: Vec<_> = verifies.iter().map(|key| key.key()).collect();
    let token = signs.sign(&json!({ "iss": ISSUER, "aud": ["sts.amazonaws.com"] }));
    let token = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "status": { "token": token },
    });
    [("/openid/v1/jwks", json!({ "keys": keys })), (TOKEN, token)]
        .map(|(path, body)| (path.to_owned(), Reply::json(body.to_string())))
        .into()
}

/// A moment in RFC 3339, by seconds since 1970.
fn rfc_3339(seconds: u64) -> String {
    k8s_openapi::jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap().to_string()
}

#[test]
fn it_goes_from_nothing_to_its_end_and_waits_where_it_must() {
    let rotation = Rotation::new();
    let (old, new) = (&rotation.old, &rotation.new);
    let (one, both): (&[&Signer], &[&Signer]) = (&[old], &[old, new]);
    let (before, trusting, signing): (Server<'_>, Server<'_>, Server<'_>) =
        ((one, old), (both, old), (both, new));
    let is = |step: &str| (3, step.to_owned());
    assert_eq!(rotation.step(one, &[before, before]), is("publish"));
    assert_eq!(rotation.remembered()["old"], json!([old.kid()]));
    assert_eq!(rotation.step(both, &[before, before]), is("trust"));
    assert_eq!(rotation.step(both, &[trusting, before]), is("trust"));
    assert_eq!(rotation.step(both, &[trusting, trusting]), is("waitBeforeSigning"));
    rotation.pass("publishedSince", 23);
    assert_eq!(rotation.step(both, &[trusting, trusting]), is("waitBeforeSigning"));
    rotation.pass("publishedSince", 24);
    assert_eq!(rotation.step(both, &[trusting, trusting]), is("sign"));
    assert_eq!(rotation.step(both, &[signing, trusting]), is("sign"));
    assert_eq!(rotation.step(both, &[signing, signing]), is("waitForTokens"));
    rotation.pass("signingSince", 24);
    assert_eq!(rotation.step(both, &[signing, signing]), is("waitForTokens"));
    rotation.pass("signingSince", 25);
    assert_eq!(rotation.step(both, &[signing, signing]), is("withdraw"));
    assert_eq!(rotation.step(&[new], &[signing, signing]), (0, "over".to_owned()));
}

#[test]
fn every_step_says_what_to_do() {
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        let rotation = Rotation::new();
        let (old, new) = (&rotation.old, &rotation.new);
        let (one, both): (&[&Signer], &[&Signer]) = (&[old], &[old, new]);
        let flags = ["--for=kubeadm", "--keep-issuer=https://kubernetes.default.svc.cluster.local"];
        let say = |name: &str, published: &[&Signer], server: Server<'_>| {
            let run = rotation.look(published, &[server], &flags);
            assert_eq!(run.stderr, "");
            insta::assert_snapshot!(format!("issuer_rotate_{name}"), rotation.shown(&run.stdout));
        };
        say("publish", one, (one, old));
        say("trust", both, (one, old));
        say("wait_before_signing", both, (both, old));
        rotation.pass("publishedSince", 30);
        say("sign", both, (both, old));
        say("wait_for_tokens", both, (both, new));
        rotation.pass("signingSince", 30);
        say("withdraw", both, (both, new));
        say("over", &[new], (both, new));
        say("wrong", &[old], (one, new));
    });
}

#[test]
fn an_api_server_that_is_not_named_any_more_is_missed() {
    let rotation = Rotation::new();
    let old: &[&Signer] = &[&rotation.old];
    let server: Server<'_> = (old, &rotation.old);
    rotation.look(old, &[server, server], &[]);
    let before = fs::read_to_string(rotation.state()).unwrap();
    let refused = rotation.look(old, &[server], &[]).refused(1);
    assert!(refused.contains("was seen before and is not named now: name it with --api-server"), "{refused}");
    assert_eq!(fs::read_to_string(rotation.state()).unwrap(), before);
}

#[test]
fn kops_does_it_by_commands_of_its_own() {
    let rotation = Rotation::new();
    let old = &rotation.old;
    let run = rotation.look(&[old], &[(&[old], old)], &["--for=kops"]);
    assert!(run.code == 3 && run.stdout.contains("kops create keypair service-account"), "{run:?}");
    assert!(!run.stdout.contains("issuer publish"), "{}", run.stdout);
}

#[test]
fn what_breaks_is_told_and_is_a_failure() {
    let rotation = Rotation::new();
    let (old, new) = (&rotation.old, &rotation.new);
    let (one, both): (&[&Signer], &[&Signer]) = (&[old], &[old, new]);
    for (published, servers, said) in [
        (one, [(both, new), (both, old)], "AWS refuses its tokens"),
        (both, [(both, new), (one, old)], "it refuses the tokens"),
        (&[new], [(both, new), (both, old)], "AWS refuses its tokens"),
    ] {
        let run = rotation.look(published, &servers, &[]);
        let wrong: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("WRONG: ")).collect();
        assert!(run.code == 1 && wrong.len() == 1 && wrong[0].contains(said), "{}", run.stdout);
    }
    let third = Signer::new();
    let run = rotation.look(
        &[old, new, &third],
        &[(&[old, new, &third], &third), (&[old, new, &third], old)],
        &["-o", "json"],
    );
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let danger = report["dangers"][0].as_str().unwrap();
    assert!(run.code == 1 && danger.contains("another rotation is under way"), "{report}");
}

#[test]
fn an_emergency_waits_for_nothing_once_it_is_confirmed() {
    let rotation = Rotation::new();
    let (old, new) = (&rotation.old, &rotation.new);
    let both: &[&Signer] = &[old, new];
    let refused = rotation.look(both, &[(both, old)], &["--emergency"]);
    assert!(refused.code == 1 && refused.stderr.contains("--emergency needs --yes"), "{refused:?}");
    assert!(!rotation.state().exists(), "nothing has begun");
    let run = rotation.look(both, &[(both, old)], &["--emergency", "--yes", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &report["step"], &report["emergency"]), (3, &json!("sign"), &json!(true)));
    // It is remembered, and the flag need not be said again.
    assert_eq!(rotation.step(both, &[(both, new)]), (3, "withdraw".to_owned()));
    let run = rotation.look(both, &[(both, new)], &[]);
    assert!(run.stdout.contains("kubectl rollout restart"), "{}", run.stdout);
}

#[test]
fn a_file_of_something_else_is_left_as_it_is() {
    let rotation = Rotation::new();
    let old: &[&Signer] = &[&rotation.old];
    rotation.look(old, &[(old, &rotation.old)], &[]);
    let good = rotation.remembered();
    let changed = |member: &str, value: Value| {
        let mut state = good.clone();
        state[member] = value;
        state.to_string()
    };
    for (text, said) in [
        ("{".to_owned(), "is not the file of a rotation: "),
        ("[]".to_owned(), "is not the file of a rotation: "),
        (changed("version", json!(2)), "is not the file of a rotation: it has version 2, "),
        (changed("more", json!(1)), "is not the file of a rotation: "),
        (
            changed("issuer", json!("https://other.example.com")),
            "is of a rotation of the issuer https://other",
        ),
        (changed("new", json!("other")), "is of a rotation to the key other, and --new-key is "),
    ] {
        fs::write(rotation.state(), &text).unwrap();
        let refused = rotation.look(old, &[(old, &rotation.old)], &[]).refused(1);
        assert!(refused.contains(said), "{refused}");
        assert_eq!(fs::read_to_string(rotation.state()).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_seen_is_named_and_nothing_is_remembered() {
    let rotation = Rotation::new();
    let old = &rotation.old;
    let good = || routes((&[old], old));
    let world = |change: fn(&mut World)| {
        let mut world = World::new();
        world.publish(&document(ISSUER), &json!({ "keys": [old.key()] }));
        change(&mut world);
        world
    };
    let without = |path: &str| {
        let mut routes = good();
        routes.insert(path.to_owned(), Reply::status(403, &[], "{}"));
        routes
    };
    for (world, server, said) in [
        (world(|world| world.years = (2020, 2021)), good(), "the server's certificate is not trusted: "),
        (
            world(|world| world.names = vec!["other.example.com"]),
            good(),
            "certificate is not for oidc.example.com",
        ),
        (
            world(|world| *world.reply(DOCUMENT) = Reply::status(404, &[], "")),
            good(),
            "the server answers 404",
        ),
        (
            world(|world| world.reply(DOCUMENT).body = b"<html>".to_vec()),
            good(),
            "is not the discovery document of",
        ),
        (
            world(|world| {
                world.reply(DOCUMENT).body = document("https://other.example.com").to_string().into_bytes()
            }),
            good(),
            "it is of \"https://other.example.com\"",
        ),
        (world(|world| world.reply(KEYS).body = b"{}".to_vec()), good(), "/prod/keys cannot be read: "),
        (world(|_| {}), without("/openid/v1/jwks"), "for its keys: "),
        (world(|_| {}), without(TOKEN), "make a token for default/default, "),
    ] {
        let refused = rotation.look_at(world, &[server], &[]).refused(1);
        assert!(refused.contains(said), "{refused}");
        assert!(!rotation.state().exists());
    }
}

#[test]
fn a_key_that_cannot_be_the_new_one_is_refused() {
    let rotation = Rotation::new();
    let (old, new) = (&rotation.old, &rotation.new);
    let file = rotation.folder.path().join("next.pub");
    let refused = rotation.look(&[old, new], &[(&[old, new], new)], &[]).refused(1);
    assert!(refused.contains("signs with ") && refused.contains("already"), "{refused}");
    for (text, said) in
        [(format!("{}{}", old.pem(), new.pem()), "has 2 keys"), ("nothing".to_owned(), "it has no PEM")]
    {
        fs::write(&file, text).unwrap();
        let refused = rotation.look(&[old], &[(&[old], old)], &[]).refused(1);
        assert!(refused.contains(said), "{refused}");
    }
    fs::remove_file(&file).unwrap();
    assert!(rotation.look(&[old], &[(&[old], old)], &[]).refused(1).starts_with("failed to read "));
    assert!(!rotation.state().exists());
}

#[test]
fn flags_that_cannot_be_used_are_refused() {
    let rotation = Rotation::new();
    let old = &rotation.old;
    for (flag, line) in [
        ("--old-key-path=sa.key", "invalid value 'sa.key' for '--old-key-path': "),
        ("--new-key-path=sa.key", "invalid value 'sa.key' for '--new-key-path': "),
        ("--api-server=", "invalid value '' for '--api-server': "),
        ("--service-account=a", "invalid value 'a' for '--service-account': "),
        ("--timeout=0s", "invalid value '0' for '--timeout': "),
    ] {
        let said = rotation.look(&[old], &[(&[old], old)], &[flag]).refused(2);
        assert!(said.starts_with(line), "{said}");
    }
}
