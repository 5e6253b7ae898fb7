//! Events about the Secret, for whoever asks the cluster what happened to it.

use kube::Client;
use serde_json::json;

use super::secret::timestamp;
use crate::kubernetes::Address;

/// Who reports, as `kubectl get events` shows it.
const CONTROLLER: &str = "pod-identity-webhook.dev/certificates";

/// Longest note, in bytes: what events.k8s.io allows.
const LONGEST: usize = 1024;

/// Longest name of whoever reports, in bytes.
const INSTANCE: usize = 128;

/// Tells that parts of this Secret were set aside. Nothing depends on it: if the event cannot be made, the log says so.
pub(super) async fn set_aside(client: &Client, secret: &Address, note: &str, now: i64, unique: &str) {
    let namespace = secret.namespace.as_deref().unwrap_or_default();
    let name = format!("{}.{unique}", secret.name);
    let cut = |text: &str, longest: usize| text.get(..text.floor_char_boundary(longest)).map(str::to_owned);
    let about = json!({"apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": secret.name});
    let event = [
        ("eventTime", json!(format!("{:.6}", timestamp(now)))),
        ("reportingController", json!(CONTROLLER)),
        ("reportingInstance", json!(cut(&secret.name, INSTANCE))),
        ("action", json!("SetAside")),
        ("reason", json!("AuthoritySetAside")),
        ("type", json!("Warning")),
        ("regarding", about),
        ("note", json!(cut(note, LONGEST))),
    ];
    let event = event.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    if let Err(error) = Address::event(namespace, &name).create(client, event).await {
        tracing::warn!(%error, "failed to make an event about the authority's Secret");
    }
}
