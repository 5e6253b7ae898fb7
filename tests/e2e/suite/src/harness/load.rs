//! Pods asked for without a break, by several clients at the same time, and what came of each.
//!
//! Dry runs: they are admitted and validated like others, and nothing of them has to be put away. One in
//! two is of an account that was made that moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::verdict::Verdict;
use super::{Test, until, workload};

/// How many clients ask, each over a connection of its own.
const CLIENTS: usize = 8;

/// When a request counts as not answered: after more than a webhook may take, whatever its registration says.
const LIMIT: Duration = Duration::from_secs(35);

/// Clients at work, until [`Load::end`].
pub struct Load {
    began: Instant,
    asked: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    clients: JoinSet<Vec<Attempt>>,
}

/// One pod.
#[derive(Debug)]
pub struct Attempt {
    /// When it was asked for.
    pub began: Instant,
    pub account: String,
    /// An error is the API server's or the connection's: no pod was admitted.
    pub outcome: Result<Verdict, String>,
}

/// What came of all of them.
pub struct Attempts {
    pub all: Vec<Attempt>,
    took: Duration,
}

/// The role of an account of the load.
pub fn role(account: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{account}")
}

impl Load {
    /// Begins, and waits until it is under way; `pause` is what each client waits between two pods.
    pub async fn start(test: &Test, pause: Duration) -> Result<Self> {
        // A test may begin several, one after the other, in the same namespace.
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        let first = LOADS.fetch_add(1, Ordering::Relaxed) * CLIENTS;
        let (stop, asked) = (watch::Sender::new(false), Arc::<AtomicUsize>::default());
        let mut clients = JoinSet::new();
        for number in first..first + CLIENTS {
            let test = Test { client: Client::try_default().await?, ..test.clone() };
            let known = format!("known-{number}");
            test.account(&known, &[("role-arn", &role(&known))]).await?;
            clients.spawn(ask(test, number, pause, asked.clone(), stop.subscribe()));
        }
        let load = Self { began: Instant::now(), asked, stop, clients };
        load.goes_on(2 * CLIENTS).await?;
        Ok(load)
    }

    /// Waits until this many pods more have been asked for.
    pub async fn goes_on(&self, pods: usize) -> Result<()> {
        let enough = self.asked.load(Ordering::Relaxed) + pods;
        until("the load goes on", async || Ok((self.asked.load(Ordering::Relaxed) >= enough).then_some(())))
            .await
    }

    /// Stops, and waits for the pods under way.
    pub async fn end(mut self) -> Result<Attempts> {
        self.stop.send_replace(true);
        let mut all = Vec::new();
        while let Some(ended) = self.clients.join_next().await {
            all.append(&mut ended?);
        }
        all.sort_by_key(|attempt| attempt.began);
        Ok(Attempts { all, took: self.began.elapsed() })
    }
}

async fn ask(
    test: Test,
    client: usize,
    pause: Duration,
    asked: Arc<AtomicUsize>,
    stop: watch::Receiver<bool>,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for number in 0.. {
        if *stop.borrow() {
            break;
        }
        let began = Instant::now();
        let is_new = number % 2 == 1;
        let account = if is_new { format!("new-{client}-{number}") } else { format!("known-{client}") };
        let admitted = timeout(LIMIT, admit(&test, &account, is_new)).await;
        let outcome = match admitted {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err(format!("no answer within {LIMIT:?}")),
        };
        attempts.push(Attempt { began, account, outcome });
        asked.fetch_add(1, Ordering::Relaxed);
        sleep(pause).await;
    }
    attempts
}

async fn admit(test: &Test, account: &str, is_new: bool) -> Result<Verdict> {
    let role = role(account);
    if is_new {
        test.account(account, &[("role-arn", &role)]).await?;
    }
    Ok(Verdict::of(&test.dry_run(workload::unscheduled(account, account)).await?, &role))
}

impl Attempts {
    /// Pods admitted with this verdict.
    pub fn count(&self, wanted: &Verdict) -> usize {
        self.all.iter().filter(|attempt| attempt.outcome.as_ref() == Ok(wanted)).count()
    }

    /// Pods admitted.
    pub fn admitted(&self) -> usize {
        self.all.iter().filter(|attempt| attempt.outcome.is_ok()).count()
    }

    /// Admitted pods a second.
    pub fn rate(&self) -> f32 {
        f32::from(u16::try_from(self.admitted()).unwrap_or(u16::MAX)) / self.took.as_secs_f32()
    }

    /// An error unless every admitted pod has its role, but for `lost` pods that have nothing.
    pub fn ensure_right_but_for(&self, lost: u64) -> Result<()> {
        let (bare, wrong) = (self.count(&Verdict::Bare), self.admitted() - self.count(&Verdict::Right));
        ensure!(
            u64::try_from(bare)? == lost && bare == wrong,
            "{wrong} pods without their role, {bare} of them without any; {lost} calls were lost:\n{}",
            self.others()
        );
        Ok(())
    }

    /// Everything that is not right, each thing once.
    pub fn others(&self) -> String {
        let mut counts = BTreeMap::<String, usize>::new();
        for attempt in &self.all {
            match &attempt.outcome {
                Ok(Verdict::Right) => {}
                Ok(verdict) => {
                    let after = attempt.began.duration_since(self.all[0].began);
                    let text = format!("{after:.1?} {} {verdict:?}", attempt.account);
                    *counts.entry(text).or_default() += 1;
                }
                Err(error) => *counts.entry(error.clone()).or_default() += 1,
            }
        }
        let lines: Vec<_> = counts.iter().map(|(text, count)| format!("{count} × {text}")).collect();
        lines.join("\n")
    }
}
