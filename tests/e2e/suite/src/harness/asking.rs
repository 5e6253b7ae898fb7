//! What a client counts that calls again and again, each time as a process that has just begun.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};

use super::Test;
use super::test::STS_URL;
use super::wait::until_within;
use super::workload::pod_spec;

/// Some hundred pods take their time on a small machine.
const PATIENCE: Duration = Duration::from_mins(8);

/// How many calls every pod has to make for it to count as one that asks.
const MORE: u64 = 4;

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

/// Pods of an account whose client calls every five seconds.
pub fn asking(test: &Test, account: &str) -> Result<Value> {
    let env = json!([
        {"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL},
        {"name": "CLIENT_EVERY_SECONDS", "value": "5"},
    ]);
    Ok(pod_spec(account, &json!({"image": test.image("client-rust")?, "env": env})))
}

/// Waits until the pods with the label `app=asking` are so many, and each has called some more; gives what each counts.
pub async fn asked(
    test: &Test,
    pods: usize,
    before: &BTreeMap<String, Counts>,
) -> Result<BTreeMap<String, Counts>> {
    until_within(PATIENCE, "every pod has asked some more", async || {
        let counts = counts(test).await?;
        let has_asked = |(pod, now): (&String, &Counts)| {
            now.calls >= before.get(pod).map_or(0, |before| before.calls) + MORE
        };
        Ok((counts.len() == pods && counts.iter().all(has_asked)).then_some(counts))
    })
    .await
}

async fn counts(test: &Test) -> Result<BTreeMap<String, Counts>> {
    let pods: Api<Pod> = test.api();
    let names = pods.list_metadata(&ListParams::default().labels("app=asking")).await?;
    let names = names.items.into_iter().filter_map(|pod| pod.metadata.name);
    let read = |name: String| {
        let pods = pods.clone();
        async move {
            let counts = Counts::of(&pods, &name).await;
            (name, counts)
        }
    };
    Ok(stream::iter(names).map(read).buffer_unordered(16).collect().await)
}
