//! What is measured of an agent, in which order.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::cluster::{Cluster, Pod};
use crate::cores::{Cores, raise_descriptors};
use crate::eks_auth::EksAuth;
use crate::load::{Connections, Started, in_bursts, paced, started, steady};
use crate::process::{Agent, Process};

/// Pods whose credentials are held: as many as an agent keeps by default.
pub const CACHED: u32 = 2000;

/// Pods that start at the same moment.
pub const AT_ONCE: u32 = 1000;

/// Pods that ask on both listeners, and how many of these ask a second.
pub const ON_BOTH: usize = 50;

/// Requests a second that any agent of the contract answers: AWS's answers 1,000, with probes among them.
pub const PACE: u32 = 800;

/// Pods that start a second, while the cache is filled: as fast as both answer.
const FILLING: u32 = 400;

/// Requests without a pause between them that any such agent answers, how many times, and after which pause: AWS's has a
/// burst of 500, and 1,000 more each second.
pub const BURST: usize = 400;
const BURSTS: u32 = 20;
const AFTER: Duration = Duration::from_millis(500);

/// How long the load is measured at the pace, and without a pause.
const PACED: Duration = Duration::from_secs(5);
const STEADY: Duration = Duration::from_secs(1);

/// Turns of agent and floor.
const ROUNDS: usize = 9;

/// What an agent needs around it.
pub struct World {
    cores: Cores,
    cluster: Cluster,
    aws: EksAuth,
    home: TempDir,
}

/// What was measured of an agent.
pub struct Figures {
    /// Memory before the first pod, and with all that are held, in bytes.
    pub empty: u64,
    pub filled: u64,
    /// Pods that were not answered meanwhile.
    pub unanswered: usize,
    /// Upstream calls for pods that asked on both listeners.
    pub calls_on_both: usize,
    /// Answers in a second, from the cache, on kept connections without a pause.
    pub answers: u32,
    /// Other answers meanwhile: AWS's agent has a limit that cannot be set.
    pub refusals: u32,
    /// Latencies at the pace that any agent answers.
    pub median: Duration,
    pub late: Duration,
    /// The processor's time for an answer, in bursts that any agent answers.
    pub cost: Duration,
    /// Pods that started at once, and their upstream calls.
    pub started: Started,
    pub calls_at_once: usize,
}

/// An agent beside the floor, by how pods connect: the processor's time for an answer, and the ratio.
pub struct Floor {
    pub kept: Beside,
    pub new: Beside,
}

/// Medians of both and of their ratio.
pub struct Beside {
    pub answers: u32,
    pub agent: Duration,
    pub floor: Duration,
    pub ratio: f64,
}

impl World {
    pub async fn start() -> Self {
        raise_descriptors();
        let cores = Cores::take();
        let home = TempDir::new().unwrap();
        Self { cores, cluster: Cluster::start().await, aws: EksAuth::start().await, home }
    }

    /// This project's agent, and the floor.
    pub async fn agent(&mut self, program: &Path) -> (Figures, Floor) {
        let api = format!("--kube-api={}", self.cluster.api.url());
        let home = self.home.path().to_owned();
        let agent = |flags: &[&str]| Agent {
            program,
            flags: flags.iter().map(ToString::to_string).chain([api.clone()]).collect(),
            home: &home,
        };
        // Without its limit, which is AWS's: what is measured is how fast it could answer.
        let (process, pods, figures) = self.cached(&agent(&["--max-requests-per-second=10000000"])).await;
        let body = process.answer_to(&pods[0]).await.unwrap();
        let floor = Process::floor(&home, self.cores, &body, &pods[0]).await;
        let kept = beside(&process, &floor, &pods, Connections::Kept).await;
        let new = beside(&process, &floor, &pods, Connections::New).await;
        drop((process, floor));
        (self.at_once(&agent(&[]), figures).await, Floor { kept, new })
    }

    /// Another agent of the contract.
    pub async fn reference(&mut self, program: &Path) -> Figures {
        let home = self.home.path().to_owned();
        let agent = Agent { program, flags: Vec::new(), home: &home };
        let (process, _, figures) = self.cached(&agent).await;
        drop(process);
        self.at_once(&agent, figures).await
    }

    async fn start_agent(&mut self, agent: &Agent<'_>) -> Process {
        let first = self.cluster.pods(1);
        Process::agent(agent, self.cores, &self.cluster, &self.aws, &first[0]).await
    }

    /// An agent that has as many pods as are cached.
    async fn cached(&mut self, agent: &Agent<'_>) -> (Process, Vec<Pod>, Figures) {
        let process = self.start_agent(agent).await;
        // The first pod, by which it was seen to be ready, is one of them.
        let pods = self.cluster.pods(CACHED - 1);
        let empty = process.memory();
        let filling = started(process.address(), &pods, Some(FILLING)).await;
        let filled = process.memory();
        let (both, calls) = (&pods[..ON_BOTH], self.aws.calls());
        let again = started(process.addresses[1], both, Some(FILLING)).await;
        let calls_on_both = ON_BOTH + self.aws.calls() - calls;
        let at_pace = paced(process.address(), &pods, PACE, PACED).await;
        let before = process.cpu();
        let bursts = in_bursts(process.address(), &pods, BURSTS, BURST, AFTER).await;
        let cost = process.cpu().saturating_sub(before) / bursts.answers.max(1);
        let without_pause = steady(process.address(), &pods, Connections::Kept, STEADY).await;
        let figures = Figures {
            empty,
            filled,
            unanswered: filling.failed + again.failed,
            calls_on_both,
            answers: without_pause.answers,
            refusals: without_pause.refusals,
            median: at_pace.latency(50),
            late: at_pace.latency(99),
            cost,
            started: Started { failed: 0, requests: 0, last: Duration::ZERO },
            calls_at_once: 0,
        };
        (process, pods, figures)
    }

    /// The figures, with those of pods that start at once, which find an agent that has just started.
    async fn at_once(&mut self, agent: &Agent<'_>, figures: Figures) -> Figures {
        let process = self.start_agent(agent).await;
        let pods = self.cluster.pods(AT_ONCE);
        let before = self.aws.calls();
        let started = started(process.address(), &pods, None).await;
        Figures { started, calls_at_once: self.aws.calls() - before, ..figures }
    }
}

/// By turns, so that both meet the same machine.
async fn beside(agent: &Process, floor: &Process, pods: &[Pod], connections: Connections) -> Beside {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut costs = [Duration::ZERO; 2];
        let mut answers = 0;
        for (process, cost) in [floor, agent].into_iter().zip(&mut costs) {
            let before = process.cpu();
            let outcome = steady(process.address(), pods, connections, STEADY).await;
            assert_eq!(outcome.refusals, 0, "an answer without credentials");
            *cost = process.cpu().saturating_sub(before) / outcome.answers.max(1);
            answers = outcome.answers;
        }
        rounds.push((answers, costs));
    }
    let median = |of: fn(&(u32, [Duration; 2])) -> f64| {
        let mut values: Vec<_> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    };
    let [floor, agent] =
        [median(|(_, [floor, _])| floor.as_secs_f64()), median(|(_, [_, agent])| agent.as_secs_f64())]
            .map(Duration::from_secs_f64);
    let ratio = median(|(_, [floor, agent])| agent.as_secs_f64() / floor.as_secs_f64());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some ten thousand")]
    let answers = median(|(answers, _)| f64::from(*answers)) as u32;
    Beside { answers, agent, floor, ratio }
}
