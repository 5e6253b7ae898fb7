//! A webhook that knows API servers by their certificates.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::harness::Test;
use crate::harness::http;
use crate::harness::port_forward::PortForward;
use crate::harness::registration::await_injection;
use crate::harness::release::Release;

const KEY: &str = "authority.pem";

/// The cluster's API server shows a certificate to webhooks that ask for one. The webhook's own is in a Secret of the
/// user's here, as both ways may be chosen.
pub async fn only_the_api_server_is_answered(test: Test) -> Result<()> {
    let authority = test.cluster.verb(&["client-ca"]).await?;
    test.put("api-servers", KEY, &authority).await?;
    let ours = json!({"matchLabels": {"kubernetes.io/metadata.name": test.namespace}});
    let known = json!({"configMap": "api-servers", "key": KEY});
    let values = json!({
        "replicas": 1,
        "webhook": {"namespaceSelector": ours},
        "certificate": {"clientCa": known},
    });
    let release = Release::install_with_secret(&test.cluster, "known", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;

    let authority = release.authority(&test.cluster).await?;
    let way = PortForward::to(&test.namespace, &release.fullname(), 443).await?;
    let name = format!("{}.{}.svc", release.fullname(), test.namespace);
    let answer = http::post(&way.address, &name, &authority, "/mutate", &json!({})).await?;
    ensure!(answer.status == 401, "a stranger was answered {}: {}", answer.status, answer.body);
    // None of that has disturbed the API server's calls.
    await_injection(&test.cluster, &test.namespace).await?;
    release.uninstall().await
}
