//! Whether SDKs in a container find the pod's identity: judged by the values of the variables and by what is
//! mounted, not by the variables' names alone.

use alloc::borrow::Cow;
use core::fmt;

use super::super::grant::Method;
use super::super::pod::{Container, Value, env};
use super::container::{ContainerJudge, MountPlan, SkipReason, Verdict};
use super::tokens::{File, Tokens};
use super::{VolumePlan, own};

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
    /// The container sets the pair, and this variable of it names a file that is not there.
    NoToken(&'static str),
    /// The container sets the pair, and this variable of it names a file of the container's own.
    OwnToken(&'static str),
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
    /// Whether the container has a token of its own for it, so that it is so on purpose.
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
        matches!(self, Self::Half { .. } | Self::Empty { .. } | Self::NoToken(_))
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
            Self::NoToken(variable) => write!(f, "{variable} names no token of the pod"),
            Self::OwnToken(variable) => write!(f, "another file than the pod's token in {variable}"),
            Self::Elsewhere(variable) => write!(f, "other credentials by {variable}"),
            Self::Unseen(variable) => write!(f, "{variable} alone, unless envFrom sets the other variable"),
        }
    }
}

/// The names of a method's credential pair.
pub(super) fn pair(method: Method) -> [&'static str; 2] {
    match method {
        Method::WebIdentity => [env::ROLE_ARN, env::WEB_IDENTITY_TOKEN_FILE],
        Method::ContainerCredentials => [env::CREDENTIALS_FULL_URI, env::AUTHORIZATION_TOKEN_FILE],
    }
}

impl<'a> ContainerJudge<'a, '_> {
    /// The names of the credential pair.
    pub(super) fn pair(&self) -> [&'static str; 2] {
        pair(self.grant.method())
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
        let filled = pair.map(|name| container.filled.contains(name));
        if filled != [true, true] {
            return Access::None(self.unable(container, verdict, pair, filled));
        }
        let [_, file] = pair;
        match (self.file(container, file, added), verdict) {
            (File::OwnToken, _) if self.other_value(container).is_some() => {
                Access::None(Unable::OwnToken(file))
            }
            (File::Token, _) if self.other_value(container).is_some() => Access::Other,
            (File::Token | File::OwnToken, _) => Access::Present,
            (File::Missing, Verdict::Skipped(reason)) => Access::None(Unable::Skipped(*reason)),
            (File::Missing, Verdict::Judged(_)) => Access::None(Unable::NoToken(file)),
            (File::Other, _) => Access::None(Unable::OwnToken(file)),
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

    /// What the file is that the container's own variable names; `added` is where the volume is mounted now. A value
    /// that cannot be seen is trusted if the container has a token at all.
    fn file(&self, container: &'a Container<'a>, variable: &str, added: Option<&str>) -> File {
        let mounts = self.pod.mounts(container);
        match self.pod.value(container, variable) {
            Some(Value::Text(file)) => {
                let added = added.map(|path| (self.volume.name(), path));
                self.tokens().file(file, mounts, added, self.usual_file)
            }
            Some(Value::Unseen) | None if added.is_some() || self.tokens().has_any(mounts) => File::Token,
            Some(Value::Unseen) | None => File::Other,
        }
    }

    /// The pod's tokens, and the one that is added; few pods set a pair themselves, so that it matters.
    fn tokens(&self) -> &Tokens<'a> {
        self.tokens.get_or_init(|| {
            let (chosen, added) = match self.volume {
                VolumePlan::Add { name, token_path, .. } => (name.clone(), Some(token_path)),
                VolumePlan::Reuse { name, .. } => (Cow::Borrowed(*name), None),
            };
            let mut tokens = Tokens::of(self.settings, self.audience, chosen, self.platform);
            if let Some(token_path) = added {
                tokens.add(token_path);
            }
            tokens
        })
    }

    /// How a pair that the container sets itself differs from what the webhook would set.
    pub(super) fn difference(&self, container: &'a Container<'a>, access: Access) -> Option<Difference<'a>> {
        let has_own_token = match access {
            Access::None(Unable::OwnToken(_)) => true,
            Access::Present | Access::Other | Access::None(Unable::NoToken(_)) => false,
            Access::Added | Access::None(_) => return None,
        };
        self.other_value(container).map(|there| Difference { there, has_own_token })
    }

    /// The value of the pair's first variable, the role or the agent, where the container sets another one than
    /// the webhook would.
    fn other_value(&self, container: &'a Container<'a>) -> Option<&'a str> {
        let [name, _] = self.pair();
        let there = self.pod.value(container, name)?.text().filter(|text| !text.is_empty())?;
        (**there != *self.credentials.wanted()).then_some(&**there)
    }
}
