//! Follows the folder: what it says is read, judged and written anew, and served from then on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use injection::text::Quoted;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokens::JsonWebKeySet;
use tokens::key_set::KeySetError;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::settings::Place;
use crate::issuer::documents::{self, ForeignDocument};
use crate::issuer::issuer_url::DISCOVERY;
use crate::issuer::target;
use crate::source::regular_file::{self, ReadError};
use crate::source::{Complaint, Source};

/// The source's name in log, metrics and readiness.
pub(super) const NAME: &str = "issuer-documents";

/// How often the folder is read: two small files, in the page cache.
const POLL: Duration = Duration::from_secs(1);

/// Characters of an id that are shown.
const LONGEST_KID: usize = 60;

/// What is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Documents {
    pub(super) discovery: Document,
    pub(super) keys: Document,
    /// How many keys there are.
    pub(super) count: usize,
}

/// A document, and its name among those that were served at the same place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) body: Bytes,
    pub(super) tag: String,
}

/// Why the folder says nothing that can be served. What was read before stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("failed to read {}: {source}{}", path.display(), hint(source))]
    Read { path: PathBuf, source: ReadError },
    #[error("{} cannot be served: {why}", path.display())]
    Foreign { path: PathBuf, why: ForeignDocument },
    #[error("{} cannot be served: {source}", path.display())]
    Keys { path: PathBuf, source: KeySetError },
    #[error("{} cannot be served: {why}", path.display())]
    LeftOut { path: PathBuf, why: String },
}

fn hint(error: &ReadError) -> &'static str {
    match error {
        ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            "; 'pod-identity-webhook issuer publish --to' this folder writes it"
        }
        _ => "",
    }
}

/// Keeps the source at what the folder says, for ever.
pub(super) async fn follow(place: Place, source: Arc<Source<Documents>>) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let place = Arc::new(place);
    let mut told = None;
    loop {
        poll.tick().await;
        let place = place.clone();
        // The source ends with the process alone.
        let Ok(read) = spawn_blocking(move || read(&place)).await else { return };
        match read {
            Ok((documents, complaint)) => {
                let is_same = source.current().is_some_and(|current| *current == documents);
                if is_same && complaint == told {
                    source.confirm();
                    continue;
                }
                tracing::info!(keys = documents.count, "documents read");
                told.clone_from(&complaint);
                source.replace_but(documents, complaint);
            }
            Err(error) => source.fail(&error.to_string()),
        }
    }
}

fn read(place: &Place) -> Result<(Documents, Option<Complaint>), FolderError> {
    let Place { folder, issuer, keys_path } = place;
    let file = |path: &str| {
        let path = folder.join(path);
        match regular_file::read(&path, target::LARGEST) {
            Ok(bytes) => Ok((path, bytes)),
            Err(source) => Err(FolderError::Read { path, source }),
        }
    };
    // The publisher writes the keys first: read last, they are none that this document does not name.
    let (path, discovery) = file(DISCOVERY)?;
    documents::judge(&discovery, issuer, keys_path).map_err(|why| FolderError::Foreign { path, why })?;
    let (path, keys) = file(keys_path)?;
    let complaint = private_parts(&keys);
    let set = match JsonWebKeySet::parse(&keys) {
        Ok(set) => set,
        Err(source) => return Err(FolderError::Keys { path, source }),
    };
    if let Some(first) = set.left_out().first() {
        return Err(FolderError::LeftOut { path, why: first.to_string() });
    }
    let keys: Vec<_> = set.keys().iter().collect();
    let documents = Documents {
        discovery: Document::new(documents::discovery(issuer, keys_path, &keys)),
        keys: Document::new(documents::key_set(&keys)),
        count: keys.len(),
    };
    Ok((documents, complaint))
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Map<String, Value>>,
}

/// Of which keys more than the public part lies in the folder: none of it is served, and somebody should know.
fn private_parts(keys: &[u8]) -> Option<Complaint> {
    let KeySet { keys } = serde_json::from_slice(keys).ok()?;
    let mut complaint = Complaint::default();
    for key in keys.iter().filter(|key| documents::is_private(key)) {
        let kid = Quoted::new(key.get("kid").and_then(Value::as_str).unwrap_or_default(), LONGEST_KID);
        complaint.add(format_args!(
            "the private part of the key {kid}: take it out of the folder, and exchange the key if anybody else can have read it"
        ));
    }
    complaint.into_option()
}

impl Document {
    fn new(text: String) -> Self {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())));
        Self { body: text.into(), tag }
    }
}
