//! What every entry of the registration has shown, and since when: API servers learn of a change a moment later.

use std::time::Duration;

use tokio::time::Instant;

use super::certificate::Certificate;
use super::registration::Entry;

/// How long an authority has to be in all caBundles before a first leaf of it is served. Nobody depends on that leaf
/// yet, so this is shorter than the wait of a rotation, which has to suffice for the slowest API server.
const SETTLE: Duration = Duration::from_millis(900);

/// What this replica saw of the registration.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Authorities that every entry trusts, each with the time since when.
    certificates: Vec<(Certificate, Instant)>,
    /// Since when there has been no entry: nobody calls, and nobody has to trust anything.
    no_entry: Option<Instant>,
    /// What they all trusted when this replica saw them first: it has been so for a while.
    first: Option<Vec<Certificate>>,
    /// Whether the last reading succeeded.
    is_known: bool,
}

impl Shown {
    /// Notes what the entries trust now.
    pub(super) fn see(&mut self, entries: &[Entry]) {
        let now = Instant::now();
        self.is_known = true;
        let everywhere = |certificate: &Certificate| entries.iter().all(|entry| entry.shows(certificate));
        let Some(first) = entries.first() else {
            self.certificates.clear();
            self.no_entry.get_or_insert(now);
            self.first.get_or_insert_default();
            return;
        };
        self.no_entry = None;
        self.certificates.retain(|(certificate, _)| everywhere(certificate));
        for certificate in &first.certificates {
            let is_known = self.certificates.iter().any(|(known, _)| known == certificate);
            if !is_known && everywhere(certificate) {
                self.certificates.push((certificate.clone(), now));
            }
        }
        let shown = self.certificates.iter().map(|(certificate, _)| certificate.clone());
        let first = self.first.get_or_insert_with(|| shown.collect());
        first.retain(everywhere);
    }

    /// The registration could not be read: what it showed may no longer be so.
    pub(super) fn lose(&mut self) {
        self.certificates.clear();
        self.is_known = false;
    }

    /// For how long all entries have trusted this authority, if they do.
    pub(super) fn time(&self, certificate: &Certificate) -> Option<Duration> {
        let known = self.certificates.iter().find(|(known, _)| known == certificate);
        let since = known.map(|(_, since)| *since).or(self.no_entry);
        since.filter(|_| self.is_known).map(|since| since.elapsed())
    }

    /// Whether API servers trust this authority, as far as can be seen.
    pub(super) fn is_settled(&self, certificate: &Certificate) -> bool {
        let was_there = self.first.as_ref().is_some_and(|first| first.contains(certificate));
        self.time(certificate).is_some_and(|time| was_there || time >= SETTLE)
    }

    /// Whether there is no entry that could show anything.
    pub(super) fn has_no_entry(&self) -> bool {
        self.no_entry.is_some()
    }
}
