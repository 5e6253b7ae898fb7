//! What becomes of the Secret in a round, by what [`advance`] says.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::advance::{Advanced, View, advance};
use super::super::authority::Authority;
use super::super::certificate::Certificate;
use super::super::secret::{self, Stored};
use super::super::state::State;
use super::super::trouble::Trouble;
use super::{Agreement, Failure, Keeper, timely};

/// How long until creating a missing Secret is tried again. Most accounts may not.
const CREATE: Duration = Duration::from_secs(30);

/// Times that a replica sets something aside within a while.
const ASIDES: usize = 10;

/// The while.
const WAR: Duration = Duration::from_mins(10);

impl Keeper {
    /// Brings the Secret up to date, and remembers what it says.
    pub(super) async fn agree(&mut self, mut object: Value, bundled: &[Certificate]) -> Agreement {
        let now = self.clock.seconds();
        let stored = secret::read(&object, &self.names, now);
        let unusable = stored.unusable.clone();
        if !unusable.is_empty() && self.is_fought_over() {
            let text = format!(
                "what {} holds could not be used {ASIDES} times in {} min: does somebody else keep something in it?",
                self.secret,
                WAR.as_secs() / 60
            );
            self.troubles.set(Trouble::Secret, Some(text));
            return self.alone(bundled);
        }
        let Some(Advanced { state, changes }) = self.advance(stored, bundled, now) else {
            return Agreement::Unknown;
        };
        if !changes.is_empty() || !unusable.is_empty() {
            secret::write(&mut object, &state, &unusable, now);
            match timely(self.secret.replace(&self.client, &object)).await {
                Ok(_) => {}
                Err(Failure { code: Some(409), .. }) => return Agreement::Outrun,
                Err(Failure { text, .. }) => {
                    let text = format!("failed to update {}: {text}", self.secret);
                    self.troubles.set(Trouble::Secret, Some(text));
                    return Agreement::Unknown;
                }
            }
        }
        self.troubles.set(Trouble::Secret, None);
        self.remember(Advanced { state, changes });
        self.is_shared = true;
        if !unusable.is_empty() {
            self.asides.push_back(Instant::now());
            self.tell_of(&unusable, now);
        }
        Agreement::Agreed
    }

    /// Whether so much was set aside lately that somebody must be writing the Secret as often: then it is left as it is
    /// for a while.
    fn is_fought_over(&mut self) -> bool {
        while self.asides.front().is_some_and(|at| at.elapsed() > WAR) {
            self.asides.pop_front();
        }
        self.asides.len() >= ASIDES
    }

    /// What should become of what is stored; `None` if no authority could be made.
    fn advance(&mut self, stored: Stored, bundled: &[Certificate], now: i64) -> Option<Advanced> {
        let view = View {
            now,
            periods: &self.settings.periods,
            remembered: &self.remembered,
            serving: self.serving.trusted(),
            bundled,
            shown: &|certificate| self.shown.time(certificate),
        };
        let make = || Authority::make(&self.names, now, self.settings.periods.authority);
        let advanced = advance(stored, &view, make);
        advanced.map_err(|error| self.failure = Some(error.kind().to_owned())).ok()
    }

    fn remember(&mut self, Advanced { state, changes }: Advanced) {
        for (change, certificate) in changes {
            tracing::info!(authority = %certificate, "{}", change.what());
        }
        self.metrics.authority_expires(state.signing.certificate().not_after());
        self.remembered = state;
    }

    /// Tells of what this replica has set aside.
    fn tell_of(&mut self, unusable: &[secret::Unusable], now: i64) {
        for one in unusable {
            self.metrics.set_aside(one.reason);
            let what = one.part.what();
            tracing::error!(secret = %self.secret, reason = one.reason, "{what} could not be used and was set aside: {}", one.why);
        }
        let notes = unusable.iter().map(|one| format!("{} could not be used: {}", one.part.what(), one.why));
        let notes: Vec<_> = notes.collect();
        let note = format!("Set aside under keys that begin with set-aside.: {}", notes.join("; "));
        let unique = format!("{:x}.{}", now, self.serving.authority().serial().get(..8).unwrap_or_default());
        self.event = Some((note, now, unique));
    }

    /// There is no Secret: creates it if that is allowed, and otherwise goes on with what is remembered.
    pub(super) async fn create(&mut self, bundled: &[Certificate]) -> Agreement {
        if Instant::now() >= self.create_after {
            self.create_after = Instant::now() + CREATE;
            let empty = Map::from_iter([("type".to_owned(), json!("Opaque"))]);
            match timely(self.secret.create(&self.client, empty)).await {
                Ok(_) => {
                    tracing::info!(secret = %self.secret, "the authority's Secret was created");
                    return Agreement::Outrun;
                }
                Err(Failure { code: Some(409), .. }) => return Agreement::Outrun,
                Err(Failure { text, .. }) => {
                    let text = format!(
                        "there is no {}, and it could not be created: {text}; replicas go on with what they \
                         remember: make it, empty, for instance by helm upgrade",
                        self.secret
                    );
                    self.troubles.set(Trouble::Secret, Some(text));
                }
            }
        }
        self.alone(bundled)
    }

    /// Goes on with what is remembered, which then is of this replica alone.
    fn alone(&mut self, bundled: &[Certificate]) -> Agreement {
        let now = self.clock.seconds();
        let State { signing, next, previous } = self.remembered.clone();
        // One that cannot sign, because a clock was wrong when it was made, is made anew.
        let signing = Some(signing).filter(|signing| signing.certificate().check(now).is_ok());
        let remembered = Stored { signing, next, previous, unusable: Vec::new() };
        if let Some(advanced) = self.advance(remembered, bundled, now) {
            self.remember(advanced);
        }
        Agreement::Alone
    }
}
