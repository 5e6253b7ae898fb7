//! Whether SDKs in a container find the pod's identity: judged by the values of the variables and by what is
//! mounted, not by the variables' names alone.

use core::fmt;

use super::super::grant::Method;
use super::super::path;
use super::super::pod::{Container, Mount, Value, env};
use super::container::{ContainerJudge, MountPlan, SkipReason, Verdict};
use super::own;

/// Whether SDKs in a container find the pod's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The webhook adds the pair.
    Added,
    /// The container sets the pair itself as the webhook would: so at a second admission.
    Present,
    /// The container sets the pair itself, for the pod's token, but for another role or agent.
    Other,
    /// SDKs do not find it.
    None(Unable),
}

/// Why SDKs in a container do not find the pod's identity. Display is a noun phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unable {
    /// The pod's annotations leave the container out.
    Skipped(SkipReason),
    /// The container sets one variable of the pair, and the webhook leaves such a pair unchanged.
    Half {
        /// The variable that has a value.
        set: &'static str,
        /// The one that has none.
        missing: &'static str,
        /// Whether the other one is there, but empty.
        is_empty: bool,
    },
    /// The container sets these without a value, and the webhook leaves the pair unchanged.
    Empty {
        /// The first of the pair, or the only one that is there.
        first: &'static str,
        /// The second, if both are there.
        second: Option<&'static str>,
    },
    /// The container brings other credentials, by this variable first of all.
    Elsewhere(&'static str),
    /// The container sets this variable of the pair, and `envFrom` may set the other one.
    Unseen(&'static str),
}

/// A pair that a container sets itself, for another role or agent than the pod's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The role, or the agent's URI.
    pub there: &'a str,
    /// Whether the container has a token of its own for it, so that it is so on purpose: the file is not where
    /// webhooks put theirs.
    pub has_own_token: bool,
}

impl Access {
    /// Whether SDKs find the identity that the webhook would inject.
    #[must_use]
    pub fn is_used(self) -> bool {
        matches!(self, Self::Added | Self::Present)
    }

    /// Whether SDKs can get credentials with the pod's token, of whatever role.
    #[must_use]
    pub fn is_usable(self) -> bool {
        !matches!(self, Self::None(_))
    }
}

impl Unable {
    /// Whether it is a mistake: SDKs find nothing but the node's own credentials, and nobody said that they should.
    #[must_use]
    pub fn is_mistake(self) -> bool {
        matches!(self, Self::Half { .. } | Self::Empty { .. })
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(reason) => write!(f, "left out by {}", reason.annotation()),
            Self::Half { set, missing, is_empty: false } => write!(f, "{set} without {missing}"),
            Self::Half { set, missing, is_empty: true } => write!(f, "{set} with an empty {missing}"),
            Self::Empty { first, second: Some(second) } => write!(f, "{first} and {second} are empty"),
            Self::Empty { first, second: None } => write!(f, "{first} is empty"),
            Self::Elsewhere(variable) => write!(f, "other credentials by {variable}"),
            Self::Unseen(variable) => write!(f, "{variable} alone, unless envFrom sets the other variable"),
        }
    }
}

impl<'a> ContainerJudge<'a, '_> {
    /// The names of the credential pair.
    pub(super) fn pair(&self) -> [&'static str; 2] {
        match self.grant.method() {
            Method::WebIdentity => [env::ROLE_ARN, env::WEB_IDENTITY_TOKEN_FILE],
            Method::ContainerCredentials => [env::CREDENTIALS_FULL_URI, env::AUTHORIZATION_TOKEN_FILE],
        }
    }

    /// Whether SDKs in the container find the identity, once it has what was decided.
    pub(super) fn access(&self, container: &'a Container<'a>, verdict: &Verdict<'a>) -> Access {
        let added = match verdict {
            Verdict::Judged(additions) if additions.credentials.is_added() => return Access::Added,
            Verdict::Judged(additions) => match &additions.mount {
                MountPlan::Add { path } => Some(&**path),
                MountPlan::Existing { .. } | MountPlan::NotNeeded => None,
            },
            Verdict::Skipped(_) => None,
        };
        let pair = self.pair();
        let [first, second] = pair;
        match pair.map(|name| container.filled.contains(name)) {
            [true, true] if self.has_token(container, second, added) => {
                if self.other_value(container).is_some() { Access::Other } else { Access::Present }
            }
            [true, true] => Access::None(Unable::Elsewhere(first)),
            filled => Access::None(self.unable(container, verdict, pair, filled)),
        }
    }

    fn unable(
        &self,
        container: &'a Container<'a>,
        verdict: &Verdict<'a>,
        [first, second]: [&'static str; 2],
        [has_first, has_second]: [bool; 2],
    ) -> Unable {
        // An agent of the container's own may need no token.
        let is_elsewhere = has_first && self.grant.method() == Method::ContainerCredentials;
        if is_elsewhere && self.other_value(container).is_some() {
            return Unable::Elsewhere(first);
        }
        if let Some(variable) = own::other(self.pod, container, self.grant.method()) {
            return Unable::Elsewhere(variable);
        }
        if let Verdict::Skipped(reason) = verdict {
            return Unable::Skipped(*reason);
        }
        let (set, missing) = if has_first { (first, second) } else { (second, first) };
        if container.has_env_from {
            return Unable::Unseen(set);
        }
        let is_set = |name| container.env_names.contains(name);
        if has_first || has_second {
            return Unable::Half { set, missing, is_empty: is_set(missing) };
        }
        if is_set(first) {
            Unable::Empty { first, second: is_set(second).then_some(second) }
        } else {
            Unable::Empty { first: second, second: None }
        }
    }

    /// Whether the file that the container's own variable names is the pod's token; `added` is where the volume
    /// is mounted now. A value that cannot be seen is trusted if the container has the token at all.
    fn has_token(&self, container: &'a Container<'a>, variable: &str, added: Option<&str>) -> bool {
        let mounts = self.pod.mounts(container).iter();
        let ours = |mount: &&Mount<'_>| mount.volume == self.volume.name() && !mount.is_sub_path;
        let mut mounted = mounts.filter(ours).map(|mount| &*mount.path).chain(added);
        let token = |mount: &str| path::file(mount, self.volume.token_path(), self.platform);
        match self.pod.value(container, variable) {
            Some(Value::Text(file)) => mounted.any(|mount| self.same(&token(mount), file)),
            Some(Value::Unseen) | None => mounted.next().is_some(),
        }
    }

    /// How a pair that the container sets itself differs from what the webhook would set.
    pub(super) fn difference(&self, container: &'a Container<'a>, access: Access) -> Option<Difference<'a>> {
        let [_, file] = self.pair();
        if !self.pair().iter().all(|name| container.filled.contains(name)) {
            return None;
        }
        let volume = self.defaults.token_volume(self.grant.method());
        let usual = path::file(&volume.mount_path, &volume.token_path, self.platform);
        let is_usual = match self.pod.value(container, file) {
            Some(Value::Text(file)) => self.same(file, &usual),
            Some(Value::Unseen) | None => true,
        };
        let has_own_token = access != Access::Other && !is_usual;
        self.other_value(container).map(|there| Difference { there, has_own_token })
    }

    fn same(&self, one: &str, other: &str) -> bool {
        path::place(one, self.platform) == path::place(other, self.platform)
    }

    /// The value of the pair's first variable, the role or the agent, where the container sets another one than
    /// the webhook would.
    fn other_value(&self, container: &'a Container<'a>) -> Option<&'a str> {
        let [name, _] = self.pair();
        let there = self.pod.value(container, name)?.text().filter(|text| !text.is_empty())?;
        (**there != *self.credentials.wanted()).then_some(&**there)
    }
}
