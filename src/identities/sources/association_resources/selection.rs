//! Which custom resources are read, and which of them count.

use crate::aws::ClusterName;

/// What makes associations of custom resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// AWS Controllers for Kubernetes.
    Ack,
    /// Crossplane, with the provider of Upbound.
    Crossplane,
}

/// Which resources count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Those for this cluster alone.
    pub cluster: Option<ClusterName>,
    /// Whose accounts a resource may name.
    pub namespaces: Namespaces,
    /// What to make of associations that AWS does not have yet, as far as is known.
    pub pending: Pending,
}

/// Whose accounts a resource may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespaces {
    /// Those of its own namespace. One that is in none counts for none.
    #[default]
    Own,
    /// Those of any namespace: whoever may write a resource and its status takes any account's identity.
    Any,
}

/// What to make of associations that AWS does not have yet, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pending {
    /// They do not count.
    #[default]
    Wait,
    /// They count.
    Use,
}

impl Namespaces {
    /// Their own alone, or any.
    #[must_use]
    pub fn own(is_own: bool) -> Self {
        if is_own { Self::Own } else { Self::Any }
    }
}

impl Controller {
    /// All of them, in order.
    pub const ALL: [Self; 2] = [Self::Ack, Self::Crossplane];

    /// Its name: in the flag, and as a source in log, metrics and readiness.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Crossplane => "crossplane",
        }
    }
}
