//! Kubeconfig files for webhooks on this machine.

use anyhow::{Context, Result};
use kube::Config;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tempfile::NamedTempFile;

use super::command;

/// The kubeconfig that the suite itself uses, in one file.
pub async fn of_environment() -> Result<NamedTempFile> {
    written(&minified().await?)
}

/// The same with another way to the API server, which is known by its certificate as before.
pub async fn through(address: SocketAddr) -> Result<NamedTempFile> {
    let mut kubeconfig = minified().await?;
    let cluster = &mut kubeconfig["clusters"][0]["cluster"];
    if cluster["tls-server-name"].is_null() {
        cluster["tls-server-name"] = json!(api_server().await?.0);
    }
    cluster["server"] = json!(format!("https://{address}"));
    written(&kubeconfig)
}

/// The same for another user, by a token.
pub async fn with_token(token: &str) -> Result<Value> {
    let mut kubeconfig = minified().await?;
    kubeconfig["users"][0]["user"] = json!({"token": token});
    Ok(kubeconfig)
}

/// Host and port of the API server.
pub async fn api_server() -> Result<(String, u16)> {
    let url = Config::infer().await?.cluster_url;
    Ok((url.host().context("a kubeconfig without a server")?.to_owned(), url.port_u16().unwrap_or(443)))
}

async fn minified() -> Result<Value> {
    let words = ["config", "view", "--raw", "--minify", "--flatten", "--output=json"];
    Ok(serde_json::from_str(&command::kubectl(words).await?)?)
}

/// Writes a file that no other user may read; JSON is YAML.
pub fn written(kubeconfig: &Value) -> Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), kubeconfig.to_string())?;
    Ok(file)
}
