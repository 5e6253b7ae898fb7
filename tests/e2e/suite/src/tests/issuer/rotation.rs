//! The key that signs tokens is exchanged, by the order of docs/self-hosted-irsa.md, under pods that ask for credentials all the while.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{ACCOUNT, and_back, failed};
use crate::harness::asking::{Counts, asked, asking};
use crate::harness::issuer_host::{IssuerHost, Signer, sign};
use crate::harness::registration::await_injection;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::workload::controller;
use crate::harness::{Test, command, until};

const PODS: usize = 40;

/// The longest token that pods have here.
const LONGEST: &str = "24h";

pub async fn no_token_is_refused_while_the_key_is_exchanged(test: Test) -> Result<()> {
    let host = IssuerHost::start(&test.cluster).await?;
    let done = rotated(&test, &host).await;
    and_back(&test, done).await
}

async fn rotated(test: &Test, host: &IssuerHost) -> Result<()> {
    let [old, new, next] =
        [host.signer(test, "old").await?, host.signer(test, "new").await?, host.signer(test, "next").await?];
    host.publish(test, &[&old], &[]).await?;
    let before = ids(host)?;
    signed_by(test, &old, &[]).await?;
    let old_id = signing(test).await?;
    ensure!(before.contains(&old_id), "{old_id} signs, and {before:?} are published");
    test.start_sts().await?;
    host.believed_by_sts(test).await?;
    test.account(ACCOUNT, &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut deployment = controller("Deployment", "asking", asking(test, ACCOUNT)?);
    deployment["spec"]["replicas"] = json!(PODS);
    test.apply(&deployment.to_string()).await?;
    let mut counts = asked(test, PODS, &BTreeMap::new()).await?;

    at(test, host, &new, LONGEST, (3, "publish")).await?;
    host.publish(test, &[&new], &[]).await?;
    at(test, host, &new, LONGEST, (3, "trust")).await?;
    let new_id = ids(host)?.difference(&before).next().context("no key is new")?.clone();
    well(test, host, "both are published", &[]).await?;
    signed_by(test, &old, &[&new]).await?;
    well(test, host, "both are trusted", &[]).await?;
    ensure!(signing(test).await? == old_id);
    at(test, host, &new, LONGEST, (3, "sign")).await?;
    counts = asked(test, PODS, &counts).await?;
    none_failed("both are published and trusted", &counts)?;

    signed_by(test, &new, &[&old]).await?;
    ensure!(signing(test).await? == new_id);
    at(test, host, &new, LONGEST, (3, "waitForTokens")).await?;
    well(test, host, "the new one signs", &[]).await?;
    counts = asked(test, PODS, &counts).await?;
    none_failed("the new one signs, and pods have tokens of the old one", &counts)?;

    // The longest token is ten minutes old at least before it is renewed: new pods have new ones at once.
    let namespace = format!("--namespace={}", test.namespace);
    command::kubectl(["rollout", "restart", "deployment/asking", &namespace]).await?;
    command::kubectl(["rollout", "status", "deployment/asking", &namespace, "--timeout=240s"]).await?;
    counts = asked(test, PODS, &counts).await?;
    none_failed("all pods have tokens of the new one", &counts)?;
    at(test, host, &new, "0s", (3, "withdraw")).await?;
    host.publish(test, &[], &[&format!("--remove={old_id}"), "--yes"]).await?;
    at(test, host, &new, "0s", (0, "over")).await?;
    ensure!(!ids(host)?.contains(&old_id) && ids(host)?.contains(&new_id), "{:?}", ids(host)?);
    let withdrawn = [format!("--withdrawn={old_id}")];
    well(test, host, "the old one is withdrawn", &withdrawn).await?;
    counts = asked(test, PODS, &counts).await?;
    none_failed("the old one is withdrawn", &counts)?;
    let refused = refused(test).await?;
    ensure!(refused.is_empty(), "STS refused tokens: {refused:?}");
    println!("{PODS} pods, whose key was exchanged: 0 tokens refused");

    // Out of order: the next key is trusted before it is published, and would sign next.
    signed_by(test, &new, &[&next]).await?;
    let (code, report) = host.check(test, &withdrawn).await?;
    ensure!(code == 1 && failed(&report) == ["clusterKeys"], "{report:#}");
    counts = asked(test, PODS, &counts).await?;
    none_failed("the check told before anything broke", &counts)
}

/// `issuer rotate` is at this step, with this exit code.
async fn at(
    test: &Test,
    host: &IssuerHost,
    new: &Signer,
    longest_token: &str,
    expected: (i32, &str),
) -> Result<()> {
    let (code, step) = host.rotate(test, new, longest_token).await?;
    ensure!(
        (code, step.as_str()) == expected,
        "issuer rotate is at {step} with {code}, and not at {expected:?}"
    );
    Ok(())
}

/// The same as [`sign`], until pods get their roles again.
async fn signed_by(test: &Test, by: &Signer, others: &[&Signer]) -> Result<()> {
    sign(test, by, others).await?;
    await_injection(&test.cluster, &test.namespace).await
}

/// The id of the key that signs tokens.
async fn signing(test: &Test) -> Result<String> {
    let namespace = format!("--namespace={}", test.namespace);
    let token = command::kubectl(["create", "token", "default", &namespace]).await?;
    let header = token.split('.').next().context("no token")?;
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header)?;
    let header: Value = serde_json::from_slice(&header)?;
    Ok(header["kid"].as_str().context("no kid")?.to_owned())
}

fn ids(host: &IssuerHost) -> Result<BTreeSet<String>> {
    Ok(host.published()?.into_iter().collect())
}

async fn well(test: &Test, host: &IssuerHost, when: &str, flags: &[String]) -> Result<()> {
    let (code, report) = host.check(test, flags).await?;
    ensure!(code == 0, "{when}: {report:#}");
    Ok(())
}

fn none_failed(when: &str, counts: &BTreeMap<String, Counts>) -> Result<()> {
    let [calls, failed] = [|counts: &Counts| counts.calls, |counts: &Counts| counts.failed]
        .map(|member| counts.values().map(member).sum::<u64>());
    let errors: Vec<&String> = counts.values().flat_map(|counts| &counts.errors).take(3).collect();
    ensure!(failed == 0, "{when}: {failed} of {calls} calls failed: {errors:?}");
    println!("{when}: {calls} calls of {PODS} pods, 0 failed");
    Ok(())
}

/// What STS refused, which has answered somebody at least.
async fn refused(test: &Test) -> Result<Vec<Value>> {
    let namespace = format!("--namespace={}", test.namespace);
    let log = until("STS has answered", async || {
        let log = command::kubectl(["logs", "deployment/sts", &namespace, "--tail=-1"]).await?;
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(lines.iter().any(|line| line["status"] == 200).then_some(lines))
    })
    .await?;
    Ok(log.into_iter().filter(|line| line["status"] != 200).collect())
}
