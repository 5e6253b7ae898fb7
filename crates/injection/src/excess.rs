//! Bounds that no pod exceeds that could be stored and run: on the pod, and on what its account asks for.
//!
//! The API server calls webhooks before it validates, so anyone who may create a pod can send three
//! megabytes of anything; and each few bytes of it would become a container in memory and a line of
//! the patch. A pod beyond these bounds is left unchanged.

use core::fmt;

/// A bound. It is small while fuzzing, so that inputs of a few hundred bytes reach it.
const fn bound(real: usize, fuzzed: usize) -> usize {
    if cfg!(fuzzing) { fuzzed } else { real }
}

/// Containers of a pod, in all its lists together. A node runs 110 pods by default, and no kubelet has been
/// seen with a pod of a hundred containers.
pub const CONTAINERS: usize = bound(1_000, 4);

/// Volumes of a pod: more than are mounted on any node.
pub const VOLUMES: usize = bound(1_000, 4);

/// Tokens that are projected into a pod's volumes.
pub const TOKENS: usize = bound(1_000, 3);

/// Mounts of all containers together: ten for each of as many containers as are taken.
pub const VOLUME_MOUNTS: usize = bound(10_000, 6);

/// Names in `skip-containers`, and in `inject-containers`: as many as there are containers.
pub const CONTAINER_NAMES: usize = CONTAINERS;

/// Longest ARN of a role that STS takes, in characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
pub const ROLE_ARN: usize = 2_048;

/// Longest audience, in characters: IAM's OIDC providers take client ids of 255.
pub const AUDIENCE: usize = 2_048;

/// Bytes of a patch: the API server accepts no object larger than 3 MiB.
pub const PATCH: usize = bound(3 << 20, 4096);

/// How many characters of somebody else's text a line quotes at most.
pub const TOLD: usize = 80;

/// The bound that a pod is beyond. Display is a clause with its own subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// [`CONTAINERS`].
    Containers,
    /// [`VOLUMES`].
    Volumes,
    /// [`TOKENS`].
    Tokens,
    /// [`VOLUME_MOUNTS`].
    VolumeMounts,
    /// [`CONTAINER_NAMES`].
    ContainerNames,
    /// [`ROLE_ARN`].
    RoleArn,
    /// [`AUDIENCE`].
    Audience,
    /// [`PATCH`].
    Patch,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Containers => write!(f, "the pod has more than {CONTAINERS} containers"),
            Self::Volumes => write!(f, "the pod has more than {VOLUMES} volumes"),
            Self::Tokens => write!(f, "the pod's volumes hold more than {TOKENS} tokens"),
            Self::VolumeMounts => write!(f, "the pod has more than {VOLUME_MOUNTS} volume mounts"),
            Self::ContainerNames => {
                write!(f, "an annotation of the pod names more than {CONTAINER_NAMES} containers")
            }
            Self::RoleArn => {
                write!(f, "the role of the pod's ServiceAccount is longer than {ROLE_ARN} characters")
            }
            Self::Audience => {
                write!(f, "the audience of the pod's ServiceAccount is longer than {AUDIENCE} characters")
            }
            Self::Patch => write!(f, "the patch would be larger than {} MiB", PATCH >> 20),
        }
    }
}
