//! The strategies reach what the properties are about.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::case::{Seen, case};

const CASES: usize = 500;

#[test]
fn generated_cases_go_every_way() {
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<Seen, usize> = BTreeMap::new();
    for _ in 0..CASES {
        for seen in case().new_tree(&mut runner).unwrap().current().admit().seen {
            *counts.entry(seen).or_default() += 1;
        }
    }
    // Even the rarest way is taken in every property's cases.
    let rare: Vec<_> = Seen::ALL.iter().filter(|seen| counts.get(seen).copied().unwrap_or(0) < 5).collect();
    assert!(rare.is_empty(), "hardly ever {rare:?} in {counts:?}");
}
