//! What there is in a cluster, of every kind that can be listed: to see what comes and what stays.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::command::{self, kubectl};
use super::until;

/// The objects in a namespace as `KIND.GROUP/NAME`, less the events.
pub async fn inside(namespace: &str) -> Result<BTreeSet<String>> {
    let names = listed(true, &["--namespace", namespace, "--output=name"]).await?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// The objects outside of namespaces in which the name of this one occurs, as `KIND/NAME`; not itself.
pub async fn about(namespace: &str) -> Result<BTreeSet<String>> {
    let list: Value = serde_json::from_str(&listed(false, &["--output=json"]).await?)?;
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

/// What kubectl gets of every kind. Custom ones of tests beside come and go: one that is gone when its
/// objects are asked for is no failure, and all is asked once more.
async fn listed(is_namespaced: bool, words: &[&str]) -> Result<String> {
    until("every kind is listed", async || {
        let kinds = kinds(is_namespaced).await?;
        let words = ["get", &kinds].into_iter().chain(words.iter().copied());
        let output = command::output("kubectl", words, "").await?;
        let is_gone = |line: &str| GONE.iter().any(|words| line.contains(words));
        ensure!(output.code == 0 || output.stderr.lines().any(is_gone), "{}", output.stderr);
        Ok((output.code == 0).then_some(output.stdout))
    })
    .await
}

/// What kubectl says of a kind that is not there any more: as it reads its definition, as it lists it.
const GONE: [&str; 2] =
    ["the server doesn't have a resource type", "the server could not find the requested resource"];

/// Every kind that can be listed, as `kubectl get` takes them.
async fn kinds(is_namespaced: bool) -> Result<String> {
    let scope = format!("--namespaced={is_namespaced}");
    let kinds = kubectl(["api-resources", "--verbs=list", "--output=name", &scope]).await?;
    // Events are what happened, not what is.
    let is_event = |kind: &str| kind.split('.').next() == Some("events");
    let kinds: Vec<_> = kinds.lines().filter(|kind| !is_event(kind)).collect();
    Ok(kinds.join(","))
}
