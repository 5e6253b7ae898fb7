//! Associations with all that EKS says of them, for whoever takes them along to another cluster: listed, and described
//! one by one. It is called by people, who have credentials and a region of their own.

use aws_sdk_eks::types::{PodIdentityAssociation, PodIdentityAssociationSummary};
use serde_json::{Value, json};

use super::EksPace;
use super::api::Api;
use super::connect;
use super::error::ListError;
use crate::aws::ClusterName;

/// The associations of one cluster. Its errors are texts for whoever called.
pub(crate) struct EksAssociations {
    api: Api,
}

impl EksAssociations {
    /// Those of this cluster, in this region and with this profile's credentials, if they are given.
    pub(crate) async fn connect(
        cluster: ClusterName,
        region: Option<&str>,
        profile: Option<&str>,
    ) -> Result<Self, String> {
        let client = connect::client_of(region, profile).await.map_err(|error| said(&error, "List"))?;
        Ok(Self { api: Api::new(client, cluster, &EksPace::default()) })
    }

    /// The ids of all, or of those of a namespace.
    pub(crate) async fn ids(&self, of: Option<&str>) -> Result<Vec<String>, String> {
        let mut listed = self.api.summaries().await.map_err(|error| said(&error, "List"))?;
        listed.retain(|one| of.is_none_or(|namespace| one.namespace() == Some(namespace)));
        let id = |PodIdentityAssociationSummary { association_id, .. }| association_id;
        Ok(listed.into_iter().filter_map(id).collect())
    }

    /// What EKS says of one, with the API's own names; `None` if it is there no longer.
    pub(crate) async fn describe(&self, id: &str) -> Result<Option<Value>, String> {
        match self.api.describe(id).await {
            Ok(association) => Ok(Some(value(association))),
            Err(ListError::NoCluster { .. }) => Ok(None),
            Err(error) => Err(said(&error, "Describe")),
        }
    }
}

fn value(association: PodIdentityAssociation) -> Value {
    let PodIdentityAssociation { cluster_name, namespace, service_account, role_arn, .. } = association;
    let PodIdentityAssociation { association_id, target_role_arn, disable_session_tags, .. } = association;
    let PodIdentityAssociation { policy, tags, .. } = association;
    json!({
        "clusterName": cluster_name,
        "namespace": namespace,
        "serviceAccount": service_account,
        "roleArn": role_arn,
        "associationId": association_id,
        "targetRoleArn": target_role_arn,
        "disableSessionTags": disable_session_tags,
        "policy": policy,
        "tags": tags,
    })
}

/// An error in words for who has called, not for who runs the webhook.
fn said(error: &ListError, call: &str) -> String {
    match error {
        ListError::NoRegion => "no AWS region is configured: give --region, or set AWS_REGION".to_owned(),
        ListError::NoCredentials => {
            "no AWS credentials were found: give --profile, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
                .to_owned()
        }
        ListError::Credentials(why) => format!(
            "the AWS credentials could not be loaded: {why}; SSO logins and credential_process are not built in, but \
             'aws configure export-credentials --format env' prints what they give as variables"
        ),
        ListError::NotAccepted(code) => {
            format!("EKS does not accept the AWS credentials ({code}): check them, and the clock")
        }
        ListError::Denied { cluster, words } => format!(
            "EKS denies the request: ask for the right eks:{call}PodIdentityAssociation{} on cluster {cluster} ({words})",
            if call == "List" { "s" } else { "" }
        ),
        ListError::NoCluster { cluster, region } => {
            format!("EKS has no cluster {cluster} in {region}: check --from-eks and --region")
        }
        other => other.to_string(),
    }
}
