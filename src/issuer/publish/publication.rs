//! One publication: what is there is read, what should be there is decided, and what differs is written.
//!
//! The history is written first, so that a key that is withdrawn does not come back if this ends in the middle; then the keys, and
//! the discovery document last, so that nobody reads a document whose keys are not there.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokens::{JsonWebKey, JsonWebKeySet};

use super::history::History;
use super::plan::{Known, Plan, PlanError, Source};
use super::report::Outcome;
use super::settings::Settings;
use crate::issuer::documents::{self, ForeignDocument};
use crate::issuer::issuer_url::DISCOVERY;
use crate::issuer::target::{Headers, Object, Stored, Target, TargetError};

/// How often a publication begins anew because somebody else published at the same time.
const TRIES: usize = 5;

/// The media type of both documents, and of the history: what EKS serves.
const CONTENT_TYPE: &str = "application/json";

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublicationError {
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error(
        "the discovery document that is at {place} already would be written over, and {source}; --yes writes over it"
    )]
    Foreign { place: String, source: ForeignDocument },
    #[error(
        "the keys that are at {place} already cannot be read, and would be lost: {why}; look at the file, and take it away if it is worth nothing"
    )]
    UnreadableKeys { place: String, why: String },
    #[error(
        "the history at {place} cannot be read: {why}; without it, keys that were removed would be published again. Take the file away to begin anew"
    )]
    UnreadableHistory { place: String, why: String },
}

/// What was published, or would be.
pub(super) struct Published {
    pub(super) plan: Plan,
    /// Each object by its path, as written.
    pub(super) objects: Vec<(String, Outcome)>,
}

impl Published {
    /// Whether nothing was written.
    pub(super) fn is_unchanged(&self) -> bool {
        self.objects.iter().all(|(_, outcome)| *outcome == Outcome::Unchanged)
    }
}

/// Publishes what these sources have. `is_complete` is whether there are no others.
///
/// # Errors
/// Nothing, or not everything, was written. What is there can be used all the same.
pub(super) async fn publish(
    settings: &Settings,
    target: &Target,
    sources: &[Source],
    is_complete: bool,
) -> Result<Published, PublicationError> {
    for _ in 1..TRIES {
        match once(settings, target, sources, is_complete).await {
            Err(PublicationError::Target(TargetError::Changed(_))) => {}
            ended => return ended,
        }
    }
    once(settings, target, sources, is_complete).await
}

async fn once(
    settings: &Settings,
    target: &Target,
    sources: &[Source],
    is_complete: bool,
) -> Result<Published, PublicationError> {
    let Settings { issuer, keys_path, rules, max_age, is_dry, .. } = settings;
    let history_path = format!("{keys_path}.history");
    let old_history = target.read(&history_path).await?;
    let old_keys = target.read(keys_path).await?;
    let old_discovery = target.read(DISCOVERY).await?;
    let place = |path: &str| format!("{target}/{path}");
    if let Some(stored) = old_discovery.as_ref().filter(|_| !settings.is_confirmed) {
        documents::judge(&stored.bytes, issuer, keys_path)
            .map_err(|source| PublicationError::Foreign { place: place(DISCOVERY), source })?;
    }
    let published = match &old_keys {
        None => Vec::new(),
        Some(stored) => published_keys(&stored.bytes)
            .map_err(|why| PublicationError::UnreadableKeys { place: place(keys_path), why })?,
    };
    let history = match &old_history {
        None => History::default(),
        Some(stored) => History::parse(&stored.bytes).map_err(|error| {
            PublicationError::UnreadableHistory { place: place(&history_path), why: error.to_string() }
        })?,
    };
    // By whole seconds, as people read them.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let known = Known { sources, is_complete, published: &published, history: &history, now };
    let plan = Plan::new(&known, rules)?;
    let keys = plan.keys();
    let texts = [
        (history_path.as_str(), plan.history.to_json(), old_history),
        (keys_path, documents::key_set(&keys), old_keys),
        (DISCOVERY, documents::discovery(issuer, keys_path, &keys), old_discovery),
    ];
    let mut objects = Vec::new();
    for (path, text, old) in texts {
        let object = Object { path: path.to_owned(), text, headers: headers(*max_age) };
        let outcome = outcome(&object, old.as_ref());
        if outcome != Outcome::Unchanged && !is_dry {
            target.write(object, old.as_ref()).await?;
        }
        objects.push((path.to_owned(), outcome));
    }
    Ok(Published { plan, objects })
}

/// The keys of a set that is there. All of them, or none: one that this does not know may be in use.
fn published_keys(bytes: &[u8]) -> Result<Vec<JsonWebKey>, String> {
    let set = JsonWebKeySet::parse(bytes).map_err(|error| error.to_string())?;
    match set.left_out() {
        [] => Ok(set.keys().to_vec()),
        [first, ..] => Err(first.to_string()),
    }
}

fn headers(max_age: Duration) -> Headers {
    Headers {
        content_type: CONTENT_TYPE.to_owned(),
        cache_control: format!("public, max-age={}", max_age.as_secs()),
    }
}

fn outcome(object: &Object, old: Option<&Stored>) -> Outcome {
    match old {
        None => Outcome::Created,
        Some(old) if old.bytes != object.text.as_bytes() => Outcome::Changed,
        Some(old) if old.headers.as_ref().is_some_and(|headers| *headers != object.headers) => {
            Outcome::Headers
        }
        Some(_) => Outcome::Unchanged,
    }
}
