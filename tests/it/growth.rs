//! Everything that a stranger can send or write is taken in linear time and memory: twice as much of anything
//! that repeats takes less than three times as long, and as much memory.
//!
//! Time is the thread's own on a CPU, so that neighbours do not count; and the best of several rounds by
//! turns, so that what disturbs one round does not count either.

mod inputs;

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use inputs::{Input, inputs};

/// Square growth takes four times as long; sorting, a little more than twice.
const MOST: f64 = 3.0;

/// Rounds, each of both sizes.
const ROUNDS: usize = 3;

/// How often growth that is too fast is measured again before it is believed.
const TRIES: usize = 3;

/// How long one measurement takes at least.
const LONG_ENOUGH: Duration = Duration::from_millis(2);

/// How long this thread has been on a CPU.
fn on_cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// The time that one run takes.
fn time(run: &dyn Fn()) -> f64 {
    let began = on_cpu();
    let mut runs = 0;
    loop {
        run();
        runs += 1;
        let taken = on_cpu().saturating_sub(began);
        if taken >= LONG_ENOUGH {
            return taken.as_secs_f64() / f64::from(runs);
        }
    }
}

/// The most bytes that were allocated at a time.
fn memory(run: &dyn Fn()) -> f64 {
    let bytes = allocation_counter::measure(|| black_box(run)()).bytes_max;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let bytes = bytes as f64;
    bytes
}

/// By how much time and memory grow with twice as much of the input.
fn growth(input: &Input) -> (f64, f64) {
    let (once, twice) = ((input.make)(input.size), (input.make)(2 * input.size));
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        best = (best.0.min(time(&once)), best.1.min(time(&twice)));
    }
    // Memory that does not grow at all may be zero.
    let memory = (memory(&twice) + 4096.0) / (memory(&once) + 4096.0);
    (best.1 / best.0, memory)
}

#[test]
fn twice_as_much_of_anything_takes_less_than_three_times_as_much() {
    let mut failures = Vec::new();
    for input in inputs() {
        let too_fast = |(time, memory): &(f64, f64)| *time >= MOST || *memory >= MOST;
        let mut tries = (0..TRIES).map(|_| growth(&input));
        let first = tries.next().unwrap();
        let (time, memory) =
            if too_fast(&first) { tries.find(|growth| !too_fast(growth)).unwrap_or(first) } else { first };
        println!("{}: time {time:.2}, memory {memory:.2}", input.what);
        if time >= MOST || memory >= MOST {
            failures.push(format!("{}: time {time:.2}, memory {memory:.2}", input.what));
        }
    }
    assert!(failures.is_empty(), "grows too fast:\n{}", failures.join("\n"));
}
