//! How often an admission allocates. It is a program of its own: counting would slow down the timed one.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a benchmark")]

mod large_cluster;
mod reviews;

use std::hint::black_box;

use large_cluster::{KNOWN, LargeCluster};

fn main() {
    let defaults = reviews::defaults();
    let identities = reviews::identities(&defaults);
    // For load.sh, which has no reviews of its own.
    let is_writing = std::env::args().any(|argument| argument == "--write-reviews");
    let folder = std::path::Path::new("target/reviews");
    for (name, shape) in &reviews::SIZES {
        let body = reviews::review(shape);
        if is_writing {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(format!("{name}.json")), &body).unwrap();
        }
        // What a process allocates once, at its first answer, is not the admission's.
        black_box(reviews::answer(&body, &identities, &defaults));
        let allocations = allocation_counter::measure(|| {
            black_box(reviews::answer(&body, &identities, &defaults));
        });
        println!(
            "{name} ({} bytes): {} allocations, {} bytes, {} at the most at a time",
            body.len(),
            allocations.count_total,
            allocations.bytes_total,
            allocations.bytes_max
        );
    }
    let cluster = LargeCluster::start();
    let mut is_wasteful = false;
    for (what, account) in KNOWN {
        let allocations = allocation_counter::measure(|| drop(black_box(cluster.find(account))));
        // Finding nothing should cost nothing, and a role is shared.
        is_wasteful |= allocations.count_total > u64::from(what == "an association");
        println!("{what} is known: {} allocations", allocations.count_total);
    }
    if is_wasteful {
        std::process::exit(1);
    }
}
