//! Which keys are published: a pure function of what the sources have, what is published, what is remembered and what the
//! user says. Nothing here waits, and nothing is printed.
//!
//! A key is never dropped because a source lacks it: the API server that was asked may be the one that does not have the
//! new key yet, and tokens that an old key signed are in use for a day. It goes by `retention`, or by `remove`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokens::{Algorithm, JsonWebKey};

use super::history::{History, KeyHistory};

/// Keys of a type, at most, that IAM takes (IAM, "Create an OIDC identity provider").
const MOST_KEYS: usize = 100;

/// Where keys are from, and which.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The file's path, or the API server's URL.
    pub(super) name: String,
    pub(super) keys: Vec<JsonWebKey>,
}

/// What the user says.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// How long a key stays that no source has; `None`: for ever.
    pub(super) retention: Option<Duration>,
    /// Ids of keys to withdraw.
    pub(super) remove: Vec<String>,
    /// Ids of keys to publish again.
    pub(super) restore: Vec<String>,
}

/// Everything that a plan is made of.
pub(super) struct Known<'a> {
    pub(super) sources: &'a [Source],
    /// Whether every source was read: otherwise nothing is known to be absent.
    pub(super) is_complete: bool,
    pub(super) published: &'a [JsonWebKey],
    pub(super) history: &'a History,
    pub(super) now: Timestamp,
}

/// What to publish.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The keys that there are anywhere, by their ids.
    pub(super) entries: Vec<Entry>,
    pub(super) history: History,
}

/// A key, and what becomes of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kid: String,
    pub(super) key: JsonWebKey,
    pub(super) fate: Fate,
    /// The sources that have it.
    pub(super) sources: Vec<String>,
    pub(super) history: KeyHistory,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is published now.
    Added,
    /// It is published and a source has it.
    Stays,
    /// It is published and no source has it.
    Kept,
    /// It was published, and no source has had it for longer than keys are kept.
    Expires,
    /// It was published, and the user withdraws it.
    Withdrawn,
    /// A source has it, and it was withdrawn.
    LeftOut,
}

/// Why nothing is published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlanError {
    /// Two keys have one id, so that AWS would verify by one of them only.
    #[error("two different keys have the id {kid}: one in {one}, one in {other}")]
    Clash { kid: String, one: String, other: String },
    /// There is nothing to withdraw.
    #[error(
        "there is no key with the id {0} to remove: neither is it published, nor has a file or an API server one"
    )]
    NothingToRemove(String),
    /// There is nothing to restore.
    #[error("the key with the id {0} is not one that was removed")]
    NothingToRestore(String),
    /// A key to publish is in no source.
    #[error("the key with the id {0} can only be published again if a file or an API server has it")]
    NowhereToRestoreFrom(String),
    /// No key would be left.
    #[error("no key would be left to publish: AWS could verify no token any more")]
    NothingLeft,
    /// IAM does not take so many.
    #[error(
        "there would be {count} {kind} keys, and AWS takes {MOST_KEYS}: take old ones away with --retention or --remove"
    )]
    TooMany { count: usize, kind: &'static str },
}

/// What is published, where it comes from.
const PUBLISHED: &str = "what is published";

impl Plan {
    /// Decides what is published.
    ///
    /// # Errors
    /// What would be published is nothing that AWS could use, or not what the user can have meant.
    pub(super) fn new(known: &Known<'_>, rules: &Rules) -> Result<Self, PlanError> {
        let found = found(known)?;
        check_rules(known, rules, &found)?;
        let entries: Vec<_> = found.into_iter().map(|(kid, key)| key.decide(kid, known, rules)).collect();
        let mut history = History::default();
        for Entry { kid, fate, history: of_key, .. } in &entries {
            if *fate != Fate::Expires {
                history.keys.insert(kid.clone(), of_key.clone());
            }
        }
        // A key that was withdrawn and is nowhere now may come back from a backup or a server that was away.
        for (kid, of_key) in &known.history.keys {
            if of_key.withdrawn_since.is_some() && !history.keys.contains_key(kid) {
                history.keys.insert(kid.clone(), of_key.clone());
            }
        }
        let plan = Self { entries, history };
        plan.check()?;
        Ok(plan)
    }

    /// The keys to publish.
    pub(super) fn keys(&self) -> Vec<&JsonWebKey> {
        self.entries.iter().filter(|entry| entry.fate.is_published()).map(|entry| &entry.key).collect()
    }

    fn check(&self) -> Result<(), PlanError> {
        let keys = self.keys();
        if keys.is_empty() {
            return Err(PlanError::NothingLeft);
        }
        let (rsa, ec): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.algorithm() == Algorithm::Rs256);
        for (count, kind) in [(rsa.len(), "RSA"), (ec.len(), "EC")] {
            if count > MOST_KEYS {
                return Err(PlanError::TooMany { count, kind });
            }
        }
        Ok(())
    }
}

impl Fate {
    /// Whether the key is published.
    pub(super) fn is_published(self) -> bool {
        match self {
            Self::Added | Self::Stays | Self::Kept => true,
            Self::Expires | Self::Withdrawn | Self::LeftOut => false,
        }
    }
}

/// A key, and who has it.
struct Found {
    key: JsonWebKey,
    is_published: bool,
    sources: Vec<String>,
}

/// All keys by their ids.
fn found(known: &Known<'_>) -> Result<BTreeMap<String, Found>, PlanError> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let published = known.published.iter().map(|key| (None, key));
    let of_sources =
        known.sources.iter().flat_map(|source| source.keys.iter().map(|key| (Some(&source.name), key)));
    for (source, key) in published.chain(of_sources) {
        let key = key.clone().named();
        let kid = key.kid().unwrap_or_default().to_owned();
        let entry = found.entry(kid.clone()).or_insert_with(|| Found {
            key: key.clone(),
            is_published: source.is_none(),
            sources: Vec::new(),
        });
        if entry.key.spki() != key.spki() {
            let one = entry.sources.first().cloned().unwrap_or_else(|| PUBLISHED.to_owned());
            let other = source.cloned().unwrap_or_else(|| PUBLISHED.to_owned());
            return Err(PlanError::Clash { kid, one, other });
        }
        // A file may have a key twice, as a private and as a public one.
        entry.sources.extend(source.filter(|source| !entry.sources.contains(source)).cloned());
    }
    Ok(found)
}

fn check_rules(known: &Known<'_>, rules: &Rules, found: &BTreeMap<String, Found>) -> Result<(), PlanError> {
    if let Some(kid) = rules.remove.iter().find(|kid| !found.contains_key(*kid)) {
        return Err(PlanError::NothingToRemove(kid.clone()));
    }
    for kid in &rules.restore {
        if known.history.of(kid).withdrawn_since.is_none() {
            return Err(PlanError::NothingToRestore(kid.clone()));
        }
        if !found.contains_key(kid) {
            return Err(PlanError::NowhereToRestoreFrom(kid.clone()));
        }
    }
    Ok(())
}

impl Found {
    fn decide(self, kid: String, known: &Known<'_>, rules: &Rules) -> Entry {
        let Self { key, is_published, sources } = self;
        let last = known.history.of(&kid);
        let now = known.now;
        let withdrawn = if rules.remove.contains(&kid) {
            Some(last.withdrawn_since.unwrap_or(now))
        } else {
            last.withdrawn_since.filter(|_| !rules.restore.contains(&kid))
        };
        if withdrawn.is_some() {
            let fate = if is_published { Fate::Withdrawn } else { Fate::LeftOut };
            let history = KeyHistory { withdrawn_since: withdrawn, ..KeyHistory::default() };
            return Entry { kid, key, fate, sources, history };
        }
        // What is not published now was not in the meantime either, whatever is remembered of before.
        let published_since = last.published_since.filter(|_| is_published).or(Some(now));
        let absent_since = match (sources.is_empty(), known.is_complete) {
            (false, _) => None,
            (true, true) => last.absent_since.or(Some(now)),
            (true, false) => last.absent_since,
        };
        let fate = match (is_published, absent_since, sources.is_empty()) {
            (false, ..) => Fate::Added,
            (true, _, false) => Fate::Stays,
            (true, Some(since), true) if known.is_complete && rules.is_over(since, now) => Fate::Expires,
            (true, _, true) => Fate::Kept,
        };
        let history = KeyHistory { published_since, absent_since, withdrawn_since: None };
        Entry { kid, key, fate, sources, history }
    }
}

impl Rules {
    /// When a key goes that no source has had since then; `None`: never.
    pub(super) fn end(&self, absent_since: Timestamp) -> Option<Timestamp> {
        let retention = SignedDuration::try_from(self.retention?).ok()?;
        absent_since.checked_add(retention).ok()
    }

    fn is_over(&self, absent_since: Timestamp, now: Timestamp) -> bool {
        self.end(absent_since).is_some_and(|end| end <= now)
    }
}
