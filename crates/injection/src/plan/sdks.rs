//! What SDKs in a container find: judged by the values of its variables and by what is mounted, not by the
//! variables' names alone.

use alloc::borrow::Cow;

use super::super::grant::Method;
use super::super::pod::{Container, Value};
use super::super::unable::Unable;
use super::access::{Access, Difference};
use super::container::{ContainerJudge, MountPlan, Verdict};
use super::tokens::{File, Tokens};
use super::{VolumePlan, credentials, own};

impl<'a> ContainerJudge<'a, '_> {
    /// The names of the credential pair.
    pub(super) fn pair(&self) -> [&'static str; 2] {
        credentials::pair(self.grant.method())
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
