//! What was asked of STS, and what the model says: a call when a pod comes, one at each half of the credentials' life while it
//! stays, none when it is gone.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::LIFETIME;
use super::crowd::Crowd;
use crate::harness::Test;

/// Renewals are due at half of the lifetime, less up to a tenth of that, so that pods which came together part.
const EARLIEST: Duration = LIFETIME.checked_div(20).unwrap().saturating_mul(9);
const LATEST: Duration = LIFETIME.checked_div(2).unwrap();

/// By which calls are due that have not been made on a busy machine, and by which their times in the log are off.
const LATE: Duration = Duration::from_secs(3);
const JITTER: Duration = Duration::from_millis(500);

/// With less left, credentials are not handed out: a renewal that comes later was waited for.
const TOO_LATE: Duration = LIFETIME.saturating_sub(Duration::from_secs(15));

/// When calls were made for each pod, since 1970.
type Times = BTreeMap<String, Vec<Duration>>;

/// STS's log, read as it is written: kubelet keeps but the end of a long one.
pub struct Asked {
    log: Child,
    reading: JoinHandle<Result<Times>>,
}

impl Asked {
    pub fn follow(test: &Test) -> Result<Self> {
        let namespace = format!("--namespace={}", test.namespace);
        let mut log = Command::new("kubectl")
            .args(["logs", "deployment/sts", &namespace, "--follow", "--timestamps"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("failed to run kubectl")?;
        let mut lines = BufReader::new(log.stdout.take().context("kubectl without output")?).lines();
        let reading = tokio::spawn(async move {
            let mut times = Times::new();
            while let Some(line) = lines.next_line().await? {
                if let Some((pod, time)) = call(&line) {
                    times.entry(pod).or_default().push(time);
                }
            }
            Ok(times)
        });
        Ok(Self { log, reading })
    }

    /// Holds what was asked to the model; all pods are gone.
    pub async fn hold(&mut self, crowd: &Crowd) -> Result<()> {
        ensure!(self.log.try_wait()?.is_none(), "kubectl logs ended before");
        self.log.kill().await?;
        let times = (&mut self.reading).await??;
        ensure!(times.len() == crowd.gone(), "{} of {} pods had credentials", times.len(), crowd.gone());
        let (mut made, mut fewest, mut most) = (0, 0, 0);
        for (pod, times) in &times {
            let end = crowd.end(pod)?;
            let (first, last) = times.first().zip(times.last()).context("no call")?;
            let too_late = last.saturating_sub(end);
            ensure!(too_late <= JITTER, "a call was made for {pod} {too_late:?} after it was gone");
            for pair in times.windows(2) {
                let gap = pair[1].saturating_sub(pair[0]);
                ensure!(gap + JITTER >= EARLIEST, "{pod} had credentials renewed after {gap:?}");
                ensure!(gap <= TOO_LATE, "{pod} had credentials renewed after {gap:?}, and has waited");
            }
            let stayed = end.saturating_sub(*first);
            made += times.len();
            fewest += calls_in(stayed.saturating_sub(LATE), LATEST + LATE);
            most += calls_in(stayed + JITTER, EARLIEST);
        }
        println!("{made} calls of STS for {} pods; the model says {fewest} to {most}", times.len());
        ensure!((fewest..=most).contains(&made), "{made} calls, and not {fewest} to {most}");
        Ok(())
    }
}

/// The calls in a time: one, and one more each time that this has passed.
fn calls_in(time: Duration, each: Duration) -> usize {
    usize::try_from(time.as_millis() / each.as_millis()).unwrap_or(usize::MAX).saturating_add(1)
}

/// The pod and the time of a call that gave credentials.
fn call(line: &str) -> Option<(String, Duration)> {
    let (time, line) = line.split_once(' ')?;
    let line: Value = serde_json::from_str(line).ok()?;
    if line["action"] != "AssumeRoleWithWebIdentity" {
        return None;
    }
    let time: Timestamp = time.parse().ok()?;
    let time = Duration::from_millis(time.as_millisecond().try_into().ok()?);
    // eks-CLUSTER-POD-UUID
    let session = line["arn"].as_str()?.rsplit('/').next()?;
    let pod = session.strip_prefix("eks-e2e-")?.get(.."soak-00000".len())?;
    Some((pod.to_owned(), time))
}
