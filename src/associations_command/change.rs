//! What `create` and `update` are to write: the flags, and how they change an association.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::args::{CreateArgs, UpdateArgs};
use crate::association::Spec;
use crate::source::regular_file;

/// The largest file with a policy, in bytes: far more than the 2,048 characters that STS takes, so that one too long is told
/// by its characters.
const LARGEST_POLICY: u64 = 1 << 20;

/// What an update changes; `None` is left as it is, and a text that is empty is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) role_arn: Option<String>,
    pub(super) target_role_arn: Option<String>,
    pub(super) disable_session_tags: Option<bool>,
    pub(super) policy: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) removed_tags: Vec<String>,
    pub(super) cluster_name: Option<String>,
}

impl Change {
    /// What the flags of `update` change.
    pub(super) fn read(args: &UpdateArgs) -> Result<Self> {
        let UpdateArgs { role_arn, target_role_arn, disable_session_tags, policy, policy_file, .. } = args;
        let UpdateArgs { tags, removed_tags, cluster_name, .. } = args;
        Ok(Self {
            role_arn: role_arn.clone(),
            target_role_arn: target_role_arn.clone(),
            disable_session_tags: *disable_session_tags,
            policy: written(policy.as_deref(), policy_file.as_deref())?,
            tags: tags.clone(),
            removed_tags: removed_tags.clone(),
            cluster_name: cluster_name.clone(),
        })
    }

    /// The association as it then is.
    pub(super) fn applied(&self, before: &Spec) -> Spec {
        let Self {
            role_arn,
            target_role_arn,
            disable_session_tags,
            policy,
            tags,
            removed_tags,
            cluster_name,
        } = self;
        let changed = |new: &Option<String>, old: &Option<String>| match new.as_deref() {
            None => old.clone(),
            Some("") => None,
            Some(new) => Some(new.to_owned()),
        };
        let mut all = before.tags.clone();
        all.retain(|key, _| !removed_tags.contains(key));
        all.extend(tags.iter().cloned());
        Spec {
            role_arn: role_arn.clone().unwrap_or_else(|| before.role_arn.clone()),
            target_role_arn: changed(target_role_arn, &before.target_role_arn),
            disable_session_tags: disable_session_tags.or(before.disable_session_tags),
            policy: changed(policy, &before.policy),
            tags: all,
            cluster_name: changed(cluster_name, &before.cluster_name),
        }
    }

    /// Whether there is nothing to change.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the flags of `create` say.
pub(super) fn spec(args: &CreateArgs) -> Result<Spec> {
    let CreateArgs { role_arn, target_role_arn, disable_session_tags, policy, policy_file, .. } = args;
    let CreateArgs { tags, cluster_name, .. } = args;
    // One that is empty stays, to be refused: a script whose variable is not set must not give pods more than was meant.
    Ok(Spec {
        role_arn: role_arn.clone(),
        target_role_arn: target_role_arn.clone(),
        disable_session_tags: *disable_session_tags,
        policy: written(policy.as_deref(), policy_file.as_deref())?,
        tags: tags.iter().cloned().collect(),
        cluster_name: cluster_name.clone(),
    })
}

/// The policy of one of the two flags. IAM takes no blanks before it, and files end with a line break; blanks on the command
/// line are no file's, and only what is empty removes a policy.
fn written(policy: Option<&str>, file: Option<&Path>) -> Result<Option<String>> {
    let Some(path) = file else { return Ok(policy.map(str::to_owned)) };
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(LARGEST_POLICY + 1)
            .read_to_end(&mut bytes)
            .context("failed to read standard input")?;
        if bytes.len() as u64 > LARGEST_POLICY {
            bail!("standard input is larger than {} MiB, as no policy is", LARGEST_POLICY >> 20);
        }
        bytes
    } else {
        regular_file::read(path, LARGEST_POLICY)
            .with_context(|| format!("failed to read --policy-file {}", path.display()))?
    };
    let text = String::from_utf8(bytes);
    let text = text.with_context(|| format!("--policy-file {} is not UTF-8", path.display()))?;
    match text.trim() {
        "" => bail!("--policy-file {} is empty; --policy='' removes a policy", path.display()),
        policy => Ok(Some(policy.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            role_arn: "one".to_owned(),
            target_role_arn: Some("two".to_owned()),
            disable_session_tags: Some(true),
            policy: Some("{}".to_owned()),
            tags: [("a", "b"), ("c", "d")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            cluster_name: Some("prod".to_owned()),
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        assert_eq!(Change::default().applied(&spec()), spec());
        assert!(Change::default().is_empty());
        let change = Change { role_arn: Some("new".to_owned()), ..Change::default() };
        assert_eq!(change.applied(&spec()), Spec { role_arn: "new".to_owned(), ..spec() });
        assert!(!change.is_empty());
    }

    #[test]
    fn what_is_empty_is_removed() {
        let empty = Some(String::new());
        let change = Change {
            target_role_arn: empty.clone(),
            policy: empty.clone(),
            cluster_name: empty,
            disable_session_tags: Some(false),
            removed_tags: vec!["a".to_owned(), "missing".to_owned()],
            ..Change::default()
        };
        let after = Spec {
            role_arn: "one".to_owned(),
            disable_session_tags: Some(false),
            tags: [("c".to_owned(), "d".to_owned())].into(),
            ..Spec::default()
        };
        assert_eq!(change.applied(&spec()), after);
    }

    #[test]
    fn a_tag_is_set_and_those_beside_it_stay() {
        let tags = [("a", "new"), ("e", "f")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let change = Change { tags: tags.to_vec(), ..Change::default() };
        let all =
            [("a", "new"), ("c", "d"), ("e", "f")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(change.applied(&spec()).tags, all.into());
    }
}
