//! Why a pod is admitted as it is.

use alloc::string::String;

use super::Outcome;
use super::excess::Excess;
use super::policy::Forbidden;

/// Why a pod is admitted as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The review is not about a pod that is made, nor about ephemeral containers that are added.
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
    /// The role policy does not allow the role, and the pod runs: its ephemeral containers get none.
    RoleWithheld {
        /// The role, as it would be injected.
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
