//! Where credentials come from: EKS Auth, as for AWS's agent, or STS by the pod's own token, on any cluster.
//!
//! Neither needs a right in Kubernetes: the token that the pod sent is handed on, and who gets it decides by it again.

mod eks_auth;
mod error;
mod web_identity;

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{Region, retry::RetryConfig};
use futures_util::FutureExt;
use k8s_openapi::jiff::Timestamp;

use super::args::UpstreamKind;
use super::cache::Fetch;
use super::metrics::Metrics;
use super::settings::UpstreamSettings;
use crate::aws::sdk;

/// How long one try of a call may take, and its connection: AWS's agent gives half a second and a second, and users see
/// its calls cancelled when many pods start.
const TRY: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(2);

/// Tries of one call.
const TRIES: u32 = 3;

/// Why there is no upstream. The start fails with it.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// TLS cannot be set up.
    #[error("{0}")]
    Tls(String),
    /// No region is set.
    #[error("no AWS region is known: set AWS_REGION, or give --region")]
    NoRegion,
}

/// What makes credentials, as the settings say.
///
/// # Errors
/// TLS cannot be set up, or no region is known.
pub async fn connect(settings: UpstreamSettings, metrics: Arc<Metrics>) -> Result<Fetch, UpstreamError> {
    let UpstreamSettings { kind, region, endpoint, cluster, duration } = settings;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TRY).connect_timeout(CONNECT).build();
    let mut loader = sdk::environment()
        .map_err(|error| UpstreamError::Tls(error.to_string()))?
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES));
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    let config = loader.load().await;
    let region = config.region().ok_or(UpstreamError::NoRegion)?.as_ref().to_owned();
    Ok(match kind {
        UpstreamKind::EksAuth => {
            let upstream = Arc::new(eks_auth::EksAuth::new(&config, endpoint, cluster, metrics));
            Box::new(move |ask| upstream.clone().fetch(ask).boxed())
        }
        UpstreamKind::WebIdentity => {
            let upstream = Arc::new(web_identity::WebIdentity::new(
                &config, endpoint, region, cluster, duration, metrics,
            ));
            Box::new(move |ask| upstream.clone().fetch(ask).boxed())
        }
    })
}

/// The account of an ARN, its fifth field.
fn account_of(arn: &str) -> String {
    arn.split(':').nth(4).unwrap_or_default().to_owned()
}

fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}
