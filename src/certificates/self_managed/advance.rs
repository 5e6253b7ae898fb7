//! What becomes of the Secret: a pure function of what it says, of what this replica serves and of what API servers
//! trust. Every replica calls it, and whoever writes first is right; calling it again changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::authority::{Authority, whole};
use super::certificate::Certificate;
use super::secret::Stored;
use super::settings::Periods;
use super::state::State;
use crate::certificates::issue::IssueError;

/// What a replica knows besides the Secret.
pub(super) struct View<'a> {
    /// Seconds since 1970.
    pub(super) now: i64,
    /// How long things last.
    pub(super) periods: &'a Periods,
    /// What the Secret gets if it has no authority that can sign: what this replica remembers, or made at start.
    pub(super) remembered: &'a State,
    /// The authority of the leaf that this replica served while API servers trusted it, and when that leaf ends.
    pub(super) serving: Option<(&'a Certificate, i64)>,
    /// What the registration's entries trust now, in any of them.
    pub(super) bundled: &'a [Certificate],
    /// For how long every entry has shown an authority, if all do.
    pub(super) shown: &'a (dyn Fn(&Certificate) -> Option<Duration> + Sync),
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// There was no authority that could sign, and now there is.
    Made,
    /// The next authority was made, and is announced to API servers.
    Announced,
    /// The next authority signs from now on.
    Promoted,
    /// An authority is kept trusted, because leaves of it are served.
    Kept,
    /// An authority is no longer trusted: all that it signed has expired.
    Dropped,
}

impl Change {
    /// The change in words, for the log.
    #[must_use]
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Made => "an authority was made",
            Self::Announced => "the next authority was made, and is announced to the API servers",
            Self::Promoted => "the next authority signs from now on",
            Self::Kept => "an authority stays trusted, because certificates of it are served",
            Self::Dropped => "an authority is no longer trusted: all that it signed has expired",
        }
    }
}

/// What the Secret should say, and what differs from what it says, each with the authority that it is about.
#[derive(Debug)]
pub(super) struct Advanced {
    /// What it should say.
    pub(super) state: State,
    /// The differences, but for what is set aside.
    pub(super) changes: Vec<(Change, Certificate)>,
}

/// Takes every step that is due. `make` makes an authority that is valid from now on.
pub(super) fn advance(
    stored: Stored,
    view: &View<'_>,
    make: impl Fn() -> Result<Arc<Authority>, IssueError>,
) -> Result<Advanced, IssueError> {
    let View { now, periods, remembered, serving, bundled, shown } = *view;
    // The last leaf that is signed before everybody knows ends then.
    let until = now.saturating_add(whole(periods.leaf)).saturating_add(whole(periods.wait));
    let mut changes = Vec::new();
    let Stored { signing, next, previous, unusable: _ } = stored;
    let mut state = if let Some(signing) = signing {
        State { signing, next, previous }
    } else {
        let state = remembered.clone();
        let is_usable = state.signing.certificate().check(now).is_ok();
        let mut state = if is_usable { state } else { State::of(make()?) };
        changes.push((Change::Made, state.signing.certificate().clone()));
        for previous in &previous {
            state.keep(&previous.certificate, previous.until);
        }
        if let Some(next) = &next {
            state.keep(next.certificate(), until);
        }
        // Whoever was trusted before stays so for a while, as far as there is room: another replica may serve a leaf of
        // it, or what ran here before this program.
        for certificate in bundled {
            let is_known = state.trusts(certificate);
            if !is_known
                && !state.is_full()
                && certificate.not_after() > now
                && state.keep(certificate, until)
            {
                changes.push((Change::Kept, certificate.clone()));
            }
        }
        state
    };
    if let Some((certificate, leaf_end)) = serving
        && leaf_end > now
        && state.keep(certificate, leaf_end.saturating_add(whole(periods.wait)))
    {
        changes.push((Change::Kept, certificate.clone()));
    }
    let is_known = |next: &Authority| shown(next.certificate()).is_some_and(|time| time >= periods.wait);
    match state.next.take() {
        Some(next) if is_known(&next) => {
            let before = std::mem::replace(&mut state.signing, next);
            changes.push((Change::Promoted, state.signing.certificate().clone()));
            state.keep(before.certificate(), until);
        }
        Some(next) => state.next = Some(next),
        None if now >= state.signing.renewal(periods.authority) => {
            let next = make()?;
            changes.push((Change::Announced, next.certificate().clone()));
            state.next = Some(next);
        }
        None => {}
    }
    state.previous.retain(|previous| {
        let is_trusted = previous.until > now && previous.certificate.not_after() > now;
        if !is_trusted {
            changes.push((Change::Dropped, previous.certificate.clone()));
        }
        is_trusted
    });
    Ok(Advanced { state, changes })
}
