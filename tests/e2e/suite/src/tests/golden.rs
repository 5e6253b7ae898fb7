//! The golden results before a real API server: what the tests of the plan expect is valid.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::PostParams;
use kube::core::Request;
use serde_json::{Value, json};
use test_support::cases::{Case, patched};

use crate::harness::Test;

/// How many pods are asked for at the same time.
const AT_ONCE: usize = 16;

/// Fewer cases than there are: most of them must have been judged.
const AT_LEAST: usize = 150;

/// Cases of pods that no API server takes, and the words in which it says so.
const REFUSED: [(&str, &str); 5] = [
    // The API server asks webhooks before it validates, so they have to bear these.
    ("containers-absent", "spec.containers: Required value"),
    ("containers-null", "spec.containers: Required value"),
    ("containers-empty-with-init-container", "spec.containers: Required value"),
    ("setting-with-invisible-characters", "a valid label must be"),
    // The case has fields of versions to come.
    ("unknown-fields-kept", "strict decoding error: unknown field"),
];

/// A case that is about the creation of a pod.
struct Golden {
    name: String,
    /// The pod with the patch applied.
    after: Value,
}

/// The patched pod of every case is accepted as it is, except that the namespace differs.
pub async fn every_patched_pod_is_valid(test: Test) -> Result<()> {
    let cases = cases()?;
    let accounts: BTreeSet<_> = cases.iter().filter_map(Golden::account).collect();
    for account in accounts {
        if account != "default" {
            test.account(account, &[]).await?;
        }
    }
    let answers = stream::iter(&cases).map(async |case| (case, create(&test, case).await));
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let (mut accepted, mut failures) = (0, Vec::new());
    for (case, answer) in answers {
        let expected = REFUSED.iter().find_map(|(name, words)| (*name == case.name).then_some(*words));
        match (answer?, expected) {
            (None, None) => accepted += 1,
            (Some(message), Some(words)) if message.contains(words) => {}
            (None, Some(_)) => failures.push(format!("{}: is accepted", case.name)),
            (Some(message), _) => failures.push(format!("{}: {message}", case.name)),
        }
    }
    ensure!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
    for (name, _) in REFUSED {
        ensure!(cases.iter().any(|case| case.name == name), "{name} is no case of a pod's creation");
    }
    ensure!(accepted >= AT_LEAST, "only {accepted} were accepted");
    Ok(())
}

/// The cases whose review is the creation of a pod.
fn cases() -> Result<Vec<Golden>> {
    let mut cases = Vec::new();
    for case in Case::all() {
        if let Some((_, pod)) = case.pod() {
            let after = patched(pod, &case.expected().patch).map_err(anyhow::Error::msg)?;
            cases.push(Golden { name: case.name, after });
        }
    }
    Ok(cases)
}

impl Golden {
    /// The account that the pod names, in the present field or the deprecated one.
    fn account(&self) -> Option<&str> {
        let named = ["serviceAccountName", "serviceAccount"].map(|field| self.after["spec"][field].as_str());
        named.into_iter().flatten().find(|name| !name.is_empty())
    }
}

/// Has the API server judge the pod, unknown fields included, without storing it: why it is refused.
async fn create(test: &Test, case: &Golden) -> Result<Option<String>> {
    let mut pod = case.after.clone();
    pod["metadata"]["namespace"] = json!(test.namespace);
    let url = Pod::url_path(&(), Some(&test.namespace));
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let mut request = Request::new(url).create(&dry_run, serde_json::to_vec(&pod)?)?;
    *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri()).parse()?;
    match test.client.request::<Value>(request).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) => Ok(Some(status.message)),
        Err(error) => Err(error).with_context(|| case.name.clone()),
    }
}
