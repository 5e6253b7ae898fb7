//! The leaf that this replica serves: by whom it is signed, and when the next is due.

use std::sync::Arc;
use std::time::Duration;

use super::authority::{Authority, whole};
use super::certificate::Certificate;
use super::names::Names;
use crate::certificates::issue::IssueError;
use crate::certificates::{Pair, Store};
use crate::kubernetes::jittered;

/// A leaf that was made here, whose key nobody else has.
#[derive(Debug)]
pub(super) struct Serving {
    authority: Arc<Authority>,
    not_before: i64,
    not_after: i64,
    /// When the next leaf is due, in seconds since 1970.
    renewal: i64,
    /// Whether API servers have trusted its authority while it was served.
    was_trusted: bool,
}

impl Serving {
    /// Makes the first leaf.
    pub(super) fn first(
        authority: Arc<Authority>,
        names: &Names,
        now: i64,
        life: Duration,
    ) -> Result<(Self, Pair), IssueError> {
        let pair = authority.leaf(names, now, life)?;
        let serving = Self {
            authority,
            not_before: pair.not_before(),
            not_after: pair.not_after(),
            renewal: renewal(now, pair.not_after()),
            was_trusted: false,
        };
        Ok((serving, pair))
    }

    /// Serves a new leaf if one is due: of the signing authority once API servers trust it, which is for the caller to
    /// know, and until then of that which signed the last one. Returns when the new leaf ends.
    pub(super) fn keep(
        &mut self,
        store: &Store,
        signing: &Arc<Authority>,
        is_trusted: bool,
        at: (i64, Duration, &Names),
    ) -> Result<Option<i64>, IssueError> {
        let (now, life, names) = at;
        let is_other = self.authority.certificate() != signing.certificate();
        // A leaf from the future was made by a clock that has been set back since.
        let is_due = now >= self.renewal || now < self.not_before;
        let can_sign = self.authority.certificate().check(now).is_ok();
        let next = if is_other && (is_trusted || (is_due && !can_sign)) {
            signing.clone()
        } else if is_due {
            self.authority.clone()
        } else {
            return Ok(None);
        };
        let (serving, pair) = Self::first(next, names, now, life)?;
        let was_trusted = self.was_trusted && serving.authority.certificate() == self.authority.certificate();
        *self = Self { was_trusted, ..serving };
        store.replace(pair);
        Ok(Some(self.not_after))
    }

    /// The authority that signed it.
    pub(super) fn authority(&self) -> &Certificate {
        self.authority.certificate()
    }

    /// API servers trust its authority.
    pub(super) fn trust(&mut self) {
        self.was_trusted = true;
    }

    /// Whether API servers have ever trusted its authority, so that calls may come to it.
    pub(super) fn was_trusted(&self) -> bool {
        self.was_trusted
    }

    /// Its authority and its end, if API servers have ever trusted it.
    pub(super) fn trusted(&self) -> Option<(&Certificate, i64)> {
        self.was_trusted.then(|| (self.authority(), self.not_after))
    }
}

/// With a third of the life left, or a little before, so that replicas do not renew all at once.
fn renewal(now: i64, not_after: i64) -> i64 {
    let life = Duration::from_secs(u64::try_from(not_after.saturating_sub(now)).unwrap_or(0));
    let early = whole(jittered(life / 10));
    now.saturating_add(whole(life / 3 * 2)).saturating_sub(early)
}
