//! The end-to-end suite: what users do, on a real cluster. `make e2e` runs it.
//!
//! It knows a cluster by `KUBECONFIG`, the product by `IMAGE`, and of the cluster's provider a few
//! verbs (tests/e2e/cluster/README.md). Filters and flags are those of cargo's own tests.

#![allow(clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, missing_docs, reason = "nobody imports a test")]

mod harness;
mod rust_client;
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Conclusion};
use tokio::runtime::Runtime;

use harness::{Case, Cluster, release};

/// Most of a test's time is waiting for pods; the cores are not what limits how many run.
const BESIDE_EACH_OTHER: usize = 8;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(rust_client::NAME) {
        return rust_client::run();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(BESIDE_EACH_OTHER);
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(101),
        Err(error) => {
            eprintln!("e2e: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every test held.
fn run(arguments: &Arguments) -> Result<bool> {
    let (beside, alone) = (tests::beside(), tests::alone());
    if arguments.list {
        let runtime = None;
        let trials = |cases: Vec<Case>| cases.into_iter().map(|case| case.trial(runtime.clone())).collect();
        drop(libtest_mimic::run(arguments, trials(beside)));
        drop(libtest_mimic::run(arguments, trials(alone)));
        return Ok(true);
    }
    let runtime = Arc::new(Runtime::new().context("failed to start a runtime")?);
    let cluster = Arc::new(runtime.block_on(Cluster::of_environment())?);
    runtime.block_on(release::install_shared(&cluster))?;
    let world = Some((runtime.clone(), cluster.clone()));
    let run = |arguments: &Arguments, cases: Vec<Case>| -> Conclusion {
        let trials = cases.into_iter().map(|case| case.trial(world.clone())).collect();
        libtest_mimic::run(arguments, trials)
    };
    let first = run(arguments, beside);
    // These tests disturb the cluster itself, so they run one at a time.
    let one_at_a_time = Arguments { test_threads: Some(1), ..arguments.clone() };
    let then = run(&one_at_a_time, alone);
    let is_well = !first.has_failed() && !then.has_failed();
    runtime.block_on(release::clean_up(is_well))?;
    Ok(is_well)
}
