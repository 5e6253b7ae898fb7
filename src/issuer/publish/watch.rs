//! `--watch`: publishes again and again. What was published stays while something cannot be read or written.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::plan::Fate;
use super::publication::{Published, publish};
use super::report::Outcome;
use super::settings::Settings;
use super::sources;
use crate::issuer::target::Target;
use crate::process::{Running, Shutdown, Tasks};

/// What runs until a signal.
pub(super) fn start(settings: Settings, target: Target) -> Running {
    let mut tasks = Tasks::default();
    tracing::info!(issuer = %settings.issuer, %target, interval = ?settings.interval, "following the keys");
    tasks.spawn("publication", follow(settings, target));
    Running {
        servers: Vec::new(),
        tasks,
        shutdown: Shutdown::default(),
        // Nothing is served, and a publication may end anywhere.
        shutdown_delay: Duration::ZERO,
        drain: Duration::ZERO,
    }
}

async fn follow(settings: Settings, target: Target) {
    let mut ticks = interval(settings.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        look(&settings, &target).await;
    }
}

async fn look(settings: &Settings, target: &Target) {
    let (sources, failed) = sources::read(&settings.places).await;
    for error in &failed {
        tracing::warn!(%error, "keys not read: no key is taken away meanwhile");
    }
    // New keys of the others must not wait for the one that is away.
    if sources.is_empty() {
        return;
    }
    match publish(settings, target, &sources, failed.is_empty()).await {
        Ok(published) => log(&published),
        Err(error) => tracing::error!(%error, "not published: what was published before stays"),
    }
}

fn log(published: &Published) {
    if published.is_unchanged() {
        tracing::debug!(keys = published.plan.keys().len(), "nothing is new");
        return;
    }
    for entry in &published.plan.entries {
        let (kid, sources) = (&entry.kid, &entry.sources);
        match entry.fate {
            Fate::Added => tracing::info!(kid, ?sources, "key published"),
            Fate::Expires => tracing::info!(kid, "key taken away: no source has had it for the retention"),
            Fate::Withdrawn => tracing::info!(kid, "key taken away: it was removed"),
            Fate::Stays | Fate::Kept | Fate::LeftOut => {}
        }
    }
    let changed = published.objects.iter().filter(|(_, outcome)| *outcome != Outcome::Unchanged);
    let changed: Vec<_> = changed.map(|(path, _)| path).collect();
    tracing::info!(keys = published.plan.keys().len(), ?changed, "published");
}
