//! A source of identities or of the role policy, followed by a task of its own: the last good set answers,
//! whatever happens to the source. Trouble is logged once and shown by readiness and metrics.
//!
//! `file` follows a file; `single_flight` and `turns` bound what is asked for one thing at a time.

pub(crate) mod file;
mod metrics;
pub(crate) mod regular_file;
pub(crate) mod single_flight;
pub mod turns;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use crate::process::{Condition, Note, Readiness};
use metrics::SourceMetrics;

pub use metrics::{LookupResult, Metrics};

/// What a source last said, as `T`. Its task calls [`Self::replace`] or [`Self::confirm`] after every
/// successful reading, and [`Self::fail`] after every other. Trouble is logged once: when it begins, when it
/// changes, when it is over.
#[derive(Debug)]
pub struct Source<T> {
    name: &'static str,
    count: fn(&T) -> usize,
    current: ArcSwapOption<T>,
    state: Mutex<State>,
    /// `None` for a source that is never read again.
    metrics: Option<SourceMetrics>,
}

#[derive(Debug)]
struct State {
    /// When the source was last read, or made.
    read: Instant,
    /// Why it cannot be read now.
    trouble: Option<Box<str>>,
    /// What is wrong with the current set.
    complaint: Option<Complaint>,
}

/// Entries of a source that cannot be used and are passed over; the others take effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    entries: usize,
    reasons: Vec<String>,
}

impl Complaint {
    /// How many reasons are shown: a line must not list thousands.
    const TOLD: usize = 5;

    /// Adds an entry: which it is, and what is wrong with it, in a line that holds no secret.
    pub fn add(&mut self, reason: impl fmt::Display) {
        self.entries += 1;
        if self.reasons.len() < Self::TOLD {
            self.reasons.push(reason.to_string());
        }
    }

    /// `None` if there is nothing to complain about.
    #[must_use]
    pub fn into_option(self) -> Option<Self> {
        (self.entries > 0).then_some(self)
    }

    /// How many entries cannot be used.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// What is wrong with the first few of them.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries passed over: {}: {}", self.entries, self.reasons.join("; "))?;
        if self.entries > self.reasons.len() { f.write_str("; …") } else { Ok(()) }
    }
}

impl<T: Send + Sync + 'static> Source<T> {
    /// A source that was not read yet: until it is, it answers nothing and the replica is not ready. `count`
    /// counts a set's entries for the metrics, which are labelled with the source's name.
    #[must_use]
    pub fn new(
        name: &'static str,
        count: fn(&T) -> usize,
        readiness: &Readiness,
        metrics: &Metrics,
    ) -> Arc<Self> {
        let source = Arc::new(Self {
            name,
            count,
            current: ArcSwapOption::empty(),
            state: Mutex::new(State { read: Instant::now(), trouble: None, complaint: None }),
            metrics: Some(metrics.source(name)),
        });
        let followed = source.clone();
        readiness.require(name, move || followed.condition());
        source
    }

    /// A source that was read at start and says this for ever; readiness and metrics leave it out.
    #[must_use]
    pub fn fixed(name: &'static str, set: T) -> Arc<Self> {
        Arc::new(Self {
            name,
            count: |_| 0,
            current: ArcSwapOption::from_pointee(set),
            state: Mutex::new(State { read: Instant::now(), trouble: None, complaint: None }),
            metrics: None,
        })
    }

    /// The source was read and says this, which takes effect from the next admission on.
    pub fn replace(&self, set: T) {
        self.replace_but(set, None);
    }

    /// The source was read and says this, besides entries that cannot be used.
    pub fn replace_but(&self, set: T, complaint: Option<Complaint>) {
        self.replace_part(set, complaint);
        self.confirm();
    }

    /// A part of the source was read, and all of it now says this: what was wrong with the rest remains
    /// wrong, and the whole is as old as it was.
    pub fn replace_part(&self, set: T, complaint: Option<Complaint>) {
        let entries = (self.count)(&set);
        let previous = self.current.swap(Some(Arc::new(set)));
        if let Some(metrics) = &self.metrics {
            metrics.entries(entries, complaint.as_ref().map_or(0, Complaint::entries));
        }
        if previous.is_none() {
            tracing::info!(source = self.name, entries, "source read for the first time");
        }
        let mut state = self.state();
        if let Some(complaint) =
            complaint.as_ref().filter(|complaint| Some(*complaint) != state.complaint.as_ref())
        {
            tracing::warn!(source = self.name, "{complaint}");
        }
        state.complaint = complaint;
    }

    /// The source was read and says what it said before.
    pub fn confirm(&self) {
        self.metrics.iter().for_each(SourceMetrics::read);
        let mut state = self.state();
        state.read = Instant::now();
        if state.trouble.take().is_some() {
            tracing::info!(source = self.name, "source can be read again");
        }
    }

    /// The source could not be read, for a reason in one line that holds no secret: the last good
    /// set stays.
    pub fn fail(&self, reason: &str) {
        self.metrics.iter().for_each(SourceMetrics::failed);
        let mut state = self.state();
        if state.trouble.as_deref() != Some(reason) {
            state.trouble = Some(reason.into());
            let keeps = if self.is_synced() { "the last good set" } else { "nothing: not ready" };
            tracing::warn!(source = self.name, reason, keeps, "source cannot be read");
        }
    }

    /// One account was looked up live.
    pub fn looked_up(&self, result: LookupResult) {
        self.metrics.iter().for_each(|metrics| metrics.looked_up(result));
    }

    /// The last good set; `None` before the first.
    #[must_use]
    pub fn current(&self) -> Option<Arc<T>> {
        self.current.load_full()
    }

    /// Whether it was ever read.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.current.load().is_some()
    }

    /// Why it cannot be read now, so that what it says may be old.
    #[must_use]
    pub fn trouble(&self) -> Option<Box<str>> {
        self.state().trouble.clone()
    }

    /// How many entries a set of this source has.
    pub(crate) fn count(&self, set: &T) -> usize {
        (self.count)(set)
    }

    /// The source's name in log, metrics and readiness.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn condition(&self) -> Condition {
        let State { read, trouble, complaint } = &*self.state();
        match (self.is_synced(), trouble, complaint) {
            (false, None, _) => Condition::Fails("not read yet".to_owned().into()),
            (false, Some(trouble), _) => {
                let shown = "not read yet; the log says why".to_owned();
                Condition::Fails(Note { shown, detail: format!("not read yet: {trouble}") })
            }
            (true, Some(trouble), _) => {
                let kept = format!("keeps the set read {}s ago", read.elapsed().as_secs());
                let shown = format!("{kept}; the log says why");
                Condition::HoldsBut(Note { shown, detail: format!("{kept}: {trouble}") })
            }
            (true, None, Some(complaint)) => {
                let shown = format!("entries passed over: {}; the log says which", complaint.entries);
                Condition::HoldsBut(Note { shown, detail: complaint.to_string() })
            }
            (true, None, None) => Condition::Holds,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // No change can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::telemetry::Registry;

    fn source() -> (Arc<Source<BTreeSet<String>>>, Readiness, Registry) {
        let (readiness, registry) = (Readiness::default(), Registry::new().unwrap());
        let metrics = Metrics::new(&registry).unwrap();
        let source = Source::new("association-file", BTreeSet::len, &readiness, &metrics);
        (source, readiness, registry)
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn metric(registry: &Registry, name: &str) -> f64 {
        let line = format!("pod_identity_webhook_source_{name}{{source=\"association-file\"}} ");
        let text = registry.scrape().unwrap();
        text.lines().find_map(|text| text.strip_prefix(&line)).unwrap().parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn is_not_ready_before_it_was_read_and_ever_after() {
        let (source, readiness, _) = source();
        assert!(source.current().is_none());
        assert_eq!(
            readiness.report(),
            (false, "[-]association-file not read yet\nreadyz check failed\n".into())
        );
        source.fail("no such thing");
        let (is_ready, report) = readiness.report();
        assert!(
            !is_ready && report.starts_with("[-]association-file not read yet: no such thing\n"),
            "{report}"
        );
        let shown = "[-]association-file not read yet; the log says why\nreadyz check failed\n";
        assert_eq!(readiness.shown(), (false, shown.into()));
        source.replace(set(&[]));
        assert_eq!(readiness.report(), (true, "[+]association-file ok\nreadyz check passed\n".into()));
        source.fail("gone");
        assert!(readiness.report().0);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_last_good_set_and_says_of_when() {
        let (source, readiness, _) = source();
        source.replace(set(&["orders"]));
        tokio::time::advance(Duration::from_millis(42_700)).await;
        source.fail("half written");
        assert_eq!(*source.current().unwrap(), set(&["orders"]));
        let (is_ready, report) = readiness.report();
        let expected =
            "[+]association-file ok (keeps the set read 42s ago: half written)\nreadyz check passed\n";
        assert_eq!((is_ready, report.as_str()), (true, expected));
        let shown =
            "[+]association-file ok (keeps the set read 42s ago; the log says why)\nreadyz check passed\n";
        assert_eq!(readiness.shown(), (true, shown.into()));
        source.confirm();
        assert_eq!(readiness.report().1, "[+]association-file ok\nreadyz check passed\n");
        source.fail("half written");
        source.replace(set(&["cart", "orders"]));
        assert_eq!(readiness.report().1, "[+]association-file ok\nreadyz check passed\n");
        assert_eq!(source.current().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn counts_entries_failures_and_the_time_since_it_was_read() {
        let (source, _, registry) = source();
        let seen = |entries: f64, errors: f64, age: f64| {
            let expected = [("entries", entries), ("errors_total", errors), ("age_seconds", age)];
            for (name, expected) in expected {
                assert!(
                    (metric(&registry, name) - expected).abs() < 1e-9,
                    "{name} is {}",
                    metric(&registry, name)
                );
            }
        };
        seen(0.0, 0.0, 0.0);
        tokio::time::advance(Duration::from_secs(3)).await;
        seen(0.0, 0.0, 3.0);
        source.replace(set(&["orders", "cart"]));
        seen(2.0, 0.0, 0.0);
        tokio::time::advance(Duration::from_secs(5)).await;
        source.fail("one");
        source.fail("one");
        source.fail("other");
        seen(2.0, 3.0, 5.0);
        source.confirm();
        seen(2.0, 3.0, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn entries_that_are_passed_over_are_told_of_as_long_as_they_are_there() {
        let (source, readiness, registry) = source();
        let mut complaint = Complaint::default();
        assert_eq!(complaint.clone().into_option(), None);
        complaint.add("the third has no name");
        complaint.add("the fifth has none either");
        source.replace_but(set(&["orders"]), complaint.into_option());
        let told = "[+]association-file ok (entries passed over: 2: the third has no name; the fifth has none \
                    either)\n";
        let report = || readiness.report().1;
        assert!(report().starts_with(told), "{}", report());
        let shown = "[+]association-file ok (entries passed over: 2; the log says which)\n";
        assert!(readiness.shown().1.starts_with(shown), "{}", readiness.shown().1);
        assert!((metric(&registry, "passed_over_entries") - 2.0).abs() < 1e-9);
        source.fail("gone");
        assert!(report().contains("keeps the set read 0s ago: gone"), "{}", report());
        source.confirm();
        assert!(report().starts_with(told), "{}", report());
        source.replace(set(&["orders"]));
        assert!(report().starts_with("[+]association-file ok\n"), "{}", report());
        assert!(metric(&registry, "passed_over_entries").abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_read_makes_the_whole_no_younger() {
        let (source, readiness, registry) = source();
        source.replace(set(&[]));
        tokio::time::advance(Duration::from_secs(7)).await;
        source.fail("the other part is forbidden");
        source.replace_part(set(&["orders"]), None);
        assert_eq!(*source.current().unwrap(), set(&["orders"]));
        let told = "[+]association-file ok (keeps the set read 7s ago: the other part is forbidden)\n";
        assert!(readiness.report().1.starts_with(told), "{}", readiness.report().1);
        assert!((metric(&registry, "age_seconds") - 7.0).abs() < 1e-9);
        assert_eq!(source.trouble().as_deref(), Some("the other part is forbidden"));
        source.confirm();
        assert_eq!((metric(&registry, "age_seconds"), source.trouble()), (0.0, None));
    }

    #[test]
    fn many_entries_are_counted_and_a_few_told_of() {
        let mut complaint = Complaint::default();
        (1..=1000).for_each(|entry| complaint.add(entry));
        assert_eq!(complaint.to_string(), "entries passed over: 1000: 1; 2; 3; 4; 5; …");
    }
}
