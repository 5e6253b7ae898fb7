//! Reads everything that is judged: the documents as AWS reads them, and what the cluster says. It judges nothing, and
//! reads on behind a certificate that AWS would not trust, so that one run tells of everything.

mod cluster;
mod fetch;
mod recorder;

use std::time::SystemTime;

use super::document;
use super::seen::{Fetched, Seen};
use super::settings::Settings;
use super::url::HttpsUrl;

/// Looks at everything.
pub(super) async fn walk(settings: &Settings) -> Seen {
    let (documents, cluster) = tokio::join!(documents(settings), cluster::ask(settings));
    let (document, keys) = documents;
    Seen { now: SystemTime::now(), document, keys, cluster }
}

/// The discovery document, and the keys that it names.
async fn documents(settings: &Settings) -> (Option<Fetched>, Option<Fetched>) {
    let Some(url) = HttpsUrl::of_document(&settings.issuer) else { return (None, None) };
    let document = fetch::fetch(url, settings).await;
    let keys = match document::jwks_url(&document) {
        Some(url) => Some(fetch::fetch(url, settings).await),
        None => None,
    };
    (Some(document), keys)
}
