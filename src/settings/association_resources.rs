//! Custom resources whose controllers make EKS Pod Identity's associations: which are read, and which
//! of them count.

use std::fmt;

use super::{ClusterName, SettingsError, invalid};
use crate::args::{AssociationResourceArgs, SourceArgs};

/// Whose resources are read, and which of them count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationResources {
    /// Each once, one at least.
    pub controllers: Vec<Controller>,
    /// Which of their resources count.
    pub selection: Selection,
}

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
    /// What the flag comes to: what is not wanted otherwise is safe.
    pub(super) fn of(args: &AssociationResourceArgs) -> Self {
        Self::own(args.association_resources_own_namespace_only.unwrap_or(true))
    }

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

const WATCH: &str = "--watch-association-resources";
const OWN: &str = "--association-resources-own-namespace-only";
const PENDING: &str = "--use-pending-associations";

impl AssociationResources {
    /// What the flags come to; `None` if no controller is named.
    pub(super) fn new(
        sources: &SourceArgs,
        cluster: Option<ClusterName>,
        notices: &mut Vec<String>,
    ) -> Result<Option<Self>, SettingsError> {
        let AssociationResourceArgs {
            watch_association_resources: text,
            association_resources_own_namespace_only: own,
            use_pending_associations: uses_pending,
        } = &sources.association_resources;
        let is_of_files = !sources.manifests.is_empty();
        if text.is_empty() {
            let why = "it says which resources count";
            if *uses_pending {
                return Err(SettingsError::Incomplete { flag: PENDING, other: WATCH, why });
            }
            if own.is_some() && !is_of_files {
                // Whoever gives a default of his own for all clusters gives it also where none are followed.
                notices.push(format!("{OWN} has nothing to do without {WATCH}: {why}"));
            }
            return Ok(None);
        }
        let controller = |name: &str| Controller::ALL.into_iter().find(|known| known.name() == name);
        let mut controllers: Vec<_> = text
            .split(',')
            .map(|name| controller(name.trim()))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(WATCH, text, "expected ack, crossplane or ack,crossplane"))?;
        controllers.sort_unstable();
        controllers.dedup();
        if is_of_files {
            let why = "such resources of --manifests are read from there";
            notices.push(format!("{WATCH} has nothing to do: {why}"));
            return Ok(None);
        }
        let namespaces = Namespaces::of(&sources.association_resources);
        if namespaces == Namespaces::Own && controllers.contains(&Controller::Crossplane) {
            notices.push(format!(
                "none of Crossplane's cluster-scoped resources (eks.aws.upbound.io) counts, for they are in no \
                 namespace; {OWN}=false lets all count, for accounts of any namespace"
            ));
        }
        let pending = if *uses_pending { Pending::Use } else { Pending::Wait };
        Ok(Some(Self { controllers, selection: Selection { cluster, namespaces, pending } }))
    }
}

impl fmt::Display for AssociationResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { controllers, selection: Selection { cluster, namespaces, pending } } = self;
        let controllers: Vec<_> = controllers.iter().map(|controller| controller.name()).collect();
        write!(f, "watch-association-resources={}", controllers.join(","))?;
        cluster.iter().try_for_each(|cluster| write!(f, " eks-cluster-name={cluster}"))?;
        if *namespaces == Namespaces::Any {
            f.write_str(" association-resources-own-namespace-only=false")?;
        }
        if *pending == Pending::Use {
            f.write_str(" use-pending-associations=true")?;
        }
        Ok(())
    }
}
