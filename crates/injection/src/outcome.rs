//! How an admission ended: one list for the log field, the metric's label and the audit annotation.

use core::fmt;

/// How an admission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The pod got its identity, and at least one of its containers is set up to use it.
    Injected,
    /// The pod already has everything that belongs to its identity.
    Complete,
    /// The pod has an identity, and whatever was added of it, none of its containers is set up to use it.
    Unused,
    /// The role is not a valid IAM role ARN, and the operator wants such pods refused.
    RoleArnDenied,
    /// The role policy does not allow the role.
    RolePolicyDenied,
    /// The role policy does not allow the role, but is not enforced: the pod got its identity.
    RolePolicyWarned,
    /// The role policy does not allow the role: an ephemeral container is admitted without it.
    RolePolicyWithheld,
    /// An identity is required, and there is none.
    RequiredMissing,
    /// An identity is required and there is one, but no container would find it.
    RequiredUnused,
    /// There is an identity, but the pod is beyond a bound and left unchanged.
    Excess,
    /// The account has no role and no association.
    NoIdentity,
    /// The account does not exist.
    AccountMissing,
    /// The pod mirrors a static pod: the API server refuses token volumes in it.
    MirrorPod,
    /// An ephemeral container would need a volume that the pod does not have.
    NoVolume,
    /// The request creates no pod and adds no ephemeral container.
    NotHandled,
    /// The body is not a valid admission review, or too large.
    Malformed,
    /// The identity could not be found out: the API server has to ask again.
    Unavailable,
    /// The caller did not wait for the answer.
    Abandoned,
    /// The webhook has a bug.
    Failed,
}

impl Outcome {
    /// Every outcome, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::Injected,
        Self::Complete,
        Self::Unused,
        Self::RoleArnDenied,
        Self::RolePolicyDenied,
        Self::RolePolicyWarned,
        Self::RolePolicyWithheld,
        Self::RequiredMissing,
        Self::RequiredUnused,
        Self::Excess,
        Self::NoIdentity,
        Self::AccountMissing,
        Self::MirrorPod,
        Self::NoVolume,
        Self::NotHandled,
        Self::Malformed,
        Self::Unavailable,
        Self::Abandoned,
        Self::Failed,
    ];

    /// The word in logs, metrics and audit annotations.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Complete => "complete",
            Self::Unused => "identity_unused",
            Self::RoleArnDenied => "role_arn_denied",
            Self::RolePolicyDenied => "role_policy_denied",
            Self::RolePolicyWarned => "role_policy_warned",
            Self::RolePolicyWithheld => "role_policy_withheld",
            Self::RequiredMissing => "required_identity_missing",
            Self::RequiredUnused => "required_identity_unused",
            Self::Excess => "excess",
            Self::NoIdentity => "no_identity",
            Self::AccountMissing => "service_account_missing",
            Self::MirrorPod => "mirror_pod",
            Self::NoVolume => "no_volume",
            Self::NotHandled => "not_handled",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
        }
    }

    /// The sentence that `inject --explain` prints.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Injected => "the pod gets its AWS identity",
            Self::Complete => "the pod already has everything that belongs to its AWS identity",
            Self::Unused => "the pod has an AWS identity, but none of its containers is set up to use it",
            Self::RoleArnDenied => {
                "the pod is refused: its role is not a valid IAM role ARN, and --role-arn-validation is enforce"
            }
            Self::RolePolicyDenied => "the pod is refused: the role policy does not allow its role",
            Self::RolePolicyWarned => {
                "the pod gets its AWS identity, though the role policy does not allow its role: --role-policy-mode is warn"
            }
            Self::RolePolicyWithheld => {
                "the ephemeral container gets no AWS identity: the role policy does not allow the pod's role"
            }
            Self::RequiredMissing => "the pod is refused: it must have an AWS identity, and has none",
            Self::RequiredUnused => {
                "the pod is refused: it must have an AWS identity, and none of its containers would use it"
            }
            Self::Excess => "the pod is left unchanged: it is beyond a bound that no real pod reaches",
            Self::NoIdentity => "the ServiceAccount has no role and no association: nothing to inject",
            Self::AccountMissing => "the ServiceAccount is not known: nothing to inject",
            Self::MirrorPod => "the pod mirrors a static pod: the API server refuses token volumes in it",
            Self::NoVolume => "the pod has no token volume that its ephemeral container could mount",
            Self::NotHandled => "the request creates no pod and adds no ephemeral container",
            Self::Malformed => "the request could not be read",
            Self::Unavailable => "the identity could not be found out in time; the API server asks again",
            Self::Abandoned => "the caller did not wait for the answer",
            Self::Failed => "the webhook has a bug",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}
