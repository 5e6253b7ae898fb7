//! The command that runs beside the endpoint.

use std::process::{Command, Stdio};

use super::endpoint::Endpoint;
use crate::associations_command::cluster::Cluster;
use crate::support::process::PROGRAM;
use crate::support::program::{Run, run_with};

fn beside(cluster: &Cluster, flags: &[&str], command: &[&str], variables: &[(&str, &str)]) -> Run {
    let kubeconfig = cluster.kubeconfig();
    let own = [("KUBECONFIG", kubeconfig.as_str()), ("PATH", "/usr/bin:/bin")];
    let args = [&["eks-endpoint", "--cluster-name=prod"], flags, &["--"], command].concat();
    run_with(args, &[&own, variables].concat(), b"")
}

#[test]
fn the_commands_exit_code_is_the_programs() {
    let cluster = Cluster::start();
    for code in [0, 3, 254] {
        assert_eq!(beside(&cluster, &[], &["sh", "-c", &format!("exit {code}")], &[]).code, code);
    }
    assert_eq!(beside(&cluster, &[], &["sh", "-c", "kill -9 $$"], &[]).code, 137);
    let missing = beside(&cluster, &[], &["no-such-program"], &[]);
    assert_eq!(missing.code, 127);
    assert!(missing.stderr.contains("failed to run no-such-program: "), "{missing:?}");
}

#[test]
fn the_command_alone_has_the_variables() {
    let cluster = Cluster::start();
    let before = [("AWS_PROFILE", "mine"), ("AWS_SESSION_TOKEN", "t"), ("AWS_REGION", "eu-west-1")];
    let told = beside(&cluster, &[], &["env"], &before).printed();
    let value = |name: &str| told.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    let url = value("AWS_ENDPOINT_URL_EKS").unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert_eq!((value("AWS_REGION"), value("AWS_DEFAULT_REGION")), (Some("eu-west-1"), Some("eu-west-1")));
    assert_eq!((value("AWS_PROFILE"), value("AWS_SESSION_TOKEN")), (None, None));
    assert_eq!(
        (value("AWS_ACCESS_KEY_ID").unwrap().len(), value("AWS_SECRET_ACCESS_KEY").unwrap().len()),
        (20, 40)
    );
    // The authority's file goes with the run, and two runs have different keys.
    let file = value("AWS_CA_BUNDLE").unwrap();
    assert!(!std::path::Path::new(file).exists());
    let again =
        beside(&cluster, &[], &["sh", "-c", "cat $AWS_CA_BUNDLE; echo; echo $AWS_ACCESS_KEY_ID"], &before);
    let again = again.printed();
    assert!(again.contains("-----BEGIN CERTIFICATE-----"), "{again}");
    assert!(!again.contains(value("AWS_ACCESS_KEY_ID").unwrap()));
}

#[test]
fn a_signal_ends_the_command_and_then_the_program() {
    let cluster = Cluster::start();
    // The command says when it can be signalled, and what it was signalled with.
    let script = "trap 'echo TERM; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = Command::new(PROGRAM)
        .args(["eks-endpoint", "--cluster-name=prod", "--", "sh", "-c", script])
        .env("KUBECONFIG", cluster.kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn what_cannot_be_served_is_said_in_a_line() {
    let cluster = Cluster::start();
    let kubeconfig = cluster.kubeconfig();
    let refused = |args: &[&str], code| {
        run_with([&["eks-endpoint"], args].concat(), &[("KUBECONFIG", &kubeconfig)], b"").refused(code)
    };
    for (flag, start) in [
        ("--cluster-name=a.b", "invalid value 'a.b' for '--cluster-name': expected 1 to 100"),
        ("--region=Ireland", "invalid value 'Ireland' for '--region': expected a region such as"),
        ("--account-id=12", "invalid value '12' for '--account-id': expected 12 digits"),
    ] {
        let line = refused(&[flag], 2);
        assert!(line.starts_with(start), "{line}");
    }
    let taken = Endpoint::start(&cluster);
    let (_, port) = taken.address.split_once(':').unwrap();
    let line = refused(&["--cluster-name=prod", &format!("--port={port}")], 1);
    assert!(
        line.contains("failed to listen on 127.0.0.1:") && line.ends_with("choose another --port"),
        "{line}"
    );
    let line = refused(&["--context=nope"], 1);
    assert!(line.contains("nope"), "{line}");
}
