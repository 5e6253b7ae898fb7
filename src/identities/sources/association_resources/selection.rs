//! Which custom resources are read, and which of them count.

use crate::aws::ClusterName;

/// Whose custom resources hold associations: those of controllers that make them in AWS, and this project's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// AWS Controllers for Kubernetes.
    Ack,
    /// Crossplane, with the provider of Upbound.
    Crossplane,
    /// None: the resource of [`crate::association`] is the association itself.
    Own,
}

/// Which resources count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The cluster whose associations alone count; `None` if those of any cluster do.
    pub cluster: Option<ClusterName>,
    /// The namespaces whose accounts a resource may name.
    pub namespaces: Namespaces,
    /// Whether associations count that AWS, as far as is known, does not have yet.
    pub pending: Pending,
    /// How much is kept of each.
    pub detail: Detail,
}

/// How much is kept of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Whose it is, and its roles where they are the role policy's concern: all that admissions need.
    #[default]
    Account,
    /// What it says of credentials too, which the node's agent goes by.
    Terms,
}

/// The namespaces whose accounts a resource may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespaces {
    /// A resource may name accounts of its own namespace. Outside namespaces it may name none.
    #[default]
    Own,
    /// A resource may name any account: who may write one and its status can take any account's identity.
    Any,
}

/// Whether associations count that AWS, as far as is known, does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pending {
    /// Such associations do not count.
    #[default]
    Wait,
    /// Such associations count.
    Use,
}

impl Namespaces {
    /// `Own` if `is_own`, otherwise `Any`.
    #[must_use]
    pub fn own(is_own: bool) -> Self {
        if is_own { Self::Own } else { Self::Any }
    }
}

impl Controller {
    /// All controllers, in the order of their names.
    pub const ALL: [Self; 3] = [Self::Ack, Self::Crossplane, Self::Own];

    /// The controller's name in the flag, and as a source in log, metrics and readiness.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Crossplane => "crossplane",
            Self::Own => "own",
        }
    }
}
