//! Which step a rotation is at, and what would break: a pure function of what was seen, what is remembered and the rules.
//!
//! Every look begins anew: a step is never taken for done because an earlier look saw it done.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::progress::Progress;

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Ids of the keys that are published.
    pub(super) published: BTreeSet<String>,
    pub(super) servers: Vec<ApiServer>,
}

/// What an API server says.
#[derive(Debug, Clone)]
pub(super) struct ApiServer {
    pub(super) url: String,
    /// Ids of the keys that it verifies tokens by.
    pub(super) verifies: BTreeSet<String>,
    /// Id of the key that it signs with.
    pub(super) signs: String,
}

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// From the new key's publication until it may sign.
    pub(super) propagation: Duration,
    /// From the last signature of the old key until it may be withdrawn.
    pub(super) longest_token: Duration,
}

impl Rules {
    /// Those of an emergency.
    pub(super) const WITHOUT_WAITING: Self =
        Self { propagation: Duration::ZERO, longest_token: Duration::ZERO };
}

/// What is to be done next, or waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The new key, or an old one that is in use, is not published.
    Publish,
    /// These API servers do not verify by the new key, or no more by the old one.
    Trust { at: Vec<String> },
    /// The new key is published and trusted, and others may have documents without it.
    WaitBeforeSigning { until: Timestamp },
    /// These API servers sign with another key than the new one.
    Sign { at: Vec<String> },
    /// Tokens of the old key are in use.
    WaitForTokens { until: Timestamp },
    /// Nothing needs the old key to be published any more.
    Withdraw,
    /// It is over; these API servers verify by the old key still.
    Over { left_at: Vec<String> },
}

/// What is wrong now, or about to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Danger {
    /// AWS refuses what it signs.
    #[error(
        "{server} signs with {kid}, which is not published: AWS refuses its tokens. Publish the key at once, beside the others"
    )]
    Unpublished { server: String, kid: String },
    /// One API server refuses what another signs.
    #[error(
        "{by} signs with {kid}, and {server} does not verify by it: it refuses the tokens. Have every API server verify by the key before one signs with it"
    )]
    Untrusted { server: String, by: String, kid: String },
    /// Somebody else rotates too.
    #[error(
        "{server} signs with {kid}, which is neither an old key of this rotation nor the new one: another rotation is under way, or --new-key is another file"
    )]
    Unknown { server: String, kid: String },
}

/// Looks at everything, and remembers since when it is so.
pub(super) fn step(
    progress: &mut Progress,
    seen: &Seen,
    rules: Rules,
    now: Timestamp,
) -> (Step, Vec<Danger>) {
    let dangers = dangers(progress, seen);
    let is_published = seen.published.contains(&progress.new);
    progress.published_since = is_published.then(|| since(progress.published_since, now));
    let is_signing = seen.servers.iter().all(|server| server.signs == progress.new);
    progress.signing_since = is_signing.then(|| since(progress.signing_since, now));
    (next(progress, seen, rules, now), dangers)
}

/// Since when something is so. A moment that has not come was written by a clock that was wrong: the wait begins anew.
fn since(before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    before.filter(|before| *before <= now).unwrap_or(now)
}

fn next(progress: &Progress, seen: &Seen, rules: Rules, now: Timestamp) -> Step {
    let Progress { old, new, published_since, signing_since, .. } = progress;
    let in_use = seen.servers.iter().map(|server| &server.signs).chain([new]);
    let (Some(published), true) = (published_since, in_use.clone().all(|kid| seen.published.contains(kid)))
    else {
        return Step::Publish;
    };
    let where_so = |is_so: &dyn Fn(&ApiServer) -> bool| -> Vec<String> {
        seen.servers.iter().filter(|server| is_so(server)).map(|server| server.url.clone()).collect()
    };
    let Some(signing) = signing_since else {
        let distrust = where_so(&|server| !in_use.clone().all(|kid| server.verifies.contains(kid)));
        if !distrust.is_empty() {
            return Step::Trust { at: distrust };
        }
        return match after(*published, rules.propagation) {
            until if now < until => Step::WaitBeforeSigning { until },
            _ => Step::Sign { at: where_so(&|server| server.signs != *new) },
        };
    };
    if old.iter().any(|kid| seen.published.contains(kid)) {
        return match after(*signing, rules.longest_token) {
            until if now < until => Step::WaitForTokens { until },
            _ => Step::Withdraw,
        };
    }
    Step::Over { left_at: where_so(&|server| old.iter().any(|kid| server.verifies.contains(kid))) }
}

fn after(moment: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    moment.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn dangers(progress: &Progress, seen: &Seen) -> Vec<Danger> {
    let mut dangers = Vec::new();
    for by in &seen.servers {
        let (server, kid) = (by.url.clone(), by.signs.clone());
        if !seen.published.contains(&kid) {
            dangers.push(Danger::Unpublished { server: server.clone(), kid: kid.clone() });
        }
        if kid != progress.new && !progress.old.contains(&kid) {
            dangers.push(Danger::Unknown { server, kid: kid.clone() });
        }
        for other in seen.servers.iter().filter(|other| !other.verifies.contains(&kid)) {
            let (server, by) = (other.url.clone(), by.url.clone());
            dangers.push(Danger::Untrusted { server, by, kid: kid.clone() });
        }
    }
    dangers
}
