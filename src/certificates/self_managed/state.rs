//! What all replicas agree on, in the Secret: which authority signs, which will, and which are still trusted.

use std::sync::Arc;

use super::authority::Authority;
use super::certificate::Certificate;

/// Most authorities that no longer sign. Each is trusted for a leaf's life; more than two at a time mean that
/// something makes new ones over and over.
pub(super) const PREVIOUS: usize = 8;

/// The authorities of one Service.
#[derive(Debug, Clone)]
pub struct State {
    /// Signs leaves.
    pub signing: Arc<Authority>,
    /// Will sign once all API servers trust it.
    pub next: Option<Arc<Authority>>,
    /// Signed leaves that may still be served.
    pub previous: Vec<Previous>,
}

/// An authority that no longer signs, or somebody else's whose leaves were served before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// What API servers are to trust.
    pub certificate: Certificate,
    /// Until when, in seconds since 1970: then the last leaf that it signed has expired.
    pub until: i64,
}

impl State {
    /// Of an authority that is alone.
    #[must_use]
    pub fn of(signing: Arc<Authority>) -> Self {
        Self { signing, next: None, previous: Vec::new() }
    }

    /// All that API servers are to trust, the signing authority first.
    pub fn trusted(&self) -> impl Iterator<Item = &Certificate> {
        let signing = std::iter::once(&self.signing).chain(&self.next);
        let previous = self.previous.iter().map(|previous| &previous.certificate);
        signing.map(|authority| authority.certificate()).chain(previous)
    }

    /// Whether API servers are to trust this authority.
    #[must_use]
    pub fn trusts(&self, certificate: &Certificate) -> bool {
        self.trusted().any(|one| one == certificate)
    }

    /// Whether there is no place for one more previous authority.
    pub(super) fn is_full(&self) -> bool {
        self.previous.len() >= PREVIOUS
    }

    /// Keeps an authority trusted for a while, in place of that which would end first if there are too many.
    /// Returns whether it was not trusted, or not for as long.
    pub(super) fn keep(&mut self, certificate: &Certificate, until: i64) -> bool {
        if let Some(previous) = self.previous.iter_mut().find(|previous| previous.certificate == *certificate)
        {
            let is_longer = until > previous.until;
            previous.until = previous.until.max(until);
            return is_longer;
        }
        if self.trusts(certificate) {
            return false;
        }
        if self.is_full() {
            let first = self.previous.iter().enumerate().min_by_key(|(_, previous)| previous.until);
            if let Some((index, _)) = first {
                self.previous.remove(index);
            }
        }
        self.previous.push(Previous { certificate: certificate.clone(), until });
        true
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let next = |state: &Self| state.next.as_ref().map(|next| next.certificate().clone());
        self.signing.certificate() == other.signing.certificate()
            && next(self) == next(other)
            && self.previous == other.previous
    }
}
