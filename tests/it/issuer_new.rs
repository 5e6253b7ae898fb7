//! `issuer new` as a user runs it: the files that it writes, and what it prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Run, run};

const ISSUER: &str = "https://oidc.example.com/prod";

/// Runs it for an account, with these flags.
fn new(out: &Path, issuer: &str, flags: &[&str]) -> Run {
    let [out, issuer] = [format!("--out={}", out.display()), format!("--issuer={issuer}")];
    run([&["issuer", "new", &issuer, &out, "--account-id=111122223333", "--key=ec-p256"], flags].concat())
}

/// The two files of a folder: the private key and the public one.
fn files(folder: &Path) -> [PathBuf; 2] {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.try_into().unwrap()
}

/// The id of the one key that `issuer publish` makes of a file.
fn published(file: &Path) -> Value {
    let to = TempDir::new().unwrap();
    let [keys, folder] = [format!("--keys={}", file.display()), format!("--to={}", to.path().display())];
    run(["issuer", "publish", &format!("--issuer={ISSUER}"), &keys, &folder]).printed();
    let set: Value = serde_json::from_slice(&fs::read(to.path().join("openid/v1/jwks")).unwrap()).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    set["keys"][0]["kid"].clone()
}

#[test]
fn the_guide_reads_well() {
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        for distribution in ["kubeadm", "k3s", "rke2", "talos", "other"] {
            let folder = TempDir::new().unwrap();
            let keep: &[&str] = match distribution {
                "talos" => &[],
                "other" => &["--keep-issuer=https://old.example.com", "--keep-key=/keys/old.pub"],
                _ => &["--keep-issuer=https://kubernetes.default.svc.cluster.local"],
            };
            let distributed = format!("--for={distribution}");
            let flags = [&[&*distributed, "--service-account=shop/orders"], keep].concat();
            let text = new(folder.path(), ISSUER, &flags).printed();
            let kid = published(&files(folder.path())[1]);
            let kid = kid.as_str().unwrap();
            let text = text.replace(kid, &"K".repeat(kid.len())).replace(&kid[..8], "KKKKKKKK");
            insta::assert_snapshot!(
                format!("issuer_new_{distribution}"),
                text.replace(&*folder.path().to_string_lossy(), "keys")
            );
        }
    });
}

#[test]
fn both_files_are_the_key_that_is_named_and_only_its_owner_reads_the_private_one() {
    for kind in ["rsa-2048", "ec-p256"] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("new/keys");
        let [to, issuer, key] =
            [format!("--out={}", out.display()), format!("--issuer={ISSUER}"), format!("--key={kind}")];
        let text = run(["issuer", "new", &issuer, &to, &key, "--account-id=111122223333"]).printed();
        let [private, public] = files(&out);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&private), mode(&public) & 0o600], [0o600, 0o600]);
        let kid = published(&public);
        assert_eq!(published(&private), kid);
        assert!(text.contains(&format!("The key {} is in", kid.as_str().unwrap())), "{text}");
        // What stands in the file is shown nowhere.
        let secret = fs::read_to_string(&private).unwrap();
        assert!(secret.lines().all(|line| !text.contains(line)), "{text}");
    }
}

#[test]
fn a_shell_and_aws_read_the_commands_as_they_are_meant() {
    let issuer = "https://oidc.example.com/it's-$(prod)";
    let folder = TempDir::new().unwrap();
    let flags =
        ["--partition=aws-cn", "--service-account=shop/orders", "--role-name=orders", "--client-ids=a'b,c"];
    let text = new(folder.path(), issuer, &flags).printed();
    let (_, commands) = text.split_once("\n    aws iam").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let script = format!(
        "all() {{ printf '%s\\0' \"$@\"; }}\naws() {{ all \"$@\"; }}\nkubectl() {{ all \"$@\"; }}\naws iam{commands}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = words.split_terminator('\0').collect();
    let provider =
        ["iam", "create-open-id-connect-provider", "--url", issuer, "--client-id-list", "a'b", "c"];
    assert_eq!(words[..7], provider);
    let role = ["iam", "create-role", "--role-name", "orders", "--assume-role-policy-document"];
    assert_eq!(words[7..12], role);
    let policy: Value = serde_json::from_str(words[12]).unwrap();
    let name = "oidc.example.com/it's-$(prod)";
    assert_eq!(
        policy["Statement"][0],
        json!({
            "Effect": "Allow",
            "Principal": {"Federated": format!("arn:aws-cn:iam::111122223333:oidc-provider/{name}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                format!("{name}:sub"): "system:serviceaccount:shop:orders",
                format!("{name}:aud"): "a'b",
            }},
        })
    );
    let annotated = "eks.amazonaws.com/role-arn=arn:aws-cn:iam::111122223333:role/orders";
    assert_eq!(words[13..], ["annotate", "serviceaccount", "orders", "--namespace=shop", annotated]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let said = new(&file.join("keys"), ISSUER, &[]).refused(1);
    assert!(said.starts_with(&format!("failed to make the folder {}/keys: ", file.display())), "{said}");
}

#[test]
fn flags_that_cannot_be_used_are_refused() {
    let folder = TempDir::new().unwrap();
    for (flag, line) in [
        (
            "--for=kops",
            "invalid value 'kops' for '--for': expected kubeadm, k3s, rke2, talos or other: kOps makes",
        ),
        ("--partition=china", "invalid value 'china' for '--partition': "),
        ("--service-account=orders", "invalid value 'orders' for '--service-account': "),
        ("--role-name=a b", "invalid value 'a b' for '--role-name': "),
        ("--role-name=a/b", "invalid value 'a/b' for '--role-name': "),
        ("--client-ids=a b", "invalid value 'a b' for '--client-ids': "),
        ("--keep-key=sa.pub", "invalid value 'sa.pub' for '--keep-key': "),
        ("--key-folder=pki", "invalid value 'pki' for '--key-folder': "),
    ] {
        let said = new(folder.path(), ISSUER, &[flag]).refused(2);
        assert!(said.starts_with(line), "{said}");
    }
    let kept = ["--for=k3s", "--keep-issuer=https://oidc.example.com/prod"];
    let said = new(folder.path(), ISSUER, &kept).refused(2);
    assert!(
        said.starts_with("invalid value 'https://oidc.example.com/prod' for '--keep-issuer': "),
        "{said}"
    );
    for (distribution, line) in [
        ("--for=other", "'--keep-issuer' needs '--keep-key': "),
        ("--for=talos", "'--for=talos' cannot be used together with '--keep-issuer': "),
    ] {
        let said =
            new(folder.path(), ISSUER, &[distribution, "--keep-issuer=https://old.example.com"]).refused(2);
        assert!(said.starts_with(line), "{said}");
    }
    let said = new(folder.path(), "http://oidc.example.com", &[]).refused(2);
    assert!(said.starts_with("invalid value 'http://oidc.example.com' for '--issuer': "), "{said}");
    let said = run(["issuer", "new", "--issuer=https://a.example", "--out=x", "--account-id=12"]).refused(2);
    assert!(said.starts_with("invalid value '12' for '--account-id': "), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no key is made for nothing");
}
