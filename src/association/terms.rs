//! What an association says of its pods' credentials, whoever keeps it.

use super::identifier::{AssociationId, external_id};
use super::spec::Spec;

/// What an association says of its pods' credentials. Where one is changed, it is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The association's id; empty for an entry of a file, which has none.
    pub id: Box<str>,
    /// ARN of the role.
    pub role_arn: Box<str>,
    /// ARN of a second role, which is assumed with the first.
    pub target_role_arn: Option<Box<str>>,
    /// Whether the session has no tags of cluster, namespace and pod.
    pub disable_session_tags: bool,
    /// Session policy.
    pub policy: Option<Box<str>>,
    /// What the target role's trust policy may ask for as `sts:ExternalId`.
    pub external_id: Option<Box<str>>,
}

impl Terms {
    /// The terms of an object of this project's own kind, whose ids follow from its UID.
    #[must_use]
    pub fn given(uid: &str, spec: &Spec) -> Self {
        let boxed = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Into::into);
        Self {
            id: AssociationId::of_uid(uid).as_str().into(),
            role_arn: spec.role_arn.as_str().into(),
            target_role_arn: boxed(&spec.target_role_arn),
            disable_session_tags: spec.disable_session_tags.unwrap_or_default(),
            policy: boxed(&spec.policy),
            external_id: spec.target_role_arn.as_ref().map(|_| external_id(uid).into()),
        }
    }

    /// The roles that pods come to.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        [Some(&*self.role_arn), self.target_role_arn.as_deref()].into_iter().flatten()
    }
}
