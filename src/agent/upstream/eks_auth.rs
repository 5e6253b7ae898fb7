//! EKS Auth: AWS knows the associations, and gives credentials for the pod's token to whoever has the node's role.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_eksauth::Client;
use aws_sdk_eksauth::error::ProvideErrorMetadata;

use super::error::failure;
use super::{account_of, timestamp};
use crate::agent::cache::Ask;
use crate::agent::credentials::Credentials;
use crate::agent::failure::Failure;
use crate::agent::metrics::Metrics;
use crate::aws::ClusterName;

/// Credentials of EKS Auth live for six hours.
const LONGEST: Duration = Duration::from_hours(6);

/// EKS Auth, for one cluster.
pub(super) struct EksAuth {
    client: Client,
    cluster: ClusterName,
    metrics: Arc<Metrics>,
}

impl EksAuth {
    pub(super) fn new(
        config: &SdkConfig,
        endpoint: Option<String>,
        cluster: ClusterName,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut config = aws_sdk_eksauth::config::Builder::from(config);
        config.set_endpoint_url(endpoint);
        Self { client: Client::from_conf(config.build()), cluster, metrics }
    }

    pub(super) async fn fetch(self: Arc<Self>, ask: Ask) -> Result<Credentials, Failure> {
        let began = Instant::now();
        let call = self.client.assume_role_for_pod_identity().cluster_name(self.cluster.as_str());
        let answer = call.token(&*ask.token.text).send().await;
        let result = match &answer {
            Ok(_) => "success",
            Err(error) => error.code().unwrap_or("unreachable"),
        };
        self.metrics.called("AssumeRoleForPodIdentity", result, began.elapsed().as_secs_f64());
        let answer = answer.map_err(|error| failure(&error))?;
        let nothing = || Failure::passing(500, "EKS Auth's answer has no credentials");
        let credentials = answer.credentials.ok_or_else(nothing)?;
        let arn = answer.assumed_role_user.map(|user| user.arn).unwrap_or_default();
        Ok(Credentials {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            account_id: account_of(&arn),
            expiration: timestamp(&credentials.expiration).ok_or_else(nothing)?,
            longest: LONGEST,
        })
    }
}
