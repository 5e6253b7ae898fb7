//! The way from a review's bytes to the answer's without a server: what a call does between its socket's
//! reads and writes, where nothing has to be waited for.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use pod_identity_webhook::identities::manifests::Manifests;
use pod_identity_webhook::identities::{Identities, Need};
use pod_identity_webhook::injection::answer::Answer;
use pod_identity_webhook::injection::review::Subject;
use pod_identity_webhook::injection::warning::Warning;
use pod_identity_webhook::injection::{Defaults, Denial, Outcome, Plan, Review, Rules, decide};
use pod_identity_webhook::role_policy::Snapshot;
use pod_identity_webhook::settings::{AccountSource, Settings};
use tokio::time::Instant;

/// What answers, whole.
pub struct World {
    identities: Identities,
    defaults: Defaults,
    policy: Option<Snapshot>,
}

impl World {
    /// What these settings come to: identities are read from manifests alone.
    pub fn new(settings: &Settings) -> Self {
        let AccountSource::Manifests { paths, namespaces } = &settings.sources.accounts else {
            panic!("not on manifests");
        };
        let defaults = settings.defaults.clone();
        let manifests = Manifests::read(paths, "default", &defaults.annotation_prefix, *namespaces).unwrap();
        let policy = settings.role_policy.as_ref();
        let policy = policy.map(|policy| Snapshot::read(&PathBuf::from(&policy.path), policy.mode).unwrap());
        Self { identities: Identities::of_manifests(manifests), defaults, policy }
    }

    /// The answer to a review. `seeded` spreads lifetimes, as the server does and `inject` does not.
    pub fn answer(&self, body: &[u8], seeded: bool) -> Vec<u8> {
        let Self { identities, defaults, policy } = self;
        let prefix = &defaults.annotation_prefix;
        let review = Review::decode(body, prefix).unwrap();
        let say = |outcome, warnings: &[Warning], denial: Option<&str>| {
            let (version, uid) = (review.version, &*review.uid);
            Answer { version, uid, outcome, patch: None, warnings, denial, forbidden: None }.write()
        };
        let Some(pod) = review.subject.pod() else { return say(Outcome::NotHandled, &[], None) };
        if pod.metadata.is_mirror {
            return say(Outcome::MirrorPod, &[], None);
        }
        let namespaces = [&*review.namespace, &*pod.metadata.namespace, "default"];
        let namespace = namespaces.into_iter().find(|namespace| !namespace.is_empty()).unwrap();
        let name = pod.service_account();
        let need = match &review.subject {
            Subject::Ephemeral { .. } => Need::Usual,
            Subject::Pod(_) | Subject::Other => Need::of(pod, None),
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        let found = identities.find(namespace, name, need, deadline).now_or_never();
        let found = found.expect("manifests are not waited for").unwrap();
        let Some(grant) = &found.grant else {
            if let Some(demand) = need.demand() {
                let (exists, sources) = (found.exists, identities.names());
                let denial = Denial::RequiredMissing { demand, exists, sources };
                let message = denial.message(prefix, namespace, name);
                return say(Outcome::RequiredMissing, &[], Some(&message));
            }
            if found.exists {
                return say(Outcome::NoIdentity, &[], None);
            }
            let account = format!("{namespace}/{name}");
            return say(Outcome::AccountMissing, &[Warning::AccountMissing { account }], None);
        };
        let guard = policy.as_ref().map(|policy| policy.guard(namespace, name));
        let seed = seeded.then_some(&*review.uid);
        let decision = decide(&review.subject, grant, Rules { defaults, guard }, need.demand(), seed);
        let decision = decision.unwrap();
        let plan: &Plan<'_> = &decision.plan;
        Answer {
            version: review.version,
            uid: &review.uid,
            outcome: plan.outcome(),
            patch: decision.patch.as_deref(),
            warnings: &plan.warnings,
            denial: plan.denial.as_ref().map(|denial| denial.message(prefix, namespace, name)).as_deref(),
            forbidden: plan.forbidden().as_deref(),
        }
        .write()
    }
}
