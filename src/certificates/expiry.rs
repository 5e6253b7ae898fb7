//! Logs that the served certificate will expire, while there is time to renew it, and that it has expired,
//! for operators who watch no metric.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Clock, Store};

/// How often the clock is read. It is the wall clock, which may be set.
const LOOK: Duration = Duration::from_secs(1);

/// How long before its end a certificate is reported.
const NOTICE: Duration = Duration::from_hours(7 * 24);

/// Or this part of its life, if that is shorter: a certificate that lives for a day is renewed with a third
/// of it left, and is in trouble only later.
const PART: u32 = 6;

/// How close a certificate is to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Good,
    Ending,
    Expired,
}

/// Watches the served certificate, for ever; each stage of each certificate is logged once.
pub(crate) async fn watch(store: Arc<Store>, clock: Clock) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = (0, Stage::Good);
    loop {
        looks.tick().await;
        let (not_before, not_after) = store.validity();
        let now = clock.seconds();
        let stage = stage(not_before, not_after, now);
        if (not_after, stage) == told {
            continue;
        }
        told = (not_after, stage);
        let left = not_after.saturating_sub(now);
        match stage {
            Stage::Good => {}
            Stage::Ending => {
                tracing::warn!(not_after, hours_left = left / 3600, "the serving certificate expires soon");
            }
            Stage::Expired => {
                tracing::error!(not_after, "the serving certificate has expired: no API server accepts it");
            }
        }
    }
}

fn stage(not_before: i64, not_after: i64, now: i64) -> Stage {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let life = not_after.saturating_sub(not_before);
    let notice = (life / i64::from(PART)).min(seconds(NOTICE));
    match not_after.saturating_sub(now) {
        ..0 => Stage::Expired,
        left if left <= notice => Stage::Ending,
        _ => Stage::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    #[test]
    fn certificate_of_a_year_is_told_of_a_week_before_its_end() {
        let stage = |now| stage(0, 365 * DAY, now);
        assert_eq!(stage(357 * DAY), Stage::Good);
        assert_eq!(stage(358 * DAY), Stage::Ending);
        assert_eq!(stage(365 * DAY), Stage::Ending);
        assert_eq!(stage(365 * DAY + 1), Stage::Expired);
    }

    #[test]
    fn certificate_of_a_day_is_not_told_of_all_day() {
        let stage = |now| stage(0, DAY, now);
        // A certificate that is renewed in time gets no older than this.
        assert_eq!(stage(DAY * 2 / 3), Stage::Good);
        assert_eq!(stage(DAY * 5 / 6), Stage::Ending);
    }
}
