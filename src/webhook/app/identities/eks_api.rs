//! The EKS API as a source, in a binary that has it.

use std::sync::Arc;

use super::Parts;
use crate::aws::ClusterName;
use crate::identities::association_set::AssociationSet;
use crate::identities::associations::Associations;
use crate::identities::sources::eks_api::{Connection, EksApi, NAME, Pace};

/// Begins to follow the associations of a cluster.
pub(super) fn follow(cluster: &ClusterName, parts: &mut Parts<'_>) -> Associations {
    let source = parts.source(NAME, AssociationSet::len);
    let pace = Pace { look_up: parts.lookup, ..Pace::default() };
    let eks = EksApi::new(cluster.clone(), Connection::Environment, pace, source);
    parts.tasks.spawn(NAME, eks.clone().follow());
    Associations::Askable(Arc::new(eks.single_lookups()))
}
