//! What `make run` runs: the server on the manifests beside this file, one review posted to it
//! over TLS, and the pod's difference as a person would want to read it. Stays up until Ctrl-C.
//!
//! The first argument is the port (8443), the second that of the metrics (9999).

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pod_identity_webhook::cli::Cli;
use pod_identity_webhook::webhook::App;
use pod_identity_webhook::webhook::Settings;
use pod_identity_webhook::{process, telemetry};
use serde_json::Value;
use test_support::client::Client;
use test_support::reviews::creation;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut port = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (port, metrics_port) = (port("8443"), port("9999"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/run");
    std::fs::create_dir_all(&folder)?;
    let (authority, review) = (folder.join("ca.crt"), folder.join("review.json"));

    let cli = Cli::try_parse_from([
        "pod-identity-webhook".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--metrics-port={metrics_port}"),
        format!("--manifests={}", root.join("examples").display()),
        format!("--tls-ca-out={}", authority.display()),
        "--aws-default-region=eu-west-1".to_owned(),
        "--shutdown-delay=0".to_owned(),
    ])?;
    let settings = Settings::new(&cli.webhook)?;
    let _log = telemetry::init(settings.log)?;
    telemetry::log_panics();
    let signals = process::Signals::of_process()?;
    let app = App::bind(settings).await?;
    let (address, metrics_address) = (app.address(), app.metrics_address());
    let server = tokio::spawn(app.run(signals));

    let pod = std::fs::read_to_string(root.join("examples/pod.yaml"))?;
    show(&pod, &review, &authority, address).await?;
    let shown =
        |path: PathBuf| path.strip_prefix(root).map_or(path.clone(), Path::to_path_buf).display().to_string();
    println!(
        "\nThe server stays up at https://{address}, its metrics at http://{metrics_address}/metrics. Try it:\n\n  \
         curl --cacert {} -H 'Content-Type: application/json' --data @{} https://{address}/mutate\n\n\
         Ctrl-C ends it.",
        shown(authority),
        shown(review),
    );
    server.await?
}

/// Posts the pod's review and prints what the answer makes of the pod.
async fn show(pod: &str, review: &Path, authority: &Path, address: SocketAddr) -> Result<()> {
    let stream = manifests::parse(pod)?;
    let object = stream.documents().first().context("examples/pod.yaml is empty")?.value();
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let asked = serde_json::to_vec_pretty(&creation(namespace, object))?;
    std::fs::write(review, &asked)?;

    let client = Client::new(address, &std::fs::read_to_string(authority)?);
    let answer = client.post("/mutate?timeout=10s", asked).await;
    ensure!(answer.status.is_success(), "the server answered {}: {:?}", answer.status, answer.body);
    let patch = serde_json::from_value(answer.patch().context("the answer holds no patch")?)?;
    let after = stream.render(&[Some(patch)])?.text;

    println!("\nA pod of the ServiceAccount shop/checkout went in, and came out with its AWS role:\n");
    print_difference(pod, &after);
    Ok(())
}

/// Prints the text after, what is new in it marked. The edit only adds lines, so a line that is
/// not the next of the text before is new.
fn print_difference(before: &str, after: &str) {
    let (green, plain) = if std::io::stdout().is_terminal() { ("\x1b[32m", "\x1b[0m") } else { ("", "") };
    let mut old = before.lines().peekable();
    for line in after.lines() {
        if old.next_if_eq(&line).is_some() {
            println!("  {line}");
        } else {
            println!("{green}+ {line}{plain}");
        }
    }
}
