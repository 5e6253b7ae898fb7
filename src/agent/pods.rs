//! This node's pods, to notice those that are gone: nothing is held for them any longer, nor renewed.

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use serde::Deserialize;

use crate::kubernetes::{Change, Collection, Follow, News};
use crate::telemetry::Throttle;

/// The task's name.
pub(super) const NAME: &str = "pods";

#[derive(Deserialize)]
struct Named {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: Box<str>,
}

/// Tells of every pod of the node that is gone, by its UID, for ever. A pod that went before it was seen here is noticed
/// when its token is verified again.
pub(super) async fn follow(client: Client, node: String, gone: impl Fn(&str)) {
    let pods = Collection::of::<Pod>(&(), None).metadata();
    let read = |pod: Named| pod.metadata.uid;
    let mut pods = Follow::new(client, pods, NAME, read).fields(format!("spec.nodeName={node}"));
    let complaints = Throttle::new(std::time::Duration::from_mins(1));
    let mut known: Vec<Box<str>> = Vec::new();
    loop {
        match pods.next().await {
            Ok(News::All(all)) => {
                for uid in known.iter().filter(|uid| !all.contains(uid)) {
                    gone(uid);
                }
                known = all;
            }
            Ok(News::Changes(changes)) => {
                for change in changes {
                    match change {
                        Change::Applied(uid) if known.contains(&uid) => {}
                        Change::Applied(uid) => known.push(uid),
                        Change::Deleted(uid) => {
                            known.retain(|known| *known != uid);
                            gone(&uid);
                        }
                    }
                }
            }
            Ok(News::Unchanged) => {}
            Err(error) => {
                if let Some(left_out) = complaints.allow() {
                    let hint = if error.is_forbidden() {
                        "; the agent's ClusterRole must allow list and watch on pods"
                    } else {
                        ""
                    };
                    tracing::warn!(left_out, "this node's pods cannot be followed: {error}{hint}");
                }
            }
        }
    }
}
