//! Decides what a pod gets: pure, and the only place where the rules of the two methods meet.
//!
//! A plan says what is added and why the rest is not: the patch, the warnings and
//! `inject --explain` all show this one decision.

mod access;
mod container;
mod credentials;
mod lifetime;
mod own;
mod proxy;
mod sdks;
mod tokens;
mod unused;
mod volume;

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use super::Slot;
use super::defaults::{Defaults, TokenVolume};
use super::excess::Excess;
use super::grant::{Grant, Method, RoleSource};
use super::pod::{Agentless, Container, List, Platform, Pod, env};
use super::review::Subject;
use super::warning::Warning;

pub use access::{Access, Difference};
pub use container::{Additions, ContainerPlan, MountPlan, Variable, Verdict};
pub use volume::VolumePlan;

use container::{ContainerJudge, ContainerSelection};
use credentials::Credentials;

/// What one pod gets.
#[derive(Debug)]
pub struct Plan<'a> {
    /// How the pod gets its credentials.
    pub method: Method,
    /// Where the label of EKS Pod Identity goes, if it is to be added.
    pub label: Option<LabelPlan>,
    /// The volume that holds the token.
    pub volume: VolumePlan<'a>,
    /// Whether there is a `spec` to add to.
    pub spec_slot: Slot,
    /// Whether the pod's `volumes` can be added to.
    pub volumes_slot: Slot,
    /// Every container that was decided on, in the pod's order.
    pub containers: Vec<ContainerPlan<'a>>,
    /// The nodes that the pod asks for, where they have no agent to give it its credentials.
    pub agentless: Option<Agentless>,
    values: Values<'a>,
}

/// Why there is nothing to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplanned {
    /// The pod is beyond a bound.
    Excess(Excess),
    /// No ephemeral container is new, or the pod's annotations keep out those that are.
    NothingNew,
    /// New ephemeral containers find no volume to mount; a warning names them.
    NoVolume,
}

/// How deep the label has to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelPlan {
    /// The pod has labels.
    Member,
    /// The pod has no labels.
    Labels,
    /// The pod has no metadata.
    Metadata,
}

/// The values of the variables: only the token file differs between containers.
#[derive(Debug)]
struct Values<'a> {
    credentials: Credentials<'a>,
    defaults: &'a Defaults,
    platform: Platform,
    /// The token file of containers that mount the volume where the flag says, as nearly all do.
    usual_file: String,
}

impl<'a> Plan<'a> {
    /// What this grant gives to a created pod, or to added ephemeral containers. `seed` spreads the
    /// lifetimes of tokens where no lifetime is set.
    pub(super) fn new(
        subject: &'a Subject<'a>,
        grant: &'a Grant,
        defaults: &'a Defaults,
        seed: Option<&str>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, Unplanned> {
        let credentials = Credentials::of(grant, defaults);
        let excess = match subject {
            Subject::Pod(pod) => pod.excess,
            Subject::Ephemeral { pod, old } => pod.excess.or(old.excess),
        };
        if let Some(excess) = excess.or_else(|| credentials.excess(grant)) {
            return Err(Unplanned::Excess(excess));
        }
        let draft = Draft { grant, defaults, credentials };
        match subject {
            Subject::Pod(pod) => draft.of_pod(pod, seed, warnings),
            Subject::Ephemeral { pod, old } => draft.of_ephemeral(pod, old, warnings),
        }
    }

    /// Whether nothing is to be added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.label.is_none()
            && !matches!(self.volume, VolumePlan::Add { .. })
            && self.containers.iter().all(ContainerPlan::is_empty)
    }

    /// Whether there are containers, and SDKs find the pod's identity in none of them.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        let is_used = self.agentless.is_none() && self.containers.iter().any(|plan| plan.access.is_used());
        !is_used && !self.containers.is_empty()
    }

    /// Whether SDKs in any container can get credentials with the pod's token, if of another role.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.agentless.is_none() && self.containers.iter().any(|plan| plan.access.is_usable())
    }

    /// The value that the first variable of the pair, the role or the agent, has where the webhook adds it.
    #[must_use]
    pub fn wanted(&self) -> &str {
        self.values.credentials.wanted()
    }

    /// The role that is injected, and where it was written; `None` if every container brings its own
    /// credentials: then a role does not matter.
    #[must_use]
    pub fn role(&self) -> Option<(&str, RoleSource)> {
        match &self.values.credentials {
            Credentials::Role { arn, source } => self.gives_credentials().then_some((&**arn, *source)),
            Credentials::Agent(_) => None,
        }
    }

    /// Whether any container gets credentials, and does not bring its own.
    #[must_use]
    pub fn gives_credentials(&self) -> bool {
        self.containers.iter().any(ContainerPlan::gets_credentials)
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
        let credentials = token_file.map(|path| credentials.pair(self.token_file(path)));
        let mode = self.values.credentials.endpoint_mode().filter(|_| additions.endpoint_mode.is_added());
        let credentials = credentials.into_iter().flatten().chain(mode);
        sts.into_iter().chain(region.into_iter().flatten()).chain(credentials)
    }

    /// The token file of a container that mounts the volume at `path`.
    fn token_file(&self, path: &str) -> Cow<'_, str> {
        let Values { defaults, platform, usual_file, .. } = &self.values;
        if path == defaults.token_volume(self.method).mount_path {
            return Cow::Borrowed(usual_file);
        }
        Cow::Owned(TokenVolume::token_file(path, self.volume.token_path(), *platform))
    }
}

/// The making of a plan, from a grant that is within all bounds.
struct Draft<'a> {
    grant: &'a Grant,
    defaults: &'a Defaults,
    credentials: Credentials<'a>,
}

impl<'a> Draft<'a> {
    fn of_pod(
        self,
        pod: &'a Pod<'a>,
        seed: Option<&str>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Plan<'a>, Unplanned> {
        let Self { grant, defaults, .. } = self;
        let selection = ContainerSelection::of(&pod.metadata, warnings).map_err(Unplanned::Excess)?;
        let volume = volume::choose(pod, grant, defaults, seed, &selection, warnings);
        let containers = pod.containers.iter().filter(|container| container.list != List::Ephemeral);
        let needs_label =
            grant.method() == Method::ContainerCredentials && !pod.metadata.has_pod_identity_label;
        let label = needs_label.then(|| label(pod));
        Ok(Plan { label, ..self.assemble(pod, pod, containers, volume, &selection, warnings) })
    }

    /// Only ephemeral containers with a new name get anything. They can only mount volumes that the running
    /// pod has, because the API server drops a volume that is added now.
    fn of_ephemeral(
        self,
        pod: &'a Pod<'a>,
        old: &'a Pod<'a>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Plan<'a>, Unplanned> {
        let ephemeral =
            |pod: &'a Pod<'a>| pod.containers.iter().filter(|container| container.list == List::Ephemeral);
        let known: BTreeSet<_> = ephemeral(old).map(|container| &*container.name).collect();
        let new = ephemeral(pod).filter(|container| !known.contains(&*container.name));
        let selection = ContainerSelection::of(&old.metadata, warnings).map_err(Unplanned::Excess)?;
        let mut left = new.filter(|container| selection.skips(&container.name).is_none()).peekable();
        if left.peek().is_none() {
            return Err(Unplanned::NothingNew);
        }
        if let Some(volume) = volume::running(old, self.grant, self.defaults) {
            return Ok(self.assemble(pod, old, left, volume, &selection, warnings));
        }
        let names: Vec<_> = left.map(|container| &*container.name).collect();
        warnings.push(Warning::NoTokenVolume { containers: names.join(", ") });
        Err(Unplanned::NoVolume)
    }

    /// `settings` is the pod whose annotations and platform count.
    fn assemble(
        self,
        pod: &'a Pod<'a>,
        settings: &'a Pod<'a>,
        containers: impl Iterator<Item = &'a Container<'a>>,
        volume: VolumePlan<'a>,
        selection: &ContainerSelection,
        warnings: &mut Vec<Warning>,
    ) -> Plan<'a> {
        let Self { grant, defaults, credentials } = self;
        let (method, platform) = (grant.method(), settings.platform());
        let usual_path = &defaults.token_volume(method).mount_path;
        let usual_file = TokenVolume::token_file(usual_path, volume.token_path(), platform);
        let judge = ContainerJudge {
            pod,
            volume: &volume,
            grant,
            defaults,
            credentials: &credentials,
            platform,
            selection,
            settings,
            audience: volume::audience(grant, defaults.token_volume(method)),
            usual_file: &usual_file,
            tokens: OnceCell::new(),
        };
        let containers: Vec<_> = containers.map(|container| judge.container(container, warnings)).collect();
        let agentless = match &credentials {
            Credentials::Agent(agent) if agent.is_on_node() => settings.agentless(),
            Credentials::Agent(_) | Credentials::Role { .. } => None,
        };
        let plan = Plan {
            method,
            label: None,
            volume,
            spec_slot: pod.spec,
            volumes_slot: pod.volumes_slot,
            containers,
            agentless,
            values: Values { credentials, defaults, platform, usual_file },
        };
        unused::warnings(pod, &plan, warnings);
        plan
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
