//! `make run`: what a newcomer sees first.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The program that `make run` starts; cargo builds it with the tests.
fn program() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().parent().unwrap().join("examples/run")
}

/// Killed when the test is over, whichever way.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn shows_a_pod_with_its_role_stays_up_and_ends_cleanly() {
    let child = Command::new(program()).args(["0", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
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
