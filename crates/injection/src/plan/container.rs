//! What one container gets: three separate decisions on its variables, and the mount.

use alloc::borrow::Cow;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::OnceCell;

use super::super::annotation::{self, NamesError};
use super::super::defaults::Defaults;
use super::super::excess::Excess;
use super::super::grant::Grant;
use super::super::path;
use super::super::pod::{Container, EnvNames, Metadata, Mount, Platform, Pod, env};
use super::super::unable::SkipReason;
use super::super::warning::Warning;
use super::VolumePlan;
use super::access::{Access, Difference};
use super::credentials::Credentials;
use super::tokens::Tokens;

/// What one container gets.
#[derive(Debug)]
pub struct ContainerPlan<'a> {
    /// The container.
    pub container: &'a Container<'a>,
    /// What was decided on it.
    pub verdict: Verdict<'a>,
    /// Whether SDKs in it then find the pod's identity.
    pub access: Access,
    /// The role, or the agent, that the container sets itself, where that is not the pod's.
    pub difference: Option<Difference<'a>>,
}

impl ContainerPlan<'_> {
    /// Whether nothing is to be added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.verdict {
            Verdict::Skipped(_) => true,
            Verdict::Judged(additions) => additions.is_empty(),
        }
    }

    /// Whether the credential pair is to be added.
    #[must_use]
    pub fn gets_credentials(&self) -> bool {
        matches!(&self.verdict, Verdict::Judged(additions) if additions.credentials.is_added())
    }
}

/// Whether a container is considered at all.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// The pod's annotations keep it out.
    Skipped(SkipReason),
    /// It gets what it lacks.
    Judged(Additions<'a>),
}

/// What a considered container gets.
#[derive(Debug)]
pub struct Additions<'a> {
    /// `AWS_STS_REGIONAL_ENDPOINTS`.
    pub sts: Variable,
    /// The region pair.
    pub region: Variable,
    /// The credential pair of the pod's method.
    pub credentials: Variable,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, which is added only with the pair.
    pub endpoint_mode: Variable,
    /// The mount of the token's volume.
    pub mount: MountPlan<'a>,
}

impl Additions<'_> {
    /// Whether nothing is to be added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        ![self.sts, self.region, self.credentials].iter().any(|variable| variable.is_added())
            && !matches!(self.mount, MountPlan::Add { .. })
    }

    /// Where the container finds the token's volume.
    #[must_use]
    pub fn mounted_at(&self) -> Option<&str> {
        match &self.mount {
            MountPlan::Add { path } => Some(path),
            MountPlan::Existing { path } => Some(path),
            MountPlan::NotNeeded => None,
        }
    }
}

/// What is done with a variable, or with a pair that is treated as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// It is added.
    Add,
    /// The container sets this one itself: the pair is left unchanged.
    AlreadySet(&'static str),
    /// Neither flag nor account asks for it.
    NotConfigured,
}

impl Variable {
    /// Whether it is added.
    #[must_use]
    pub fn is_added(self) -> bool {
        self == Self::Add
    }

    fn judge(set: EnvNames, names: &[&'static str], configured: bool) -> Self {
        match names.iter().find(|name| set.contains(name)) {
            Some(name) => Self::AlreadySet(name),
            None if configured => Self::Add,
            None => Self::NotConfigured,
        }
    }
}

/// What is done about the mount.
#[derive(Debug)]
pub enum MountPlan<'a> {
    /// The volume is mounted here.
    Add {
        /// The flag's path, or the next free one.
        path: Cow<'a, str>,
    },
    /// The container mounts the volume here already.
    Existing {
        /// The path as written.
        path: &'a str,
    },
    /// The container sets credentials, region and STS itself: it is left unchanged.
    NotNeeded,
}

/// Decides on the containers of one pod.
pub(super) struct ContainerJudge<'a, 'v> {
    pub(super) pod: &'a Pod<'a>,
    pub(super) volume: &'v VolumePlan<'a>,
    pub(super) grant: &'a Grant,
    pub(super) defaults: &'a Defaults,
    pub(super) credentials: &'v Credentials<'a>,
    pub(super) platform: Platform,
    pub(super) selection: &'v ContainerSelection,
    /// The pod that has the volumes.
    pub(super) settings: &'a Pod<'a>,
    /// The audience of the pod's token.
    pub(super) audience: &'a str,
    /// The token's file where nearly all containers have it.
    pub(super) usual_file: &'v str,
    pub(super) tokens: OnceCell<Tokens<'a>>,
}

impl<'a> ContainerJudge<'a, '_> {
    pub(super) fn container(
        &self,
        container: &'a Container<'a>,
        warnings: &mut Vec<Warning>,
    ) -> ContainerPlan<'a> {
        let verdict = match self.selection.skips(&container.name) {
            Some(reason) => Verdict::Skipped(reason),
            None => Verdict::Judged(self.additions(container, warnings)),
        };
        let access = self.access(container, &verdict);
        let difference = self.difference(container, access);
        ContainerPlan { container, verdict, access, difference }
    }

    fn additions(&self, container: &'a Container<'a>, warnings: &mut Vec<Warning>) -> Additions<'a> {
        let set = container.env_names;
        let regional_sts = self.grant.preferences().regional_sts.unwrap_or(self.defaults.regional_sts);
        let sts = Variable::judge(set, &[env::STS_REGIONAL_ENDPOINTS], regional_sts);
        let region =
            Variable::judge(set, &[env::REGION, env::DEFAULT_REGION], self.defaults.region.is_some());
        let credentials = Variable::judge(set, &self.pair(), true);
        let endpoint_mode = if self.credentials.endpoint_mode().is_some() && credentials.is_added() {
            Variable::judge(set, &[env::METADATA_ENDPOINT_MODE], true)
        } else {
            Variable::NotConfigured
        };
        let all_set =
            [sts, region, credentials].iter().all(|variable| matches!(variable, Variable::AlreadySet(_)));
        let mount = if all_set { MountPlan::NotNeeded } else { self.mount(container, warnings) };
        Additions { sts, region, credentials, endpoint_mode, mount }
    }

    /// Where the container mounts the token's volume already.
    fn existing_mount(&self, container: &'a Container<'a>) -> Option<&'a Mount<'a>> {
        let ours = |mount: &&Mount<'_>| mount.volume == self.volume.name() && !mount.is_sub_path;
        self.pod.mounts(container).iter().find(ours)
    }

    fn mount(&self, container: &'a Container<'a>, warnings: &mut Vec<Warning>) -> MountPlan<'a> {
        if let Some(mount) = self.existing_mount(container) {
            return MountPlan::Existing { path: &mount.path };
        }
        let mounts = self.pod.mounts(container);
        let wanted = self.defaults.token_volume(self.grant.method()).mount_path.as_str();
        let path = path::free(wanted, mounts.iter().map(|mount| &*mount.path), self.platform);
        if path != wanted {
            warnings.push(Warning::MountPathTaken {
                container: container.name.to_string(),
                path: wanted.to_owned(),
                used: path.to_string(),
            });
        }
        MountPlan::Add { path }
    }
}

/// Which containers the pod's annotations leave to the webhook.
pub(super) struct ContainerSelection {
    skip: Option<BTreeSet<String>>,
    only: Option<BTreeSet<String>>,
}

impl ContainerSelection {
    pub(super) fn of(metadata: &Metadata<'_>, warnings: &mut Vec<Warning>) -> Result<Self, Excess> {
        let mut names = |value: Option<&str>, annotation| match value.map(annotation::names) {
            None => Ok(None),
            Some(Ok(names)) if !names.is_empty() => Ok(Some(BTreeSet::from_iter(names))),
            Some(Ok(_) | Err(NamesError::Malformed)) => {
                warnings.push(Warning::NamesUnreadable { annotation });
                Ok(None)
            }
            Some(Err(NamesError::TooMany)) => Err(Excess::ContainerNames),
        };
        Ok(Self {
            skip: names(metadata.skip_containers.as_deref(), annotation::SKIP_CONTAINERS)?,
            only: names(metadata.inject_containers.as_deref(), annotation::INJECT_CONTAINERS)?,
        })
    }

    pub(super) fn skips(&self, name: &str) -> Option<SkipReason> {
        let has = |names: &BTreeSet<String>| names.contains(name);
        if self.skip.as_ref().is_some_and(has) {
            Some(SkipReason::Named)
        } else if self.only.as_ref().is_some_and(|names| !has(names)) {
            Some(SkipReason::NotNamed)
        } else {
            None
        }
    }
}
