//! The EKS API as a source, in a binary that has it.

use std::sync::Arc;

use super::SourceContext;
use crate::aws::ClusterName;
use crate::identities::association_set::AssociationSet;
use crate::identities::associations::Associations;
use crate::identities::sources::eks_api::{Connection, EksApi, EksPace, NAME};

/// Begins to follow the associations of a cluster.
pub(super) fn follow(cluster: &ClusterName, parts: &mut SourceContext<'_>) -> Associations {
    let source = parts.source(NAME, AssociationSet::len);
    let pace = EksPace { look_up: parts.lookup, ..EksPace::default() };
    let eks = EksApi::new(cluster.clone(), Connection::Environment, pace, source);
    parts.tasks.spawn(NAME, eks.clone().follow());
    Associations::Askable(Arc::new(eks.single_lookups()))
}
