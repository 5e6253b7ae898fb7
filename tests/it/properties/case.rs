//! One admission: a review, who is granted what, and what comes of it.

use std::collections::BTreeSet;

use injection::Reason;
use injection::plan::{MountPlan, Variable, Verdict, VolumePlan};
use injection::pod::Platform;
use injection::policy::ActivePolicy;
use injection::{Candidate, Decision, Defaults, Found, Grant, Outcome, Review, Rules, decide};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::pods::{Generated, ephemeral_containers, pod};
use super::settings::{defaults, grant};
use crate::support::reviews;

/// What is admitted, and under which settings.
#[derive(Debug, Clone)]
pub struct Case {
    pub review: Value,
    pub grant: Grant,
    pub defaults: Defaults,
    pub windows: bool,
}

/// What an admission made of it.
#[derive(Debug)]
pub struct Admitted {
    pub patch: Option<Vec<u8>>,
    pub warnings: Vec<String>,
    pub outcome: Outcome,
    pub seen: BTreeSet<Seen>,
}

/// Which way an admission went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    VolumeAdded,
    VolumeReused,
    VolumeRenamed,
    NoVolume,
    PathRenamed,
    MountExists,
    MountNotNeeded,
    PairAdded,
    PairSkipped,
    ContainerSkipped,
    LabelAdded,
    Windows,
    ModeAdded,
    ModeSkipped,
    Warned,
    Denied,
    NothingToDo,
}

impl Seen {
    pub const ALL: [Self; 17] = [
        Self::VolumeAdded,
        Self::VolumeReused,
        Self::VolumeRenamed,
        Self::NoVolume,
        Self::PathRenamed,
        Self::MountExists,
        Self::MountNotNeeded,
        Self::PairAdded,
        Self::PairSkipped,
        Self::ContainerSkipped,
        Self::LabelAdded,
        Self::Windows,
        Self::ModeAdded,
        Self::ModeSkipped,
        Self::Warned,
        Self::Denied,
        Self::NothingToDo,
    ];
}

/// A pod that is being made.
pub fn creation() -> impl Strategy<Value = Case> {
    (pod(), grant(), defaults()).prop_map(|(Generated { pod, windows }, grant, defaults)| {
        let review = reviews::creation("shop", &pod);
        Case { review, grant, defaults, windows }
    })
}

/// Ephemeral containers that are being added.
fn addition() -> impl Strategy<Value = Case> {
    let parts = (pod(), ephemeral_containers(), grant(), defaults(), any::<bool>());
    parts.prop_map(|(Generated { pod: old, windows }, ephemeral, grant, defaults, had_one)| {
        let mut pod = old.clone();
        let mut old = old;
        if had_one && old["spec"].is_object() {
            old["spec"]["ephemeralContainers"] = json!([{"name": "debug"}]);
        }
        if !pod["spec"].is_object() {
            pod["spec"] = json!({});
        }
        pod["spec"]["ephemeralContainers"] = ephemeral;
        let mut review = reviews::creation("shop", &pod);
        review["apiVersion"] = json!("admission.k8s.io/v1beta1");
        let request = &mut review["request"];
        request["operation"] = json!("UPDATE");
        request["subResource"] = json!("ephemeralcontainers");
        request["oldObject"] = old;
        Case { review, grant, defaults, windows }
    })
}

/// A creation or an addition.
pub fn case() -> impl Strategy<Value = Case> {
    prop_oneof![4 => creation(), 1 => addition()]
}

impl Case {
    pub fn object(&self) -> &Value {
        &self.review["request"]["object"]
    }

    /// The pod whose volumes there are, once the object is `after`.
    pub fn volumes_of<'v>(&'v self, after: &'v Value) -> &'v Value {
        let request = &self.review["request"];
        if request["operation"] == "UPDATE" { &request["oldObject"] } else { after }
    }

    pub fn admit(&self) -> Admitted {
        admit(&self.review.to_string(), &self.grant, &self.defaults)
    }

    /// Admits the case before a role policy.
    pub fn admit_before(&self, policy: ActivePolicy<'_>) -> Admitted {
        let review = self.review.to_string();
        let review = Review::decode(review.as_bytes(), &self.defaults.annotation_prefix).expect("a review");
        let candidate = Candidate::of_review(&review, None).expect("a pod or its ephemeral containers");
        judge(&candidate, &self.grant, &self.defaults, Some(policy))
    }

    /// The object with the patch applied, by the crate that kube uses.
    pub fn after(&self) -> Value {
        self.patched(self.admit().patch.as_deref())
    }

    pub fn patched(&self, patch: Option<&[u8]>) -> Value {
        let mut object = self.object().clone();
        if let Some(patch) = patch {
            let patch: json_patch::Patch = serde_json::from_slice(patch).expect("a JSON Patch");
            json_patch::patch(&mut object, &patch).expect("a patch that applies");
        }
        object
    }

    /// The same call with another object.
    pub fn again(&self, object: Value) -> Self {
        let mut again = self.clone();
        again.review["request"]["object"] = object;
        again
    }
}

/// What the server does with a review's bytes once the grant is known.
pub fn admit(review: &str, grant: &Grant, defaults: &Defaults) -> Admitted {
    let review = Review::decode(review.as_bytes(), &defaults.annotation_prefix).expect("a review");
    let candidate = Candidate::of_review(&review, None).expect("a pod or its ephemeral containers");
    judge(&candidate, grant, defaults, None)
}

/// What the server does with a pod that was read, before a role policy.
pub fn judge(
    candidate: &Candidate<'_>,
    grant: &Grant,
    defaults: &Defaults,
    policy: Option<ActivePolicy<'_>>,
) -> Admitted {
    let found = Found::from(grant.clone());
    let decision = decide(candidate, &found, &Rules { defaults, policy, sources: &[] });
    Admitted {
        patch: decision.patch().map(<[u8]>::to_vec),
        warnings: decision.warnings().iter().map(ToString::to_string).collect(),
        outcome: decision.outcome(),
        seen: seen(&decision, candidate.pod().platform(), defaults),
    }
}

fn seen(decision: &Decision<'_>, platform: Platform, defaults: &Defaults) -> BTreeSet<Seen> {
    let mut seen = BTreeSet::new();
    let mut note = |fact, it_is| {
        if it_is {
            seen.insert(fact);
        }
    };
    note(Seen::Windows, platform == Platform::Windows);
    note(Seen::Warned, !decision.warnings().is_empty());
    note(Seen::NothingToDo, decision.patch().is_none());
    let plan = match decision {
        Decision::Admitted(admitted) => &admitted.plan,
        Decision::Untouched { reason, .. } => {
            note(Seen::NoVolume, matches!(reason, Reason::NoVolume | Reason::NothingNew));
            return seen;
        }
        Decision::Refused { .. } => {
            note(Seen::Denied, true);
            return seen;
        }
    };
    let wanted = defaults.token_volume(plan.method);
    match &plan.volume {
        VolumePlan::Reuse { .. } => note(Seen::VolumeReused, true),
        VolumePlan::Add { name, .. } => {
            note(Seen::VolumeAdded, true);
            note(Seen::VolumeRenamed, *name != wanted.name);
        }
    }
    for container in &plan.containers {
        let Verdict::Judged(additions) = &container.verdict else {
            note(Seen::ContainerSkipped, true);
            continue;
        };
        note(Seen::PairAdded, additions.credentials.is_added());
        note(Seen::PairSkipped, matches!(additions.credentials, Variable::AlreadySet(_)));
        note(Seen::ModeAdded, additions.endpoint_mode.is_added());
        note(Seen::ModeSkipped, matches!(additions.endpoint_mode, Variable::AlreadySet(_)));
        match &additions.mount {
            MountPlan::Add { path } => note(Seen::PathRenamed, *path != wanted.mount_path),
            MountPlan::Existing { .. } => note(Seen::MountExists, true),
            MountPlan::NotNeeded => note(Seen::MountNotNeeded, true),
        }
    }
    note(Seen::LabelAdded, plan.label.is_some());
    seen
}
