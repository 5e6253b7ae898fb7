//! Answers calls out of what the cluster has: the only part of the endpoint that waits. Whoever calls is the user of the
//! kubeconfig, and may what he may.

mod associations;
mod known;
mod refused;
mod request;
mod tags;

use super::answer::Answer;
use super::body::{CreateInput, TagInput, UpdateInput};
use super::cluster::Cluster;
use super::error::ServiceError;
use super::route::Call;
use crate::association::Store;
use crate::aws::ClusterName;
use known::Known;

/// Times that something is read anew because somebody else wrote it in between.
const TRIES: usize = 5;

/// What answers calls.
pub(super) struct Api {
    cluster: Cluster,
    store: Store,
    /// The namespace of the kubeconfig's context, where an id is looked for by who may not list all.
    namespace: String,
    known: Known,
}

impl Api {
    pub(super) fn new(cluster: Cluster, store: Store, namespace: String) -> Self {
        Self { cluster, store, namespace, known: Known::default() }
    }

    /// Answers a call with this body.
    pub(super) async fn answer(&self, call: &Call, body: &[u8]) -> Result<Answer, ServiceError> {
        if let Some(cluster) = call.cluster() {
            self.check_cluster(cluster)?;
        }
        match call {
            Call::CreatePodIdentityAssociation { .. } => self.create(CreateInput::read(body)?).await,
            Call::ListPodIdentityAssociations { filter, page, .. } => self.list(filter, page).await,
            Call::DescribePodIdentityAssociation { id, .. } => self.describe(id).await,
            Call::UpdatePodIdentityAssociation { id, .. } => self.update(id, &UpdateInput::read(body)?).await,
            Call::DeletePodIdentityAssociation { id, .. } => self.delete(id).await,
            Call::TagResource { arn } => self.tag(arn, TagInput::read(body)?).await,
            Call::UntagResource { arn, keys } => self.untag(arn, keys).await,
            Call::ListTagsForResource { arn } => self.tags(arn).await,
            Call::DescribeCluster { .. } => Ok(Answer::cluster(&self.cluster.describe().await?)),
            Call::ListClusters => Ok(Answer::clusters(&[self.name().as_str()])),
        }
    }

    fn name(&self) -> &ClusterName {
        &self.cluster.identity.cluster
    }

    /// AWS's words for a cluster that is not there, and which one is.
    fn check_cluster(&self, cluster: &ClusterName) -> Result<(), ServiceError> {
        if cluster == self.name() {
            return Ok(());
        }
        let mut error = ServiceError::no_cluster(cluster.as_str());
        error.message = format!(
            "{} This endpoint serves the cluster {}: its flag --cluster-name gives it another name.",
            error.message,
            self.name()
        );
        Err(error)
    }
}
