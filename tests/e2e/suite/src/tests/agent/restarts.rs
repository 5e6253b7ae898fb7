//! Agents that are upgraded and killed while two hundred pods ask them, each time as a process that has just begun.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{ACCOUNT, calls, install, rolled_out, values};
use crate::harness::asking::{self, Counts, asking};
use crate::harness::workload::controller;
use crate::harness::{Test, command};

const PODS: usize = 200;

pub async fn pods_that_ask_all_the_while_notice_no_upgrade_nor_the_death_of_an_agent_with_a_second(
    test: Test,
) -> Result<()> {
    let following = install(&test).await?;
    start(&test).await?;
    let before = asking::asked(&test, PODS, &BTreeMap::new()).await?;
    said("at first", &test, &before, &BTreeMap::new()).await?;

    let namespace = format!("--namespace={}", test.namespace);
    let agent = format!("daemonset/{}-agent", following.release.fullname());
    command::kubectl(["rollout", "restart", &agent, &namespace]).await?;
    rolled_out(&test, &following).await?;
    let upgraded = asking::asked(&test, PODS, &before).await?;
    let failed = said("upgraded", &test, &upgraded, &before).await?;
    ensure!(failed == 0, "{failed} calls failed while the agent was upgraded");

    // Until kubelet has started the container again nobody listens, which is longer than some SDKs try.
    kill(&test, "agent").await?;
    asking::asked(&test, PODS, &upgraded).await?;
    rolled_out(&test, &following).await?;
    let killed = asking::asked(&test, PODS, &upgraded).await?;
    said("killed", &test, &killed, &upgraded).await?;
    let recovered = asking::asked(&test, PODS, &killed).await?;
    let failed = said("recovered", &test, &recovered, &killed).await?;
    ensure!(failed == 0, "{failed} calls failed after the killed agent was back");

    let mut with_standby = values(&test, json!({})).await?;
    with_standby["agent"]["standby"] = json!(true);
    following.upgrade(&test, &with_standby).await?;
    rolled_out(&test, &following).await?;
    let mut before = asking::asked(&test, PODS, &recovered).await?;
    let failed = said("with a second agent", &test, &before, &recovered).await?;
    ensure!(failed == 0, "{failed} calls failed while the second agent came");
    // Either of them may be the one that answers.
    for container in ["agent", "standby"] {
        kill(&test, container).await?;
        let now = asking::asked(&test, PODS, &before).await?;
        let failed = said(&format!("{container} killed beside the other"), &test, &now, &before).await?;
        ensure!(failed == 0, "{failed} calls failed when {container} was killed beside the other");
        rolled_out(&test, &following).await?;
        before = now;
    }
    following.end().await
}

/// Kills the agent of this container at once, as the kernel does for want of memory.
async fn kill(test: &Test, container: &str) -> Result<()> {
    let pattern = format!("handover-file=/run/agent/{container}");
    test.cluster.verb(&["run", "pkill", "-KILL", "-f", &pattern]).await.map(drop)
}

async fn start(test: &Test) -> Result<()> {
    let mut deployment = controller("Deployment", "asking", asking(test, ACCOUNT)?);
    deployment["spec"]["replicas"] = json!(PODS);
    deployment["spec"]["template"]["metadata"]["labels"]["eks.amazonaws.com/pod-identity"] = json!("enabled");
    test.apply(&deployment.to_string()).await
}

/// Prints what there was since `before`, and gives the number of calls that failed.
async fn said(
    when: &str,
    test: &Test,
    now: &BTreeMap<String, Counts>,
    before: &BTreeMap<String, Counts>,
) -> Result<u64> {
    let sum =
        |of: &BTreeMap<String, Counts>, member: fn(&Counts) -> u64| of.values().map(member).sum::<u64>();
    let more = |member: fn(&Counts) -> u64| sum(now, member) - sum(before, member);
    let (calls_made, failed, slow) =
        (more(|counts| counts.calls), more(|counts| counts.failed), more(|counts| counts.slow));
    let longest = now.values().map(|counts| counts.longest_milliseconds).max().context("no pods")?;
    let sts = calls(test, "AssumeRoleWithWebIdentity").await?.len();
    println!(
        "{when}: {calls_made} calls of {PODS} pods, {failed} failed, {slow} were tried again or slow; the longest ever \
         took {longest} ms; {sts} calls of STS so far"
    );
    let errors: Vec<&String> = now.values().flat_map(|counts| &counts.errors).take(3).collect();
    if failed > 0 {
        println!("{errors:?}");
    }
    Ok(failed)
}
