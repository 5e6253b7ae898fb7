//! How long it takes to find an account's identity in a large cluster. More than [`LIMIT`] ends with
//! an error: it is a small part of what the rest of an admission takes.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a benchmark")]

mod large_cluster;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use large_cluster::{KNOWN, LargeCluster};

const LIMIT: Duration = Duration::from_micros(2);

fn main() {
    let cluster = LargeCluster::start();
    let mut criterion = Criterion::default().configure_from_args().measurement_time(Duration::from_secs(3));
    let mut group = criterion.benchmark_group("find");
    for (what, account) in KNOWN {
        group.bench_function(what, |bencher| {
            bencher.iter(|| black_box(cluster.find(black_box(account))));
        });
    }
    group.finish();
    criterion.final_summary();

    let mut is_slow = false;
    for (what, account) in KNOWN {
        let took = median(|| drop(black_box(cluster.find(black_box(account)))));
        is_slow |= took > LIMIT;
        println!("{what} is known: {took:?} (at most {LIMIT:?})");
    }
    if is_slow {
        std::process::exit(1);
    }
}

fn median(run: impl Fn()) -> Duration {
    const ROUNDS: usize = 101;
    const REPEATS: u32 = 1000;
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let began = std::time::Instant::now();
            (0..REPEATS).for_each(|_| run());
            began.elapsed() / REPEATS
        })
        .collect();
    rounds.sort();
    rounds.get(ROUNDS / 2).copied().unwrap_or_default()
}
