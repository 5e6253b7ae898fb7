//! What there is in a cluster, of every kind that can be listed: to see what comes and what stays.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::command::kubectl;

/// The objects in a namespace as `KIND.GROUP/NAME`, less the events.
pub async fn inside(namespace: &str) -> Result<BTreeSet<String>> {
    let kinds = kinds(true).await?;
    let names = kubectl(["get", &kinds, "--namespace", namespace, "--output=name"]).await?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// The objects outside of namespaces in which the name of this one occurs, as `KIND/NAME`; not itself.
pub async fn about(namespace: &str) -> Result<BTreeSet<String>> {
    let kinds = kinds(false).await?;
    let list: Value = serde_json::from_str(&kubectl(["get", &kinds, "--output=json"]).await?)?;
    let objects = list["items"].as_array().context("a list without items")?;
    let about = objects.iter().filter(|object| mentions(&object.to_string(), namespace));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = about.map(|object| word(&object["kind"]) + "/" + &word(&object["metadata"]["name"]));
    Ok(names.filter(|name| *name != format!("Namespace/{namespace}")).collect())
}

/// Whether a name is in the text, and not only as the beginning of a longer one.
fn mentions(text: &str, name: &str) -> bool {
    let mut rests = text.match_indices(name).filter_map(|(start, name)| text.get(start + name.len()..));
    rests.any(|rest| !rest.starts_with(|next: char| next == '-' || next.is_ascii_alphanumeric()))
}

/// Every kind that can be listed, as `kubectl get` takes them.
async fn kinds(is_namespaced: bool) -> Result<String> {
    let scope = format!("--namespaced={is_namespaced}");
    let kinds = kubectl(["api-resources", "--verbs=list", "--output=name", &scope]).await?;
    // Events are what happened, not what is.
    let is_event = |kind: &str| kind.split('.').next() == Some("events");
    let kinds: Vec<_> = kinds.lines().filter(|kind| !is_event(kind)).collect();
    Ok(kinds.join(","))
}
