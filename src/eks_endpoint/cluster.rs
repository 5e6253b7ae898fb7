//! What `DescribeCluster` says, which `aws eks update-kubeconfig` and tools need: of the kubeconfig, and of what the API
//! server tells everyone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use injection::role::Partition;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde::Deserialize;
use tokio::time::timeout;

use super::answer::DescribedCluster;
use super::error::{ErrorName, ServiceError};
use super::settings::Identity;
use crate::kubernetes::{self, ApiError, UserCluster};

/// How long one question may take.
const REQUEST: Duration = Duration::from_secs(3);

/// Bytes of one answer: they have some hundred.
const LARGEST: usize = 64 << 10;

/// The cluster, as far as it is known without asking.
pub(super) struct Cluster {
    pub(super) identity: Identity,
    client: Client,
    server: String,
    authority: String,
}

#[derive(Deserialize)]
struct Version {
    major: String,
    minor: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    creation_timestamp: Timestamp,
}

impl Cluster {
    pub(super) fn new(identity: Identity, cluster: &UserCluster) -> Self {
        let authority = cluster.authority_pem.as_ref().map(|pem| STANDARD.encode(pem));
        Self {
            identity,
            client: cluster.client.clone(),
            server: cluster.server.clone(),
            authority: authority.unwrap_or_default(),
        }
    }

    /// What is said of it. Only the version has to be known: the rest not everybody may ask for.
    pub(super) async fn describe(&self) -> Result<DescribedCluster, ServiceError> {
        let version = self.ask::<Version>("/version");
        let issuer = self.ask::<Discovery>("/.well-known/openid-configuration");
        let made = self.ask::<Namespace>("/api/v1/namespaces/kube-system");
        let (version, issuer, made) = tokio::join!(version, issuer, made);
        let Version { major, minor } = version.map_err(|error| {
            ErrorName::ServiceUnavailable.error(format!("The API server does not say its version: {error}."))
        })?;
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let made = made.ok().map(|Namespace { metadata }| SystemTime::from(metadata.creation_timestamp));
        let Identity { cluster, region, account } = &self.identity;
        let partition = Partition::of_region(region);
        let partition = partition.as_str();
        Ok(DescribedCluster {
            name: cluster.to_string(),
            arn: format!("arn:{partition}:eks:{region}:{account}:cluster/{cluster}"),
            endpoint: self.server.clone(),
            certificate_authority: self.authority.clone(),
            // Some distributions write `33+`.
            version: format!("{}.{}", digits(&major), digits(&minor)),
            created_at: made.unwrap_or(UNIX_EPOCH),
            issuer: issuer.ok().map(|Discovery { issuer }| issuer),
            tags: std::collections::BTreeMap::new(),
        })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, String> {
        let answer = timeout(REQUEST, kubernetes::text(&self.client, path, LARGEST)).await;
        let text = answer.map_err(|_| format!("no answer within {REQUEST:?}"))?;
        let text = text.map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| ApiError::unreadable(error).to_string())
    }
}
