//! Starts that fail on what they find: exit code 1, and one line that says what, where, and what to
//! do about it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use pod_identity_webhook::certificates::Authority;
use tempfile::TempDir;

use crate::support::program::{Run, run, run_with};

const LOOPBACK: [&str; 3] = ["--bind-address=127.0.0.1", "--port=0", "--metrics-port=0"];

fn start(args: &[String]) -> Run {
    run(LOOPBACK.iter().map(ToString::to_string).chain(args.iter().cloned()))
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

#[test]
fn a_missing_certificate_is_named_with_the_flags_that_give_it() {
    let line = start(&["--in-cluster=false".into(), "--tls-cert=/nowhere/tls.crt".into()]).refused(1);
    assert_eq!(
        line,
        "failed to read /nowhere/tls.crt: No such file or directory (os error 2); give --tls-cert and --tls-key"
    );
}

#[test]
fn a_certificate_that_is_none_is_named_with_its_key() {
    let folder = TempDir::new().unwrap();
    let leaf = Authority::new().unwrap().leaf(&["localhost".into()]).unwrap();
    let other = Authority::new().unwrap().leaf(&["localhost".into()]).unwrap();
    let certificate = write(&folder, "tls.crt", &leaf.certificate_pem);
    let key = write(&folder, "tls.key", &leaf.key_pem);
    let foreign = write(&folder, "other.key", &other.key_pem);
    let junk = write(&folder, "junk", "junk");
    for (certificate, key, why) in [
        (&certificate, &foreign, "certificate and key do not match: "),
        (&certificate, &junk, "no private key could be read: "),
        (&junk, &key, "no certificate in it"),
    ] {
        let args = ["--in-cluster=false".into(), flag("tls-cert", certificate), flag("tls-key", key)];
        let line = start(&args).refused(1);
        let start = format!("failed to use {} with {}: {why}", certificate.display(), key.display());
        assert!(line.starts_with(&start), "{line}");
        let cause = line.rsplit(": ").next().unwrap();
        assert_eq!(line.matches(cause).count(), 1, "said twice: {line}");
    }
}

#[test]
fn manifests_that_cannot_be_read_are_named() {
    assert_eq!(
        start(&["--manifests=/nowhere".into()]).refused(1),
        "failed to read /nowhere: No such file or directory (os error 2)"
    );
}

#[test]
fn malformed_manifests_are_named_with_document_and_line() {
    let folder = TempDir::new().unwrap();
    let account = "# ours\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n";
    for (name, rest, expected) in [
        ("yaml.yaml", "---\na: [\n", "document 2, line 7, column 4"),
        (
            "name.yaml",
            "---\n\napiVersion: v1\nkind: ServiceAccount\n",
            "document 2, line 8: a ServiceAccount",
        ),
        (
            "annotation.yml",
            "  annotations: {eks.amazonaws.com/token-expiration: 600}\n",
            "document 1, line 2: annotation eks.amazonaws.com/token-expiration of ServiceAccount a is not a \
             string: quote it",
        ),
        (
            "association.yaml",
            "---\nidentities: [{namespace: a}]\n",
            "document 2, line 7: identities[0] has no",
        ),
        (
            "list.yaml",
            "---\nidentities: {hush: 1}\n",
            "document 2, line 7: expected an array of objects with",
        ),
    ] {
        let path = write(&folder, name, &format!("{account}{rest}"));
        let line = start(&[flag("manifests", &path)]).refused(1);
        let start = format!("failed to read {}: {expected}", path.display());
        assert!(line.starts_with(&start), "{line}\n{start}");
        assert_eq!(line.matches("document").count(), 1, "said twice: {line}");
    }
}

#[test]
fn a_folder_is_read_in_its_manifests_alone() {
    let folder = TempDir::new().unwrap();
    write(&folder, "notes.txt", "a: [");
    let json = write(&folder, "b.json", "{\"a\":");
    let line = start(&[flag("manifests", folder.path())]).refused(1);
    assert!(line.starts_with(&format!("failed to read {}: document 1, line 1", json.display())), "{line}");
}

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = TempDir::new().unwrap();
    let manifests = flag("manifests", folder.path());
    for port in ["port", "metrics-port"] {
        let run = start(&[manifests.clone(), format!("--{port}={}", address.port())]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        // Before it there are only lines of the log.
        let last = run.stderr.lines().last().unwrap();
        assert_eq!(
            last,
            format!(
                "pod-identity-webhook: failed to listen on {address}: Address already in use (os error 98); \
                 choose another --{port} or --bind-address"
            )
        );
        assert!(run.stderr.lines().rev().skip(1).all(|line| line.contains(" INFO ")), "{}", run.stderr);
    }
}

#[test]
fn an_authority_that_cannot_be_written_is_named() {
    let folder = TempDir::new().unwrap();
    let line = start(&[flag("manifests", folder.path()), "--tls-ca-out=/nowhere/ca.crt".into()]).refused(1);
    assert_eq!(line, "failed to write --tls-ca-out /nowhere/ca.crt: No such file or directory (os error 2)");
}

#[test]
fn a_start_outside_a_cluster_says_what_to_give_and_asks_no_variable_for_it() {
    let folder = TempDir::new().unwrap();
    let leaf = Authority::new().unwrap().leaf(&["localhost".into()]).unwrap();
    let certificate = flag("tls-cert", &write(&folder, "tls.crt", &leaf.certificate_pem));
    let key = flag("tls-key", &write(&folder, "tls.key", &leaf.key_pem));
    let kubeconfig = write(&folder, "config", "apiVersion: v1\nkind: Config\n");
    let args = LOOPBACK.into_iter().chain(["--in-cluster=false", &certificate, &key]);
    let run = run_with(args, &[("KUBECONFIG", kubeconfig.to_str().unwrap())], b"");
    let line = run.refused(1);
    assert!(line.starts_with("failed to read the in-cluster configuration: "), "{line}");
    assert!(line.ends_with("; outside a cluster, give --kubeconfig or --manifests"), "{line}");
    assert_eq!(line.matches("in-cluster").count(), 1, "{line}");
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_named() {
    let folder = TempDir::new().unwrap();
    let leaf = Authority::new().unwrap().leaf(&["localhost".into()]).unwrap();
    let certificate = flag("tls-cert", &write(&folder, "tls.crt", &leaf.certificate_pem));
    let key = flag("tls-key", &write(&folder, "tls.key", &leaf.key_pem));
    let line =
        start(&["--in-cluster=false".into(), certificate, key, "--kubeconfig=/nowhere".into()]).refused(1);
    assert!(line.starts_with("failed to use --kubeconfig /nowhere: "), "{line}");
    assert_eq!(line.matches("No such file").count(), 1, "{line}");
}
