//! The command that runs beside the endpoint.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

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

/// The program with these arguments, of whose lines the caller reads as many as it wants. It is of a group of its own,
/// which no terminal has in its foreground.
fn started(cluster: &Cluster, args: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(PROGRAM)
        .args(["eks-endpoint", "--cluster-name=prod"])
        .args(args)
        .env("KUBECONFIG", cluster.kubeconfig())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap());
    (child, std::io::BufRead::lines(lines).map(Result::unwrap))
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn signals_reach_the_command_and_its_end_is_the_programs() {
    let cluster = Cluster::start();
    // The command says when it can be signalled, and what it was signalled with.
    let traps =
        ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"].map(|name| format!("trap 'echo {name}' {name};"));
    let script = format!("{} echo $$ $AWS_CA_BUNDLE; while :; do sleep 0.05; done", traps.concat());
    let (mut child, mut lines) = started(&cluster, &["--", "sh", "-c", &script]);
    let told = lines.next().unwrap();
    let (command, trust) = told.split_once(' ').unwrap();
    assert!(std::path::Path::new(trust).exists());
    for signal in ["HUP", "USR1", "USR2", "INT", "QUIT", "TERM"] {
        kill(&child, &format!("-{signal}"));
        assert_eq!(lines.next().unwrap(), signal);
    }
    let (mut other, mut lines) =
        started(&cluster, &["--", "sh", "-c", "trap 'exit 7' INT; echo; while :; do sleep 0.05; done"]);
    lines.next().unwrap();
    kill(&other, "-INT");
    assert_eq!(other.wait().unwrap().code(), Some(7));
    // What the command does not survive, the program does not either.
    assert!(Command::new("kill").args(["-KILL", command]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(137));
    assert!(!std::path::Path::new(trust).exists());
}

#[test]
fn a_signal_ends_an_endpoint_without_a_command_and_its_file_goes() {
    let cluster = Cluster::start();
    for signal in ["-HUP", "-INT", "-QUIT", "-TERM"] {
        let (mut child, mut lines) = started(&cluster, &[]);
        let trust =
            lines.find_map(|line| line.strip_prefix("export AWS_CA_BUNDLE='").map(str::to_owned)).unwrap();
        let trust = std::path::PathBuf::from(trust.trim_end_matches('\''));
        assert!(trust.exists());
        kill(&child, "-USR1");
        kill(&child, signal);
        assert_eq!((child.wait().unwrap().code(), trust.exists()), (Some(0), false), "{signal}");
    }
}

#[test]
fn lines_that_cannot_be_printed_end_it() {
    let cluster = Cluster::start();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut program = Command::new(PROGRAM);
    program.args(["eks-endpoint", "--cluster-name=prod"]).env("KUBECONFIG", cluster.kubeconfig());
    let ended = program.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && said.contains("failed to write to standard output"), "{said}");
}

#[test]
fn a_client_that_trusts_the_file_alone_reaches_it_over_tls() {
    let cluster = Cluster::start();
    let (mut child, lines) = started(&cluster, &[]);
    let lines: Vec<_> = lines.take_while(|line| line.starts_with("export ")).collect();
    let value = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(&format!("export {name}='")));
        line.and_then(|line| line.strip_suffix('\'')).unwrap().to_owned()
    };
    let address = value("AWS_ENDPOINT_URL_EKS").strip_prefix("https://").unwrap().to_owned();
    let roots = CertificateDer::pem_file_iter(value("AWS_CA_BUNDLE")).unwrap().map(Result::unwrap);
    let answer = over_tls(&address, roots.collect()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("MissingAuthenticationTokenException"), "{answer}");
    let others = CertificateDer::pem_slice_iter(other_authority().as_bytes()).map(Result::unwrap).collect();
    assert!(over_tls(&address, others).is_err());
    kill(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// An authority that has nothing to do with the endpoint.
fn other_authority() -> String {
    rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap().cert.pem()
}

/// The answer to a request that nobody has signed.
fn over_tls(address: &str, roots: Vec<CertificateDer<'static>>) -> std::io::Result<String> {
    drop(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default());
    let mut store = RootCertStore::empty();
    for root in roots {
        // Hosts have some that rustls does not take.
        drop(store.add(root));
    }
    let config = Arc::new(ClientConfig::builder().with_root_certificates(store).with_no_client_auth());
    let connection = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    write!(stream, "GET /clusters HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
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
