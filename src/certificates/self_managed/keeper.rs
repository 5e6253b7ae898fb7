//! Keeps a replica's certificate, the authority in the Secret and the caBundles of the registration, in rounds that may
//! end anywhere and be made by several replicas at once: each reads all three, decides, and writes what differs.

mod agreement;
mod bundles;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::authority::Authority;
use super::certificate::Certificate;
use super::event;
use super::metrics::Metrics;
use super::names::Names;
use super::registration::entries;
use super::serving::Serving;
use super::settings::SelfManaged;
use super::shown::Shown;
use super::state::State;
use super::trouble::Trouble;
use super::troubles::Troubles;
use crate::certificates::issue::IssueError;
use crate::certificates::{self, Clock, Store};
use crate::kubernetes::{Address, ApiError, Document};
use crate::process::{Condition, Latch, Note, Readiness};

/// How often everything is looked at. The rights of the webhook end at `get` and `update`, so there is no watch; a
/// caBundle that somebody wipes costs pods their identity until it is repaired.
const LOOK: Duration = Duration::from_secs(1);

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(5);

/// Times that a round is made again at once because somebody else wrote in between.
const AGAIN: usize = 5;

/// What is known of the Secret in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    /// It says what this replica remembers: all others go by it too.
    Agreed,
    /// There is none: every replica remembers what it has, and leaves the others' authorities in the bundles.
    Alone,
    /// It could not be read, or holds what could not be replaced yet.
    Unknown,
    /// Somebody else wrote it just now.
    Outrun,
}

/// One replica's part in keeping certificates.
pub struct Keeper {
    client: Client,
    settings: SelfManaged,
    names: Names,
    secret: Address,
    registration: Address,
    clock: Clock,
    store: Arc<Store>,
    leaf_metrics: certificates::Metrics,
    metrics: Metrics,
    troubles: Troubles,
    trusted: Latch,
    /// What the Secret said last, or what this replica made at start, which no other knows of.
    remembered: State,
    /// Whether any other replica may know what is remembered.
    is_shared: bool,
    serving: Serving,
    shown: Shown,
    /// What was in every bundle when they were last as they should be.
    kept: Vec<Certificate>,
    create_after: Instant,
    /// When this replica set something aside lately.
    asides: VecDeque<Instant>,
    /// Why no authority or leaf could be made in this round.
    failure: Option<String>,
    /// What is to be told of by an event once everything else is done: what, when, and what makes its name unique.
    event: Option<(String, i64, String)>,
}

impl Keeper {
    /// Makes an authority and a leaf for a start: what is served until the Secret is read, and what an empty Secret
    /// gets.
    pub fn new(
        client: Client,
        settings: SelfManaged,
        clock: Clock,
        (leaf_metrics, metrics): (certificates::Metrics, Metrics),
        readiness: &Readiness,
    ) -> Result<Self, IssueError> {
        let objects = &settings.objects;
        let names = Names::of_service(&objects.service, &objects.namespace);
        let periods = settings.periods;
        let now = clock.seconds();
        let authority = Authority::make(&names, now, periods.authority)?;
        let (serving, pair) = Serving::first(authority.clone(), &names, now, periods.leaf)?;
        leaf_metrics.expires(pair.not_after());
        let latch = Latch::default();
        let trusted = latch.clone();
        let troubles = Troubles::new(metrics.clone());
        let told = troubles.told();
        readiness.require("authority", move || {
            if trusted.is_set() { Condition::Holds } else { Condition::Fails(not_yet(told.text())) }
        });
        Ok(Self {
            secret: Address::secret(&objects.namespace, &objects.secret),
            registration: Address::mutating_webhook_configuration(&objects.registration),
            client,
            settings,
            names,
            clock,
            store: Arc::new(Store::new(pair)),
            troubles,
            leaf_metrics,
            metrics,
            trusted: latch,
            remembered: State::of(authority),
            is_shared: false,
            serving,
            shown: Shown::default(),
            kept: Vec::new(),
            create_after: Instant::now(),
            asides: VecDeque::new(),
            failure: None,
            event: None,
        })
    }

    /// What is served.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        self.store.clone()
    }

    /// Keeps everything, for ever.
    pub async fn run(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            for _ in 0..AGAIN {
                if self.round().await != Agreement::Outrun {
                    break;
                }
            }
        }
    }

    /// Looks at everything once.
    async fn round(&mut self) -> Agreement {
        self.failure = None;
        // In this order: whoever writes an authority into the bundles has written it into the Secret before, so what is
        // read of the Secret is at least as new.
        let registration = read(&self.client, &self.registration).await;
        let secret = read(&self.client, &self.secret).await;
        for document in [&secret, &registration] {
            document.iter().filter_map(|document| document.date).for_each(|date| self.clock.hear(date));
        }
        self.troubles.set(Trouble::Clock, self.clock.difference().map(|ahead| {
            format!("this machine's clock differs from the API server's by {ahead} s: certificates go by the latter")
        }));
        let registration = match registration {
            Ok(document) => document.object,
            Err(text) => {
                self.shown.lose();
                let text = format!("failed to read {}: {text}", self.registration);
                self.troubles.set(Trouble::Configuration, Some(text));
                // What is served has to be kept all the same.
                self.serve();
                return Agreement::Unknown;
            }
        };
        let bundled = registration.as_ref().map(|object| entries(object, &self.names)).unwrap_or_default();
        self.shown.see(&bundled);
        let bundled: Vec<_> = bundled.into_iter().flat_map(|entry| entry.certificates).collect();
        let agreement = match secret {
            Ok(Document { object: Some(secret), .. }) => self.agree(secret, &bundled).await,
            Ok(Document { object: None, .. }) => self.create(&bundled).await,
            Err(text) => {
                let text = format!("failed to read {}: {text}", self.secret);
                self.troubles.set(Trouble::Secret, Some(text));
                Agreement::Unknown
            }
        };
        let agreement = self.repair(registration, agreement, &bundled).await;
        self.serve();
        self.look_ready(agreement);
        self.troubles.set(Trouble::Making, self.failure.take());
        if let Some((note, now, unique)) = self.event.take() {
            let told = event::set_aside(&self.client, &self.secret, &note, now, &unique);
            // Nothing depends on it.
            if timeout(REQUEST, told).await.is_err() {
                tracing::warn!(
                    "no answer within {REQUEST:?} while making an event about the authority's Secret"
                );
            }
        }
        agreement
    }

    /// Serves a new leaf if one is due.
    fn serve(&mut self) {
        let signing = &self.remembered.signing;
        // Calls come to a leaf that was trusted, as long as its authority is in the bundles: then there is no hurry.
        let has_time = self.serving.was_trusted() && self.shown.time(self.serving.authority()).is_some();
        let is_trusted = if has_time {
            self.shown.time(signing.certificate()).is_some_and(|time| time >= self.settings.periods.wait)
        } else {
            self.shown.is_settled(signing.certificate())
        };
        let at = (self.clock.seconds(), self.settings.periods.leaf, &self.names);
        match self.serving.keep(&self.store, signing, is_trusted, at) {
            Ok(None) => {}
            Ok(Some(not_after)) => {
                self.leaf_metrics.expires(not_after);
                tracing::info!(authority = %self.serving.authority(), not_after, "certificate replaced");
            }
            Err(error) => self.failure = Some(error.kind().to_owned()),
        }
        if self.shown.time(self.serving.authority()).is_some() && !self.shown.has_no_entry() {
            self.serving.trust();
        }
    }

    /// This replica may be called once API servers trust what it serves.
    fn look_ready(&mut self, agreement: Agreement) {
        let is_known = matches!(agreement, Agreement::Agreed | Agreement::Alone);
        let is_trusted = self.shown.is_settled(self.serving.authority());
        if is_known && is_trusted && self.trusted.set() {
            tracing::info!(authority = %self.serving.authority(), "API servers trust this replica's certificate");
        }
    }
}

/// What a replica waits for that has never been trusted.
fn not_yet(trouble: Option<String>) -> Note {
    let shown = "not yet in all caBundles of the registration, see the log".to_owned();
    Note { detail: trouble.map_or_else(|| shown.clone(), |trouble| format!("{shown}: {trouble}")), shown }
}

/// A request that gave nothing.
struct Failure {
    code: Option<u16>,
    text: String,
}

async fn timely<T>(request: impl Future<Output = Result<T, ApiError>>) -> Result<T, Failure> {
    match timeout(REQUEST, request).await {
        Ok(answer) => answer.map_err(|error| Failure { code: error.code(), text: error.to_string() }),
        Err(_) => Err(Failure { code: None, text: format!("no answer within {REQUEST:?}") }),
    }
}

async fn read(client: &Client, address: &Address) -> Result<Document, String> {
    timely(address.read(client)).await.map_err(|failure| failure.text)
}
