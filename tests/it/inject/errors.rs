//! What cannot be read ends `inject` with exit code 1, one line, and nothing on standard output.

use std::process::Stdio;

use super::{ACCOUNT, Files};
use crate::support::program::run;

/// What is said of an input, behind "failed to read standard input: ".
#[track_caller]
fn refused(input: &str) -> String {
    let line = Files::new(&[]).run(&["-f", "-"], input).refused(1);
    line.strip_prefix("failed to read standard input: ").expect(&line).to_owned()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";

#[test]
fn a_file_that_is_not_there_is_named() {
    let files = Files::new(&[("ok.yaml", ACCOUNT)]);
    let missing = files.path("missing.yaml").display().to_string();
    for args in [
        &["-f", "@ok.yaml", "-f", "@missing.yaml"][..],
        &["-f", "@ok.yaml", "@missing.yaml"],
        &["-f", "@ok.yaml", "--manifests", "@missing.yaml"],
    ] {
        assert_eq!(
            files.run(args, "").refused(1),
            format!("failed to read {missing}: No such file or directory (os error 2)")
        );
    }
    let folder = files.path("").display().to_string();
    assert_eq!(
        files.run(&["-f", &folder], "").refused(1),
        format!("failed to read {folder}: Is a directory (os error 21)")
    );
}

#[test]
fn text_that_is_no_yaml_is_named_with_document_and_line() {
    assert_eq!(refused("a: [\n"), "document 1, line 1, column 4: unclosed bracket '['");
    assert!(refused(&format!("{ACCOUNT}---\n\na: b\n c: d\n")).starts_with("document 2, line 11"));
    assert!(refused("{\"a\": 1,\n\"b\" 2}").starts_with("document 1, line 2"));
    assert!(refused("a: b\n--- x\n").starts_with("document 2, line 2: invalid document separator"));
}

#[test]
fn an_error_names_the_file_that_it_is_in() {
    let files = Files::new(&[("ok.yaml", ACCOUNT), ("bad.yaml", "a: 1\n---\nb: {\n")]);
    let expected = format!("failed to read {}: document 2, line 3", files.path("bad.yaml").display());
    for args in [&["-f", "@ok.yaml", "@bad.yaml"][..], &["-f", "@ok.yaml", "--manifests", "@bad.yaml"]] {
        for more in [&[][..], &["--explain"], &["--output=patch"]] {
            let line = files.run(&[args, more].concat(), "").refused(1);
            assert!(line.starts_with(&expected), "{line}");
        }
    }
}

#[test]
fn a_pod_that_is_none_is_named_with_document_and_line() {
    let stream = |spec: &str| format!("# first\na: 1\n---\n# second\n{POD}{spec}\n");
    for (spec, what) in [
        ("spec: {containers: x}", "invalid type: string \"x\", expected a list of containers"),
        ("spec: {containers: {name: a}}", "invalid type: map, expected a list of containers"),
        ("spec: 5", "invalid type: integer `5`, expected a pod's spec"),
        ("spec: {containers: [{name: 1}]}", "invalid type: integer `1`, expected a string"),
        ("spec: {serviceAccountName: 1}", "invalid type: integer `1`, expected a string"),
    ] {
        assert_eq!(
            refused(&stream(spec)),
            format!("document 2, line 5: the pod of Pod default/p cannot be read: {what}"),
            "{spec}"
        );
    }
}

#[test]
fn an_account_that_is_none_is_named_with_document_and_line() {
    for (account, what) in [
        ("metadata: {}", "a ServiceAccount without metadata.name"),
        ("metadata: {name: a, annotations: [x]}", "the annotations of ServiceAccount a are not a map"),
        (
            "metadata: {name: a, annotations: {eks.amazonaws.com/token-expiration: 600}}",
            "annotation eks.amazonaws.com/token-expiration of ServiceAccount a is not a string: quote it",
        ),
    ] {
        let input = format!("{POD}---\napiVersion: v1\nkind: ServiceAccount\n{account}\n");
        assert_eq!(refused(&input), format!("document 2, line 5: {what}"));
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let files = Files::new(&[]);
    std::fs::write(files.path("utf16.yaml"), b"\xff\xfea\0:\0").unwrap();
    let line = files.run(&["-f", "@utf16.yaml"], "").refused(1);
    assert!(line.ends_with("utf16.yaml: stream did not contain valid UTF-8"), "{line}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["inject", "-f", "-"][..], &["--version"], &["--help"]] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // More than a pipe holds, only now: before it is read, nothing can be written.
        drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), "# x\n".repeat(50_000).as_bytes()));
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
}

/// Text without a last newline is still in the buffer when the program ends.
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let files = Files::new(&[("ok.yaml", "a: b")]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
        .args(["inject", "-f"])
        .arg(files.path("ok.yaml"))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("pod-identity-webhook: failed to write to standard output: No space"), "{said}");
}

#[test]
fn an_empty_file_is_nothing_to_do() {
    assert_eq!(run(["inject", "-f", "/dev/null"]).printed(), "");
}
