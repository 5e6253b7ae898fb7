//! Follows a cluster's ConfigMap: the last good document is what counts, until the next good one
//! replaces it whole; without the ConfigMap, or its key, there are no entries.

use std::sync::Arc;

use super::{ConfigMapDocument, ConfigMapError, Entries, KEY, NAME};
use crate::kubernetes::{Change, Collection, Follow, News, WatchError};
use crate::source::Source;
use k8s_openapi::api::core::v1::ConfigMap;

/// The text under the key; an absent one is empty, and so has no entries.
type Document = Result<String, ConfigMapError>;

/// Keeps `source` up to date with the ConfigMap of `namespace`, for ever; it need not exist yet.
pub async fn follow(client: kube::Client, namespace: String, source: Arc<Source<Entries>>) {
    let name = format!("ConfigMap {namespace}/{NAME}");
    // With the selector by name below, RBAC can allow this one ConfigMap alone.
    let own = Collection::of::<ConfigMap>(&(), Some(&namespace));
    let place = namespace.clone();
    // Other objects that are sent in spite of the selector are ignored.
    let read = move |map| is_ours(&map, &place).then(|| document(map));
    let mut news = Follow::new(client, own, &*name, read).fields(format!("metadata.name={NAME}"));
    let mut is_good = false;
    loop {
        match news.next().await {
            Ok(News::All(all)) => is_good = take(all.into_iter().flatten().next(), &name, &source),
            Ok(News::Changes(changes)) => {
                let now = changes.into_iter().rev().find_map(|change| match change {
                    Change::Applied(document) => document.map(Some),
                    Change::Deleted(document) => document.map(|_| None),
                });
                if let Some(now) = now {
                    is_good = take(now, &name, &source);
                }
            }
            // An unchanged document that is malformed still is: it is not confirmed.
            Ok(News::Unchanged) if is_good => source.confirm(),
            Ok(News::Unchanged) => {}
            Err(error) => source.fail(&reason(&error, &namespace)),
        }
    }
}

fn is_ours(map: &ConfigMap, namespace: &str) -> bool {
    let metadata = &map.metadata;
    metadata.name.as_deref() == Some(NAME) && metadata.namespace.as_deref() == Some(namespace)
}

fn document(config_map: ConfigMap) -> Document {
    match config_map.data.and_then(|mut data| data.remove(KEY)) {
        Some(document) => Ok(document),
        None if config_map.binary_data.is_some_and(|data| data.contains_key(KEY)) => {
            Err(ConfigMapError::Binary)
        }
        None => Ok(String::new()),
    }
}

/// Takes in a document; returns whether it is good.
fn take(document: Option<Document>, name: &str, source: &Source<Entries>) -> bool {
    match document.unwrap_or(Ok(String::new())).and_then(|document| ConfigMapDocument::parse(&document)) {
        Ok(ConfigMapDocument { entries, complaint }) => {
            let is_same = source.current().is_some_and(|current| *current == entries);
            let count = entries.len();
            source.replace_but(entries, complaint);
            if !is_same {
                tracing::info!(config_map = name, entries = count, "entries replaced");
            }
            true
        }
        Err(error) => {
            source.fail(&format!("{KEY} of {name} is {error}"));
            false
        }
    }
}

/// What is wrong and, if an operator can mend it, what to do about it.
fn reason(error: &WatchError, namespace: &str) -> String {
    if error.is_forbidden() {
        return format!(
            "{error}; a Role of namespace {namespace} has to allow get, list and watch of configmaps with the \
             resourceName {NAME}"
        );
    }
    error.to_string()
}
