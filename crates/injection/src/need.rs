//! How much a pod depends on its identity, so how far the search for one goes, and what the search prefers.

use super::defaults::Defaults;
use super::denial::Demand;
use super::pod::Pod;

/// How much a pod depends on its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The pod is like any other: what the sources last said is enough.
    Usual,
    /// The pod says that it is to have EKS Pod Identity: it is not admitted without an association until every
    /// source that supports single look-ups was asked.
    OptedIn,
    /// The pod is refused if it has no identity, but only after every source that supports single look-ups
    /// was asked.
    Required(Demand),
}

impl Need {
    /// What the pod's labels demand, and what `namespace` demands of all its pods. Before the webhook has
    /// seen the pod, EKS' label for pods with an association is there only if somebody wrote it.
    #[must_use]
    pub fn of(pod: &Pod<'_>, namespace: Option<Demand>) -> Self {
        let own = pod.metadata.requires_identity.then_some(Demand::Pod);
        match own.or(namespace) {
            Some(demand) => Self::Required(demand),
            None if pod.metadata.has_pod_identity_label => Self::OptedIn,
            None => Self::Usual,
        }
    }

    /// Who requires an identity, if one is required.
    #[must_use]
    pub fn demand(self) -> Option<Demand> {
        match self {
            Self::Usual | Self::OptedIn => None,
            Self::Required(demand) => Some(demand),
        }
    }

    /// Whether sources that support single look-ups are asked before a pod is admitted without an association.
    #[must_use]
    pub fn asks(self) -> bool {
        match self {
            Self::Usual => false,
            Self::OptedIn | Self::Required(_) => true,
        }
    }
}

/// Which of an account's two identities comes first, if it has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precedence {
    /// EKS Pod Identity, as everywhere.
    #[default]
    Association,
    /// The role, because no agent would answer the pod: `--no-agent-fallback`.
    Role,
}

impl Precedence {
    /// What comes first for a pod, by the flag and the nodes that the pod asks for.
    #[must_use]
    pub fn of(pod: &Pod<'_>, defaults: &Defaults) -> Self {
        let needs_role =
            defaults.no_agent_fallback && defaults.agent.is_on_node() && pod.agentless().is_some();
        if needs_role { Self::Role } else { Self::Association }
    }
}
