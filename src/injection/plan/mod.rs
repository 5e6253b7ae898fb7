//! Decides what a pod gets: pure, and the only place where the rules of the two methods meet.
//!
//! A plan says what is added and why the rest is not, so that the patch, the warnings and
//! `inject --explain` are three readings of one decision.

mod container;
mod credentials;
mod lifetime;
mod own;
mod role;
mod volume;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::defaults::{Defaults, TokenVolume};
use super::denial::{Demand, Denial, Unused};
use super::excess::Excess;
use super::grant::{Grant, Method};
use super::pod::{Container, List, Pod, env};
use super::policy::{Effect, Guard, Judgement};
use super::role::RoleArnValidation;
use super::warning::Warning;
use super::{Outcome, Slot};

pub use container::{Additions, ContainerPlan, MountPlan, SkipReason, Variable, Verdict};
pub use volume::VolumePlan;

use credentials::Credentials;
use role::Whose;

/// What one pod gets.
#[derive(Debug)]
pub struct Plan<'a> {
    /// How the pod gets its credentials.
    pub method: Method,
    /// Where the label of EKS Pod Identity goes, if it is to be added.
    pub label: Option<LabelPlan>,
    /// The volume that holds the token; `None` where an ephemeral container finds none.
    pub volume: Option<VolumePlan<'a>>,
    /// Whether there is a `spec` to add to.
    pub spec_slot: Slot,
    /// Whether the pod's `volumes` takes additions.
    pub volumes_slot: Slot,
    /// Every container that was judged, in the pod's order.
    pub containers: Vec<ContainerPlan<'a>>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// Why the pod is refused; then nothing of the above is done.
    pub denial: Option<Denial>,
    /// The bound that the pod is beyond; then nothing of the above is done either.
    pub excess: Option<Excess>,
    /// What the role policy has to do with it: nothing where there is none, or no role to be injected.
    pub judgement: Option<Judgement>,
    values: Values<'a>,
}

/// How deep the label has to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelPlan {
    /// The pod has labels.
    Member,
    /// The pod has none.
    Labels,
    /// The pod has no metadata.
    Metadata,
}

/// The values of the variables, the same for all containers but for the token file.
#[derive(Debug)]
struct Values<'a> {
    credentials: Credentials<'a>,
    defaults: &'a Defaults,
    windows: bool,
    /// The token file of containers that mount the volume where the flag says: nearly all.
    usual_file: Option<String>,
}

impl<'a> Plan<'a> {
    /// The plan of a pod that is being made.
    ///
    /// The parameters are those of [`super::decide()`].
    pub(super) fn of_pod(
        pod: &'a Pod<'a>,
        grant: &'a Grant,
        defaults: &'a Defaults,
        guard: Option<Guard<'_>>,
        demand: Option<Demand>,
        seed: Option<&str>,
    ) -> Self {
        let mut warnings = Vec::new();
        let volume = volume::choose(pod, grant, defaults, seed, &mut warnings);
        let containers = pod.containers.iter().filter(|container| container.list != List::Ephemeral);
        let mut plan = Self::assemble(pod, pod, containers, Some(volume), grant, defaults, warnings);
        if let Some(excess) = plan.excess {
            plan.give_up(excess, demand);
            return plan;
        }
        plan.label = match grant.method() {
            Method::ContainerCredentials if !pod.metadata.has_pod_identity_label => Some(label(pod)),
            _ => None,
        };
        plan.check_role(defaults.role_arn_validation);
        if let Some(guard) = guard {
            plan.ask(guard, Whose::NewPod);
        }
        if let Some(demand) = demand
            && plan.denial.is_none()
            && !plan.containers.iter().any(ContainerPlan::has_credentials)
        {
            plan.refuse(Denial::RequiredUnused { demand, unused: Unused::NoContainer });
        }
        plan
    }

    /// The plan of ephemeral containers that are being added: those that are new by name. They
    /// can only mount what the running pod has, for a volume added now is dropped by the API server.
    ///
    /// None is refused for its pod's role: the pod runs, and somebody wants to find out what is wrong.
    /// But one that the role policy does not allow is not handed out to them.
    pub(super) fn of_ephemeral(
        pod: &'a Pod<'a>,
        old: &'a Pod<'a>,
        grant: &'a Grant,
        defaults: &'a Defaults,
        guard: Option<Guard<'_>>,
    ) -> Self {
        let ephemeral =
            |pod: &'a Pod<'a>| pod.containers.iter().filter(|container| container.list == List::Ephemeral);
        let known: BTreeSet<_> = ephemeral(old).map(|container| &*container.name).collect();
        let new = ephemeral(pod).filter(|container| !known.contains(&*container.name));
        let Some(volume) = volume::existing(old, grant, defaults) else {
            let mut warnings = Vec::new();
            let selection = container::Selection::of(&old.metadata, &mut warnings);
            if let Ok(selection) = &selection {
                let left = new.map(|container| &*container.name);
                let left: Vec<_> = left.filter(|name| selection.skips(name).is_none()).collect();
                if !left.is_empty() {
                    warnings.push(Warning::NoTokenVolume { containers: left.join(", ") });
                }
            }
            let mut plan = Self::assemble(pod, old, std::iter::empty(), None, grant, defaults, warnings);
            if let Some(excess) = plan.excess.or(selection.err()) {
                plan.give_up(excess, None);
            }
            return plan;
        };
        let mut plan = Self::assemble(pod, old, new, Some(volume), grant, defaults, Vec::new());
        if let Some(excess) = plan.excess {
            plan.give_up(excess, None);
            return plan;
        }
        plan.check_role(match defaults.role_arn_validation {
            RoleArnValidation::Enforce | RoleArnValidation::Warn => RoleArnValidation::Warn,
            RoleArnValidation::Off => RoleArnValidation::Off,
        });
        if let Some(guard) = guard {
            plan.ask(guard, Whose::RunningPod);
        }
        plan
    }

    /// `settings` is the pod whose annotations and platform count.
    fn assemble(
        pod: &'a Pod<'a>,
        settings: &'a Pod<'a>,
        containers: impl Iterator<Item = &'a Container<'a>>,
        volume: Option<VolumePlan<'a>>,
        grant: &'a Grant,
        defaults: &'a Defaults,
        mut warnings: Vec<Warning>,
    ) -> Self {
        let windows = settings.is_windows();
        let usual_path = &defaults.token_volume(grant.method()).mount_path;
        let usual_file =
            volume.as_ref().map(|volume| TokenVolume::token_file(usual_path, volume.token_path(), windows));
        let credentials = Credentials::of(grant, defaults);
        let mut excess = pod.excess.or(settings.excess).or_else(|| credentials.excess(grant));
        let mut planned = Vec::new();
        if let (Some(volume), None) = (&volume, excess) {
            match container::Selection::of(&settings.metadata, &mut warnings) {
                Err(beyond) => excess = Some(beyond),
                Ok(selection) => {
                    let credentials = &credentials;
                    let judge =
                        container::Judge { pod, volume, grant, defaults, credentials, windows, selection };
                    planned.extend(containers.map(|container| judge.container(container, &mut warnings)));
                }
            }
        }
        warnings.extend(own::warning(&planned, grant.method()));
        Self {
            method: grant.method(),
            label: None,
            volume,
            spec_slot: pod.spec,
            volumes_slot: pod.volumes_slot,
            containers: planned,
            warnings,
            denial: None,
            excess,
            judgement: None,
            values: Values { credentials, defaults, windows, usual_file },
        }
    }

    /// Leaves the pod as it is because it is beyond a bound, or refuses it if `demand` says that it must
    /// have its identity.
    pub(super) fn give_up(&mut self, excess: Excess, demand: Option<Demand>) {
        self.excess = Some(excess);
        self.judgement = None;
        match demand {
            None => self.warnings = vec![Warning::Excess(excess)],
            Some(demand) => self.refuse(Denial::RequiredUnused { demand, unused: Unused::Excess(excess) }),
        }
    }

    /// Refuses the pod. Warnings are of what would have been added, to a pod that is not made.
    fn refuse(&mut self, denial: Denial) {
        self.warnings.clear();
        self.denial = Some(denial);
    }

    /// How the admission ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if let Some(denial) = &self.denial {
            return denial.outcome();
        }
        if self.excess.is_some() {
            return Outcome::Excess;
        }
        match self.judgement.as_ref().map(|judgement| judgement.effect) {
            Some(Effect::Warned) => return Outcome::RolePolicyWarned,
            Some(Effect::Withheld) => return Outcome::RolePolicyWithheld,
            Some(Effect::Passed | Effect::Denied) | None => {}
        }
        match &self.volume {
            None if self.lacks_volume() => Outcome::NoVolume,
            Some(_) if !self.is_empty() => Outcome::Injected,
            None | Some(_) => Outcome::Complete,
        }
    }

    /// Whether an ephemeral container had to go without: then a warning says so.
    fn lacks_volume(&self) -> bool {
        self.warnings.iter().any(|warning| matches!(warning, Warning::NoTokenVolume { .. }))
    }

    /// Whether nothing is to be added; to a pod that is refused or beyond a bound, nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let adds_nothing = self.label.is_none()
            && !matches!(self.volume, Some(VolumePlan::Add { .. }))
            && self.containers.iter().all(ContainerPlan::is_empty);
        self.denial.is_some() || self.excess.is_some() || adds_nothing
    }

    /// The variables that a container gets, in the order in which they are appended.
    pub fn variables<'p>(
        &'p self,
        additions: &Additions<'a>,
    ) -> impl Iterator<Item = (&'static str, Cow<'p, str>)> {
        let Values { credentials, defaults, .. } = &self.values;
        let sts =
            additions.sts.is_added().then_some((env::STS_REGIONAL_ENDPOINTS, Cow::Borrowed("regional")));
        let region = defaults
            .region
            .as_deref()
            .filter(|_| additions.region.is_added())
            .map(|region| [env::DEFAULT_REGION, env::REGION].map(|name| (name, Cow::Borrowed(region))));
        let token_file = additions.mounted_at().filter(|_| additions.credentials.is_added());
        let token_file = token_file.and_then(|path| self.token_file(path));
        let credentials = token_file.map(|token_file| credentials.pair(token_file));
        let mode = self.values.credentials.endpoint_mode().filter(|_| additions.endpoint_mode.is_added());
        let credentials = credentials.into_iter().flatten().chain(mode);
        sts.into_iter().chain(region.into_iter().flatten()).chain(credentials)
    }

    /// The token file of a container that mounts the volume at `path`.
    fn token_file(&self, path: &str) -> Option<Cow<'_, str>> {
        let Values { defaults, windows, usual_file, .. } = &self.values;
        if path == defaults.token_volume(self.method).mount_path {
            return usual_file.as_deref().map(Cow::Borrowed);
        }
        let token_path = self.volume.as_ref()?.token_path();
        Some(Cow::Owned(TokenVolume::token_file(path, token_path, *windows)))
    }
}

fn label(pod: &Pod<'_>) -> LabelPlan {
    if pod.metadata.labels.is_present() {
        LabelPlan::Member
    } else if pod.has_metadata() {
        LabelPlan::Labels
    } else {
        LabelPlan::Metadata
    }
}
