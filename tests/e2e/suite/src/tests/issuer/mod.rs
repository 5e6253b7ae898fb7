//! A cluster that is its own OIDC provider: documents that `issuer publish` made of a real API server's keys, served as AWS finds
//! them, and who verifies pods' tokens by them.

pub mod chart;
pub mod kids;
pub mod newcomer;
pub mod published;
pub mod rotation;

use anyhow::Result;
use serde_json::Value;

use crate::harness::Test;
use crate::harness::registration::await_injection;

/// The account that the namespace's STS lets have its role.
const ACCOUNT: &str = "checkout";

/// The API server makes its own tokens again, however the test ended: others need them.
async fn and_back(test: &Test, done: Result<()>) -> Result<()> {
    let is_back = test.cluster.verb(&["service-accounts", "own"]).await;
    done?;
    is_back?;
    await_injection(&test.cluster, &test.namespace).await
}

/// The steps of a report of `issuer check` that did not go well.
fn failed(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .filter(|finding| finding["status"] == "failed")
        .filter_map(|finding| finding["step"].as_str())
        .collect()
}
