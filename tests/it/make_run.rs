//! `make run`, what a newcomer sees first, and `make certs`.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use pod_identity_webhook::certificates::Pair;
use tempfile::TempDir;

/// A program that the Makefile starts; cargo builds it with the tests.
fn program(name: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// A process that is killed when the test is over, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn shows_a_pod_with_its_role_stays_up_and_ends_cleanly() {
    let child =
        Command::new(program("run")).args(["0", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.expect("cargo test builds it; cargo test --test it alone does not"));
    let stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut shown = Vec::new();
    for line in stdout.lines().map(Result::unwrap) {
        let is_last = line.starts_with("Ctrl-C");
        shown.push(line);
        if is_last {
            break;
        }
    }
    let text = shown.join("\n");
    assert!(text.contains("+         - name: AWS_ROLE_ARN\n"), "{text}");
    assert!(text.contains("+           value: arn:aws:iam::123456789012:role/shop-checkout\n"), "{text}");
    assert!(text.contains("          defaultMode: 0644\n"), "{text}");
    assert!(text.contains("curl --cacert"), "{text}");
    assert_eq!(running.0.try_wait().unwrap(), None, "it does not stay up");
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn certificates_are_a_pair_whose_key_is_its_owners_alone() {
    let folder = TempDir::new().unwrap();
    // A key of an earlier run is replaced, and so is its mode.
    std::fs::write(folder.path().join("tls.key"), "old").unwrap();
    let made = Command::new(program("certs")).arg(folder.path()).arg("webhook.eks.svc").output().unwrap();
    assert!(made.status.success());
    let printed = String::from_utf8(made.stdout).unwrap();
    assert!(printed.starts_with("certificate for localhost, 127.0.0.1, ::1, webhook.eks.svc\n"), "{printed}");
    let read = |name| std::fs::read(folder.path().join(name)).unwrap();
    Pair::from_pem(&read("tls.crt"), &read("tls.key")).unwrap();
    assert!(read("ca.crt").starts_with(b"-----BEGIN CERTIFICATE-----"));
    let permissions = std::fs::metadata(folder.path().join("tls.key")).unwrap().permissions().mode() & 0o777;
    assert_eq!(permissions, 0o600);
}
