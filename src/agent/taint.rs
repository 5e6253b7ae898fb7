//! Takes the taint away that keeps pods off a node until its agent answers. Whoever registers nodes has put it there; the
//! agent does so once after its start, never touches another taint or node, and puts none there itself.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use injection::name::is_subdomain;
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::probe;
use crate::kubernetes::{Address, ApiError, BACKOFF, jittered};
use crate::process::Readiness;

/// The task's name.
pub(super) const NAME: &str = "startup-taint";

/// How often it is looked whether the agent answers.
const LOOK: Duration = Duration::from_millis(500);

/// How long one call may take.
const CALL: Duration = Duration::from_secs(10);

/// The longest pause after a failure. The first is that of all clients here.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How often somebody else may have been faster before it is told: a patch that is refused for ever looks the same.
const OVERTAKEN: u32 = 3;

/// Bytes of a Node: kubelet lists the images that it has, and labels and annotations have limits.
const LARGEST_NODE: usize = 4 << 20;

/// Which taint is taken from which node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupTaint {
    node: String,
    key: String,
}

/// What a Node says of its taints.
#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    /// As they are, so that members which are not known here are not lost.
    taints: Option<Vec<Value>>,
}

/// What one try came to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Removed,
    /// The node has no such taint.
    Absent,
    /// Somebody else has changed the taints in between, as far as this answer tells.
    Overtaken(String),
    /// Why it is still there.
    Failed(String),
}

impl StartupTaint {
    /// What a taint's key looks like, for those who gave something else.
    pub(super) const EXPECTED: &str =
        "expected a taint's key, such as example.com/agent-not-ready, without value and effect";

    /// The taints of this key, whatever their effect, of the node; `None` if it is no taint's key.
    #[must_use]
    pub fn new(node: &str, key: &str) -> Option<Self> {
        is_key(key).then(|| Self { node: node.to_owned(), key: key.to_owned() })
    }

    /// Takes the taint away once all conditions hold and each address answers; does not end. If somebody puts it there
    /// again, it stays until the next start.
    pub(super) async fn remove_once(self, client: Client, readiness: Readiness, addresses: Vec<SocketAddr>) {
        while !(readiness.shown().0 && probe::all(&addresses).await.0 == StatusCode::OK) {
            sleep(LOOK).await;
        }
        let Self { node, key } = &self;
        let mut pause = BACKOFF.0;
        let mut said = String::new();
        let mut overtaken = 0;
        loop {
            match self.remove(&client).await {
                Outcome::Removed => {
                    tracing::info!(node, taint = key, "this node's startup taint is removed: pods may come");
                    break;
                }
                Outcome::Absent => {
                    tracing::debug!(node, taint = key, "this node has no startup taint");
                    break;
                }
                Outcome::Overtaken(_) if overtaken < OVERTAKEN => overtaken += 1,
                Outcome::Overtaken(why) | Outcome::Failed(why) if why == said => {}
                Outcome::Overtaken(why) | Outcome::Failed(why) => {
                    tracing::warn!(
                        node,
                        taint = key,
                        "pods are kept off this node: its startup taint is not removed, which is tried again: {why}"
                    );
                    said = why;
                }
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // A task that ends would end the agent.
        std::future::pending().await
    }

    async fn remove(&self, client: &Client) -> Outcome {
        let address = Address::node(&self.node);
        let node = match within(address.part::<Node>(client, LARGEST_NODE), "get").await {
            Ok(Some(node)) => node,
            Ok(None) => return Outcome::Failed(format!("the API server has no {address}")),
            Err(outcome) => return outcome,
        };
        let Some(patch) = without(&node.spec.taints.unwrap_or_default(), &self.key) else {
            return Outcome::Absent;
        };
        match within(address.patch(client, &patch), "patch").await {
            Ok(_) => Outcome::Removed,
            Err(outcome) => outcome,
        }
    }
}

/// The answer to a call that takes this verb on nodes, or what the failure means.
async fn within<T>(call: impl Future<Output = Result<T, ApiError>>, verb: &str) -> Result<T, Outcome> {
    let error = match timeout(CALL, call).await {
        Err(_) => return Err(Outcome::Failed(format!("no answer to a {verb} within {CALL:?}"))),
        Ok(answer) => match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        },
    };
    Err(match error.code() {
        // The API server answers 422 where the test of a JSON patch fails.
        Some(409 | 422) if verb == "patch" => Outcome::Overtaken(error.to_string()),
        Some(403) => {
            Outcome::Failed(format!("{error}; the agent's ClusterRole must allow get and patch on nodes"))
        }
        _ => Outcome::Failed(error.to_string()),
    })
}

/// The JSON patch that leaves those of another key, if there is one of this key. It holds for these taints alone: kubelet
/// and controllers write others meanwhile. A version would not do, because a node has a new one every few seconds.
fn without(taints: &[Value], key: &str) -> Option<Value> {
    let is_other = |taint: &&Value| taint.get("key").and_then(Value::as_str) != Some(key);
    let others: Vec<_> = taints.iter().filter(is_other).cloned().collect();
    (others.len() < taints.len()).then(|| {
        json!([
            { "op": "test", "path": "/spec/taints", "value": taints },
            { "op": "replace", "path": "/spec/taints", "value": others },
        ])
    })
}

/// Whether it is a qualified name: a DNS subdomain and a slash if any, then at most 63 letters, digits, `-`, `_` and `.`
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
fn is_key(text: &str) -> bool {
    let name = match text.split_once('/') {
        Some((prefix, name)) if is_subdomain(prefix) => name,
        Some(_) => return false,
        None => text,
    };
    let bytes = name.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "example.com/agent-not-ready";

    #[test]
    fn a_key_is_a_qualified_name_and_nothing_more() {
        for key in [KEY, "agent", "a.b/C_d", "node.cilium.io/agent-not-ready"] {
            assert!(StartupTaint::new("node-1", key).is_some(), "{key}");
        }
        let long = "a".repeat(64);
        for text in
            ["", "/a", "a/", "a/b/c", "-a", "a-", "A.b/c", "a b", "a:NoSchedule", "a=true", long.as_str()]
        {
            assert_eq!(StartupTaint::new("node-1", text), None, "{text}");
        }
    }

    #[test]
    fn taints_of_another_key_stay_as_they_are() {
        let other =
            json!({ "key": "example.com/agent-not-ready-x", "effect": "NoExecute", "timeAdded": "then" });
        let nameless = json!({ "effect": "NoSchedule", "value": KEY });
        let ours = |effect: &str| json!({ "key": KEY, "effect": effect });
        let taints = vec![ours("NoSchedule"), other.clone(), ours("NoExecute"), nameless.clone()];
        let patch = without(&taints, KEY).unwrap();
        assert_eq!(patch[0], json!({ "op": "test", "path": "/spec/taints", "value": taints }));
        assert_eq!(patch[1]["value"], json!([other, nameless]));
        assert_eq!(without(&[other, nameless], KEY), None);
        assert_eq!(without(&[], KEY), None);
    }
}
