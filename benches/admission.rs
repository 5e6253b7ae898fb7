//! How long an admission takes, against what `serde_json` needs to skip through the same bytes.
//!
//! Machines differ and so does their load, so the ratio is what counts: it is measured by turns in
//! one run and printed last. More than [`LIMIT`] for one of the larger reviews ends with an error.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a benchmark")]

mod reviews;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use serde::de::IgnoredAny;

/// The most that reading, deciding and answering may cost, in passes over the same bytes.
const LIMIT: f64 = 2.0;

fn skip(body: &[u8]) {
    black_box(serde_json::from_slice::<IgnoredAny>(black_box(body)).unwrap());
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().measurement_time(Duration::from_secs(3));
    let defaults = reviews::defaults();
    let identities = reviews::identities(&defaults);
    let admit = |body: &[u8]| {
        black_box(reviews::answer(black_box(body), &identities, &defaults));
    };
    for (name, shape) in &reviews::SIZES {
        let body = reviews::review(shape);
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("skip", |bencher| bencher.iter(|| skip(&body)));
        group.bench_function("admit", |bencher| bencher.iter(|| admit(&body)));
        group.finish();
    }
    criterion.final_summary();

    let mut is_slow = false;
    for (name, shape) in &reviews::SIZES {
        let body = reviews::review(shape);
        let (skipped, admitted, ratio) = ratio(|| skip(&body), || admit(&body));
        let is_large = body.len() > 5000;
        is_slow |= is_large && ratio > LIMIT;
        println!(
            "{name} ({} bytes): skip {skipped:.1?}, admit {admitted:.1?}, ratio {ratio:.2}{}",
            body.len(),
            if is_large { format!(" (at most {LIMIT})") } else { String::new() }
        );
    }
    if is_slow {
        std::process::exit(1);
    }
}

/// Medians of both and of their ratio, measured by turns so that both meet the same machine.
fn ratio(one: impl Fn(), other: impl Fn()) -> (Duration, Duration, f64) {
    const ROUNDS: usize = 101;
    const REPEATS: u32 = 100;
    let time = |run: &dyn Fn()| {
        let began = Instant::now();
        for _ in 0..REPEATS {
            run();
        }
        began.elapsed() / REPEATS
    };
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| (time(&one), time(&other))).collect();
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(ROUNDS / 2).copied().unwrap_or_default()
    };
    let ratio = median(rounds.iter().map(|(one, other)| other.as_secs_f64() / one.as_secs_f64()).collect());
    rounds.sort();
    let middle = |pick: fn(&(Duration, Duration)) -> Duration| {
        Duration::from_secs_f64(median(rounds.iter().map(|round| pick(round).as_secs_f64()).collect()))
    };
    (middle(|round| round.0), middle(|round| round.1), ratio)
}
