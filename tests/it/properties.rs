//! What holds for every pod, however odd: generated reviews through decode, plan and patch.
//!
//! A finding becomes a golden case or a unit test beside the code; so no seeds are kept.

mod adding;
mod case;
mod coverage;
mod lifetimes;
mod members;
mod pods;
mod pointing;
mod policies;
mod reading;
pub mod settings;

use proptest::test_runner::Config;

/// So many cases, unless `PROPTEST_CASES` asks for another number.
fn cases(number: u32) -> Config {
    let asked = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { number };
    Config { cases, failure_persistence: None, ..asked }
}
