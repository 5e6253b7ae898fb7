//! The IP family of a cluster's pods: that of the Service `kubernetes`, which the API server makes
//! by itself in the first of the cluster's families.

use std::time::Duration;

use injection::agent::IpFamily;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::kubernetes::{ApiError, object};

const SERVICE: &str = "/api/v1/namespaces/default/services/kubernetes";

/// How long one request may take, how often it is made, and the pause in between. A control plane that is
/// starting takes longer; then Kubernetes starts the process anew.
const PATIENCE: Duration = Duration::from_secs(3);
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// The members of the Service that are read.
#[derive(Deserialize)]
struct Service {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    ip_families: Option<Vec<String>>,
}

/// The family, or why it is not known.
pub(super) async fn of_cluster(client: &kube::Client) -> Result<IpFamily, String> {
    let mut reason = String::new();
    for tried in 0..TRIES {
        if tried > 0 {
            sleep(PAUSE).await;
        }
        reason = match timeout(PATIENCE, ask(client)).await {
            Ok(Ok(Service { metadata: Metadata { namespace, name }, .. }))
                if (&*namespace, &*name) != ("default", "kubernetes") =>
            {
                "the answer is another Service".to_owned()
            }
            Ok(Ok(service)) => return family(&service.spec),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        tracing::debug!(reason, "the Service kubernetes is not read");
    }
    Err(reason)
}

async fn ask(client: &kube::Client) -> Result<Service, ApiError> {
    object(client, SERVICE, "Service").await
}

fn family(spec: &Spec) -> Result<IpFamily, String> {
    match spec.ip_families.as_deref().and_then(<[_]>::first).map(String::as_str) {
        Some("IPv4") => Ok(IpFamily::Ipv4),
        Some("IPv6") => Ok(IpFamily::Ipv6),
        _ => Err("its spec.ipFamilies begins with neither IPv4 nor IPv6".to_owned()),
    }
}
