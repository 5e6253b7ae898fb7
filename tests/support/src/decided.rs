//! The way from a review's bytes to the answer's without a server: what a call does between its socket's
//! reads and writes, where nothing has to be waited for.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use injection::{Candidate, Decision, Defaults, Reason, Review, Rules, decide};
use pod_identity_webhook::identities::Identities;
use pod_identity_webhook::identities::offline::Manifests;
use pod_identity_webhook::role_policy::Snapshot;
use pod_identity_webhook::webhook::settings::{AccountSource, Settings};
use tokio::time::Instant;

/// Everything that an answer depends on, besides the review.
pub struct World {
    identities: Identities,
    defaults: Defaults,
    policy: Option<Snapshot>,
}

impl World {
    /// The world of these settings, which take identities from manifests alone.
    pub fn new(settings: &Settings) -> Self {
        let AccountSource::Manifests { paths, namespaces } = &settings.sources.accounts else {
            panic!("not on manifests");
        };
        let defaults = settings.defaults.clone().offline().unwrap();
        let manifests = Manifests::read(paths, "default", &defaults.annotation_prefix, *namespaces).unwrap();
        let policy = settings.role_policy.as_ref();
        let policy = policy.map(|policy| Snapshot::read(&PathBuf::from(&policy.path), policy.mode).unwrap());
        Self { identities: Identities::of_manifests(manifests), defaults, policy }
    }

    /// The answer to a review. `seeded` spreads lifetimes, as the server does and `inject` does not.
    pub fn answer(&self, body: &[u8], seeded: bool) -> Vec<u8> {
        let Self { identities, defaults, policy } = self;
        let review = Review::decode(body, &defaults.annotation_prefix).unwrap();
        let Some(candidate) = Candidate::of_review(&review, None) else {
            return Decision::untouched(Reason::NotHandled).answer(&review);
        };
        let subject = review.subject.as_ref().unwrap();
        let candidate =
            if seeded { candidate } else { Candidate::offline(subject, candidate.account.namespace) };
        let deadline = Instant::now() + Duration::from_secs(1);
        let found = identities
            .find(candidate.account, candidate.need, candidate.precedence(defaults), deadline)
            .now_or_never();
        let found = found.expect("manifests are not waited for").unwrap();
        let policy = policy.as_ref().map(Snapshot::active);
        let rules = Rules { defaults, policy, sources: &identities.names() };
        decide(&candidate, &found, &rules).answer(&review)
    }
}
