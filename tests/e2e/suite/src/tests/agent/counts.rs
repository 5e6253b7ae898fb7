//! What a client counts that calls again and again, each time as a process that has just begun.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::{Value, json};

use super::ACCOUNT;
use crate::harness::Test;
use crate::harness::test::STS_URL;
use crate::harness::workload::pod_spec;

/// What a pod's client counts.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub calls: u64,
    pub failed: u64,
    pub slow: u64,
    pub longest_milliseconds: u64,
    pub errors: Vec<String>,
}

impl Counts {
    /// Of the last line that a pod's client printed; none of a pod that has not begun.
    pub async fn of(pods: &Api<Pod>, name: &str) -> Self {
        let last = LogParams { tail_lines: Some(1), ..LogParams::default() };
        let log = pods.logs(name, &last).await.unwrap_or_default();
        let line: Value = serde_json::from_str(log.trim()).unwrap_or_default();
        let number = |member: &str| line[member].as_u64().unwrap_or_default();
        let errors = line["errors"].as_array().into_iter().flatten().map(Value::to_string).collect();
        Self {
            calls: number("calls"),
            failed: number("failed"),
            slow: number("slow"),
            longest_milliseconds: number("longestMilliseconds"),
            errors,
        }
    }
}

/// Pods whose client calls every five seconds.
pub fn asking(test: &Test) -> Result<Value> {
    let env = json!([
        {"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL},
        {"name": "CLIENT_EVERY_SECONDS", "value": "5"},
    ]);
    Ok(pod_spec(ACCOUNT, &json!({"image": test.image("client-rust")?, "env": env})))
}
