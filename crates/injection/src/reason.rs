//! Why a pod is admitted unchanged.

use alloc::string::String;

use super::Outcome;
use super::excess::Excess;
use super::policy::Forbidden;

/// Why a pod is admitted unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The request creates no pod and adds no ephemeral container.
    NotHandled,
    /// The pod mirrors a static pod.
    MirrorPod,
    /// The account does not exist.
    AccountMissing,
    /// The account has no identity.
    NoIdentity,
    /// No ephemeral container is new, or the pod's annotations keep out those that are.
    NothingNew,
    /// Ephemeral containers would need a volume that their pod does not have.
    NoVolume,
    /// The pod is beyond a bound.
    Excess(Excess),
    /// The role policy does not allow the role, and the pod runs: its new ephemeral containers do not get it.
    RoleWithheld {
        /// The role as it would be injected.
        role_arn: String,
        /// Why the policy does not allow it.
        why: Forbidden,
    },
}

impl Reason {
    /// How the admission ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotHandled => Outcome::NotHandled,
            Self::MirrorPod => Outcome::MirrorPod,
            Self::AccountMissing => Outcome::AccountMissing,
            Self::NoIdentity => Outcome::NoIdentity,
            Self::NothingNew => Outcome::Complete,
            Self::NoVolume => Outcome::NoVolume,
            Self::Excess(_) => Outcome::Excess,
            Self::RoleWithheld { .. } => Outcome::RolePolicyWithheld,
        }
    }
}
