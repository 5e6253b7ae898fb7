//! How much a pod depends on its identity: how far the search for one goes.

use crate::injection::Pod;
use crate::injection::denial::Demand;

/// How much a pod depends on its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// As any pod: what the sources were last known to say is enough.
    Usual,
    /// The pod says that it is to have EKS Pod Identity: without an association it is not let go
    /// before the sources that can be asked for one account were asked.
    OptedIn,
    /// Without an identity the pod is refused, and it is refused only after everything that can be
    /// asked was asked.
    Required(Demand),
}

impl Need {
    /// What a pod says of itself, and `namespace` of all its pods. The label that EKS puts on pods of
    /// associations is there before the webhook has seen the pod only if somebody wrote it.
    #[must_use]
    pub fn of(pod: &Pod<'_>, namespace: Option<Demand>) -> Self {
        let own = pod.metadata.requires_identity.then_some(Demand::Pod);
        match own.or(namespace) {
            Some(demand) => Self::Required(demand),
            None if pod.metadata.has_pod_identity_label => Self::OptedIn,
            None => Self::Usual,
        }
    }

    /// Who requires an identity, if anybody does.
    #[must_use]
    pub fn demand(self) -> Option<Demand> {
        match self {
            Self::Usual | Self::OptedIn => None,
            Self::Required(demand) => Some(demand),
        }
    }

    /// Whether sources that can be asked for one account are asked before a pod goes without an
    /// association.
    pub(super) fn asks(self) -> bool {
        match self {
            Self::Usual => false,
            Self::OptedIn | Self::Required(_) => true,
        }
    }
}
