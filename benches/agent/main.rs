//! The node's agent as a process of its own on one core, and pods' SDKs that ask it from another: what an answer from the
//! cache costs beside what HTTP/1.1 itself costs, what the cache takes, and whether a thousand pods that start at once
//! are answered. A goal that is missed ends with an error; all of them are ratios within one run, or counts.
//!
//! `AGENT` names the program; `REFERENCE_AGENT` another of the same contract, such as AWS's, which is then measured in
//! the same way and compared. It gets flags and variables of AWS's agent alone. One that needs more, as this project's
//! does, is named by a script that adds it: `exec ./eks-pod-identity-agent "$@" --kube-api="$API_SERVER"`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark"
)]

mod cluster;
mod cores;
mod eks_auth;
mod floor;
mod load;
mod measure;
mod process;
mod report;

use std::env;
use std::path::PathBuf;

use measure::World;
use report::Report;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(floor::ARGUMENT) {
        let address = arguments.next().unwrap().parse().unwrap();
        let body = std::fs::read(arguments.next().unwrap()).unwrap();
        return runtime.block_on(floor::serve(address, body.into()));
    }
    let program = |variable| env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(agent) = program("AGENT") else {
        eprintln!("AGENT names no program to measure: run 'make bench-agent'");
        std::process::exit(2);
    };
    let report = runtime.block_on(measured(agent, program("REFERENCE_AGENT")));
    if !report.print() {
        std::process::exit(1);
    }
}

async fn measured(agent: PathBuf, reference: Option<PathBuf>) -> Report {
    let mut world = World::start().await;
    let (agent, floor) = world.agent(&agent).await;
    let reference = match reference {
        None => None,
        Some(program) => Some(world.reference(&program).await),
    };
    Report { agent, floor, reference }
}
