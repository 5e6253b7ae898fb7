//! The EKS API as a source, in a binary that has it.

use std::sync::Arc;

use crate::aws::ClusterName;
use crate::identities::association_set::AssociationSet;
use crate::identities::associations::Associations;
use crate::identities::sources::eks_api::{Connection, EksApi, NAME, Pace};
use crate::lifecycle::{Readiness, Tasks};
use crate::metrics::Metrics;
use crate::settings::Limits;
use crate::source::Source;

/// Begins to follow the associations of a cluster.
pub(super) fn follow(
    cluster: &ClusterName,
    limits: &Limits,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Associations {
    let source = Source::new(NAME, AssociationSet::len, readiness, metrics);
    let pace = Pace { look_up: limits.lookup, ..Pace::default() };
    let eks = EksApi::new(cluster.clone(), Connection::Environment, pace, source);
    tasks.spawn(NAME, eks.clone().follow());
    Associations::Askable(Arc::new(eks.single_lookups()))
}
