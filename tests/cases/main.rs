//! Every golden case in every way, a test for each: `cargo test --test golden config-map-kops` runs those of
//! one case, `cargo test --test golden served` those through TLS.
//!
//! With `UPDATE_GOLDEN=1` what is expected of the cases that the filter names is written first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, missing_docs, reason = "nobody imports a test")]

mod check;
mod inject;
mod served;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use test_support::cases::Case;
use test_support::decided::World;
use test_support::server::settings;

use check::Answer;
use served::Servers;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = Case::all();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let filter = arguments.filter.as_deref().unwrap_or_default();
        cases.iter().filter(|case| case.name.contains(filter)).for_each(update);
    }
    let decided = cases.iter().map(|case| {
        let of = case.clone();
        trial(case, "decided", move || {
            let world = world(&of);
            check::check(&of, |body| world.answer(&body, true))
        })
    });
    let injected = cases.iter().filter_map(|case| {
        let (of, (namespace, pod)) = (case.clone(), case.pod()?);
        Some(trial(case, "injected", move || inject::check(&of, &namespace, &pod)))
    });
    let trials: Vec<_> = decided.chain(injected).chain(Servers::default().trials(&cases)).collect();
    for (way, least) in [("decided", 300), ("injected", 280), ("served", 300), ("association-file", 30)] {
        let found = trials.iter().filter(|trial| trial.name().ends_with(way)).count();
        assert!(found >= least, "{way}: {found} cases");
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test named after its case and the way in which it runs.
fn trial(case: &Case, way: &str, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(format!("{}::{way}", case.name), move || Ok(run()?))
}

/// What answers a case without a server.
fn world(case: &Case) -> World {
    let manifests = format!("--manifests={}", case.world().display());
    World::new(&settings(case.args().into_iter().chain([manifests])))
}

/// Writes what is expected of a case; a person has to review the difference.
fn update(case: &Case) {
    let world = world(case);
    let answer = |seeded| Answer::read(&world.answer(&case.review(), seeded)).expected;
    case.update(&answer(true), &answer(false).patch);
    if let (Some(_), Some((namespace, pod))) = (case.explanation(), case.pod()) {
        case.update_explanation(inject::explain(case, &namespace, &pod));
    }
}
