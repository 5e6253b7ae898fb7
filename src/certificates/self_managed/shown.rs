//! What every entry of the registration has shown, and since when: API servers learn of it a moment later.

use std::time::Duration;

use tokio::time::Instant;

use super::certificate::Certificate;
use super::registration::Entry;

/// What this replica saw of the registration.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Authorities that every entry trusts, each with the time since when.
    certificates: Vec<(Certificate, Instant)>,
    /// Since when there has been no entry: nobody calls, and nobody has to trust anything.
    no_entry: Option<Instant>,
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
    }

    /// The registration could not be read: what it showed may no longer be so.
    pub(super) fn lose(&mut self) {
        self.is_known = false;
    }

    /// For how long all entries have trusted this authority, if they do.
    pub(super) fn time(&self, certificate: &Certificate) -> Option<Duration> {
        let known = self.certificates.iter().find(|(known, _)| known == certificate);
        let since = known.map(|(_, since)| *since).or(self.no_entry);
        since.filter(|_| self.is_known).map(|since| since.elapsed())
    }

    /// Whether there is no entry that could show anything.
    pub(super) fn has_no_entry(&self) -> bool {
        self.no_entry.is_some()
    }
}
