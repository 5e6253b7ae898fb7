//! How much a pod depends on its identity: how far the search for one goes.

use crate::injection::Pod;

/// How much a pod depends on its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// As any pod: what the sources were last known to say is enough.
    Usual,
    /// The pod says that it is to have EKS Pod Identity: without an association it is not let go
    /// before the sources that can be asked for one account were asked.
    OptedIn,
}

impl Need {
    /// What a pod says of itself: the label that EKS puts on pods of associations, which is there
    /// before the webhook has seen the pod only if somebody wrote it.
    #[must_use]
    pub fn of(pod: &Pod<'_>) -> Self {
        if pod.metadata.has_pod_identity_label { Self::OptedIn } else { Self::Usual }
    }
}
