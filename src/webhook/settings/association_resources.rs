//! Custom resources that hold EKS Pod Identity's associations: which are read, and which of them count.

use std::fmt;

use crate::aws::ClusterName;
use crate::cli::error::{SettingsError, invalid};
use crate::identities::sources::association_resources::{Controller, Detail, Namespaces, Pending, Selection};
use crate::webhook::sources_args::{AssociationResourceArgs, SourceArgs};

/// The controllers whose resources are read, and which of these count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSettings {
    /// The controllers, each once, at least one.
    pub controllers: Vec<Controller>,
    /// Which of their resources count.
    pub selection: Selection,
}

const WATCH: &str = "--watch-association-resources";
const OWN: &str = "--association-resources-own-namespace-only";
const PENDING: &str = "--use-pending-associations";

/// Whose accounts resources may name: only their own namespace's, unless the flag says otherwise.
pub(super) fn namespaces(args: &AssociationResourceArgs) -> Namespaces {
    Namespaces::own(args.association_resources_own_namespace_only.unwrap_or(true))
}

impl ResourceSettings {
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
                // An operator who sets it for all clusters sets it also where no resources are followed.
                notices.push(format!("{OWN} has no effect without {WATCH}: {why}"));
            }
            return Ok(None);
        }
        let controller = |name: &str| Controller::ALL.into_iter().find(|known| known.name() == name);
        let mut controllers: Vec<_> =
            text.split(',').map(|name| controller(name.trim())).collect::<Option<_>>().ok_or_else(|| {
                invalid(WATCH, text, "expected own, ack, crossplane or several of them with commas")
            })?;
        controllers.sort_unstable();
        controllers.dedup();
        if is_of_files {
            let why = "such resources of --manifests are read from there";
            notices.push(format!("{WATCH} has no effect: {why}"));
            return Ok(None);
        }
        let namespaces = namespaces(&sources.association_resources);
        if namespaces == Namespaces::Own && controllers.contains(&Controller::Crossplane) {
            notices.push(format!(
                "Crossplane's cluster-scoped resources (eks.aws.upbound.io) do not count, because they are in no \
                 namespace; {OWN}=false makes all count, for accounts of any namespace"
            ));
        }
        let pending = if *uses_pending { Pending::Use } else { Pending::Wait };
        Ok(Some(Self {
            controllers,
            selection: Selection { cluster, namespaces, pending, detail: Detail::Account },
        }))
    }
}

impl fmt::Display for ResourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { controllers, selection: Selection { cluster, namespaces, pending, detail: _ } } = self;
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
