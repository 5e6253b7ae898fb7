//! Pods that come and go with credentials that live for a minute: what an agent asks of AWS in that time, and what it keeps
//! of pods that are gone.

mod agent;
mod asked;
mod crowd;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Instant, interval};

use agent::{Agents, Usage};
use asked::Asked;
use crowd::Crowd;

use super::install;
use crate::harness::{Test, command, until};

/// How many there are at the same time, and at least in all.
const AT_ONCE: usize = 60;
const PODS: usize = 300;

/// How long a pod stays, and how long credentials live: it has them renewed once or twice.
const STAY: Duration = Duration::from_mins(1);
const LIFETIME: Duration = Duration::from_mins(1);

/// What memory may grow by, from the second time that all pods were others to the last: allocators keep some.
const GROWTH: u64 = 4 << 20;

/// Descriptors that may stay after the last pod: connections to AWS, which SDKs keep for a while.
const KEPT_CONNECTIONS: u64 = 4;

pub async fn pods_that_come_and_go_cost_what_they_must_and_leave_nothing(test: Test) -> Result<()> {
    let minutes = if std::env::var_os("LONG").is_some() { 60 } else { 5 };
    let length = Duration::from_mins(minutes);
    let following = install(&test).await?;
    shorten(&test).await?;
    let agents = Agents::of(&test, &following.release).await?;
    let mut asked = Asked::follow(&test)?;
    let before = agents.usage().await?;

    let (mut crowd, mut used) = (Crowd::new(&test)?, Vec::new());
    let (began, mut pace) = (Instant::now(), interval(Duration::from_secs(1)));
    while began.elapsed() < length || crowd.gone() < PODS {
        ensure!(began.elapsed() < length * 3, "{} pods in {:?}", crowd.gone(), began.elapsed());
        pace.tick().await;
        crowd.look().await?;
        crowd.fill(AT_ONCE).await?;
        if crowd.gone() >= (used.len() + 1) * AT_ONCE {
            used.push(agents.usage().await?);
            println!("after {} pods: {}", crowd.gone(), used.last().context("none")?);
        }
    }
    while crowd.present() > 0 {
        ensure!(began.elapsed() < length * 4, "{} pods stay", crowd.present());
        pace.tick().await;
        crowd.look().await?;
    }
    let after = until("nothing is held any more", async || {
        let usage = agents.usage().await?;
        let is_as_before = usage.descriptors <= before.descriptors + KEPT_CONNECTIONS;
        Ok((usage.pods == 0 && is_as_before).then_some(usage))
    })
    .await?;
    println!("before the first pod: {before}; after the last: {after}");
    no_memory_is_kept(&used)?;
    asked.hold(&crowd).await?;
    let counts = crowd.counts();
    println!("{} calls of {} pods, {} failed", counts.calls, crowd.gone(), counts.failed);
    ensure!(counts.failed == 0, "{} calls failed: {:?}", counts.failed, counts.errors);
    following.end().await
}

/// Has STS give credentials that live for a minute, whatever it is asked for.
async fn shorten(test: &Test) -> Result<()> {
    let namespace = format!("--namespace={}", test.namespace);
    let flag = format!("--credential-lifetime={}", LIFETIME.as_secs());
    let patch =
        format!(r#"[{{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "{flag}"}}]"#);
    command::kubectl(["patch", "deployment/sts", &namespace, "--type=json", "--patch", &patch]).await?;
    command::kubectl(["rollout", "status", "deployment/sts", &namespace, "--timeout=120s"]).await.map(drop)
}

/// The first pods fill what is kept for others: after the second all of them have been replaced once.
fn no_memory_is_kept(used: &[Usage]) -> Result<()> {
    let [_, early, .., late] = used else { bail!("{} samples", used.len()) };
    let growth = late.resident.saturating_sub(early.resident);
    ensure!(growth <= GROWTH, "memory grew by {} KiB: {used:?}", growth >> 10);
    Ok(())
}
