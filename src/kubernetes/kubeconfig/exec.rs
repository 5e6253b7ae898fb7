//! The field `exec`: a program that says who the client is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use serde_json::{Value, json};

use super::chosen::Chosen;
use super::error::KubeconfigError;
use super::file::{Cluster, Exec, Variable};
use crate::kubernetes::plugin::Plugin;

/// What a cluster tells the program, by the name of an extension.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

/// Where the program finds what it is asked.
const INFO: &str = "KUBERNETES_EXEC_INFO";

/// The program; `server` is the API server, whose authorities are these, as PEM.
pub(super) fn plugin(
    chosen: &Chosen,
    exec: &Exec,
    server: &Uri,
    authorities: Option<&[u8]>,
) -> Result<Plugin, KubeconfigError> {
    check(exec)?;
    let Exec { command, args, env, api_version, install_hint, provide_cluster_info, interactive_mode: _ } =
        exec;
    let mut spec = json!({ "interactive": false });
    if let (true, Some(spec)) = (provide_cluster_info, spec.as_object_mut()) {
        spec.insert("cluster".to_owned(), about(&chosen.cluster, server, authorities));
    }
    let info = json!({ "kind": "ExecCredential", "apiVersion": api_version, "spec": spec });
    let variable = |Variable { name, value }: &Variable| (name.clone(), value.clone());
    Ok(Plugin {
        // A name without a folder is looked for in PATH.
        command: if command.contains('/') { chosen.user_folder.join(command).into() } else { command.into() },
        arguments: args.clone(),
        environment: env.iter().map(variable).chain([(INFO.to_owned(), info.to_string())]).collect(),
        api_version: api_version.clone(),
        hint: install_hint.clone(),
    })
}

fn check(exec: &Exec) -> Result<(), KubeconfigError> {
    let refuse = |field: &str, why: &str| Err(KubeconfigError::field(format!("exec.{field}"), why));
    if exec.command.is_empty() {
        return refuse("command", "is missing");
    }
    if exec.env.iter().any(|Variable { name, .. }| name.is_empty() || name.contains(['=', '\0'])) {
        return refuse("env", "has a variable without a name, or with one that no variable can have");
    }
    let is_v1 = match exec.api_version.strip_prefix("client.authentication.k8s.io/") {
        Some("v1") => true,
        Some("v1beta1") => false,
        _ => {
            return refuse(
                "apiVersion",
                "is not client.authentication.k8s.io/v1 or v1beta1: write what the program's version says",
            );
        }
    };
    match exec.interactive_mode.as_str() {
        "Never" | "IfAvailable" => Ok(()),
        "" if !is_v1 => Ok(()),
        "" => refuse("interactiveMode", "is missing: write Never"),
        "Always" => refuse(
            "interactiveMode",
            "is Always, but nobody is there to be asked: write Never if the program can do without",
        ),
        _ => refuse("interactiveMode", "is not Never, IfAvailable or Always"),
    }
}

/// What the program is told of the cluster, as `provideClusterInfo` asks for.
fn about(cluster: &Cluster, server: &Uri, authorities: Option<&[u8]>) -> Value {
    let Cluster { tls_server_name, insecure_skip_tls_verify, proxy_url, disable_compression, .. } = cluster;
    let config = cluster.extensions.iter().find(|one| one.name == EXTENSION);
    let fields = [
        // Without the slash that a URL has to have here: the program may compare it with what it knows.
        ("server", Some(json!(server.to_string().trim_end_matches('/')))),
        ("tls-server-name", (!tls_server_name.is_empty()).then(|| json!(tls_server_name))),
        ("insecure-skip-tls-verify", insecure_skip_tls_verify.then(|| json!(true))),
        ("certificate-authority-data", authorities.map(|pem| json!(STANDARD.encode(pem)))),
        ("proxy-url", (!proxy_url.is_empty()).then(|| json!(proxy_url))),
        ("disable-compression", disable_compression.then(|| json!(true))),
        ("config", config.map(|one| one.extension.clone())),
    ];
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}
