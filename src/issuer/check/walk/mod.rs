//! Reads everything that is judged: the documents as AWS reads them, and what the cluster says. It judges nothing, and
//! reads on behind a certificate that AWS would not trust, so that one run tells of everything.

mod cluster;

use std::time::SystemTime;

use super::document;
use super::seen::Seen;
use super::settings::Settings;
use crate::issuer::web::{Fetched, HttpsUrl, fetch};

/// Looks at everything.
pub(super) async fn walk(settings: &Settings) -> Seen {
    let (documents, cluster) = tokio::join!(documents(settings), cluster::ask(settings));
    let (document, keys) = documents;
    Seen { now: SystemTime::now(), document, keys, cluster }
}

/// The discovery document, and the keys that it names.
async fn documents(settings: &Settings) -> (Option<Fetched>, Option<Fetched>) {
    let Some(url) = HttpsUrl::of_document(&settings.issuer) else { return (None, None) };
    let document = fetch(url, &settings.approach).await;
    let keys = match document::jwks_url(&document) {
        Some(url) => Some(fetch(url, &settings.approach).await),
        None => None,
    };
    (Some(document), keys)
}
