//! Follows the few objects of one kind: lists them in pages, watches from there, and again.
//!
//! Used by sources that keep a set from what they are told here. Not kube's `watcher`, which cannot
//! tell a quiet watch from a dead one. `identities::service_accounts` has a loop of its own: it must
//! know at every moment whether its watch is up, and its objects are too many to list again after
//! every failure, as is done here.

use std::fmt::Debug;

use kube::Client;
use kube::api::WatchParams;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::{Duration, Instant, sleep_until, timeout, timeout_at};

use super::collection::Collection;
use super::error::{ApiError, WatchError};
use super::events::{Event, Events};
use super::list::{Next, Pages, read_page};
use super::pace::{BACKOFF, GRACE, PAGE, SHORT, WATCH, jittered};

/// After changes were told, the next are gathered for this long: in a burst, a set is not made anew
/// for each. A change that comes alone is told at once.
const GATHER: Duration = Duration::from_millis(50);

/// So many changes are told without further gathering.
const MANY: usize = 1000;

/// What has become known.
#[derive(Debug, PartialEq, Eq)]
pub enum News<V> {
    /// Everything there is; what was told before and is not among it is gone.
    All(Vec<V>),
    /// What has changed since then, in this order; never empty.
    Changes(Vec<Change<V>>),
    /// Nothing: all that was told was still so. Comes when a watch proves alive, and when it ends.
    Unchanged,
}

/// A change of one object.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// It was made or changed, and now is this.
    Applied(V),
    /// It is gone, and was this at last.
    Deleted(V),
}

/// Objects that are followed, each read into a `V` as it comes: whole objects are large, and what is wanted of
/// them is mostly small.
pub struct Follow<V> {
    client: Client,
    collection: Collection,
    what: Box<str>,
    fields: Option<String>,
    read: Box<Read<V>>,
    state: State,
    /// Gathered, not told yet.
    changes: Vec<Change<V>>,
    /// When they may be told.
    tell: Instant,
    /// To be told once the changes are.
    failed: Option<WatchError>,
    /// When the API server may be asked again.
    next: Instant,
    /// How long to wait after the next failure.
    wait: Duration,
}

type Read<V> = dyn Fn(&RawValue) -> Result<V, serde_json::Error> + Send + Sync;

enum State {
    /// What is known may lack changes: list.
    Behind,
    /// All is known up to a version: watch from there.
    Known(String),
    Watching(Box<Watch>),
}

struct Watch {
    events: Events,
    version: String,
    began: Instant,
    /// Whether it has lasted long enough to be believed in.
    is_proven: bool,
}

impl<V> Debug for Follow<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Follow").field("what", &self.what).finish_non_exhaustive()
    }
}

impl<V: 'static> Follow<V> {
    /// Follows what the collection holds, which errors call `what`. Of every object what a `K` has is read,
    /// and of that what `read` makes of it is kept.
    pub fn new<K: DeserializeOwned>(
        client: Client,
        collection: Collection,
        what: impl Into<Box<str>>,
        read: impl Fn(K) -> V + Send + Sync + 'static,
    ) -> Self {
        Self {
            client,
            collection,
            what: what.into(),
            fields: None,
            read: Box::new(move |object| serde_json::from_str(object.get()).map(&read)),
            state: State::Behind,
            changes: Vec::new(),
            tell: Instant::now(),
            failed: None,
            next: Instant::now(),
            wait: BACKOFF.0,
        }
    }

    /// Only the objects that a field selector chooses: `metadata.name=…`.
    #[must_use]
    pub fn fields(self, selector: impl Into<String>) -> Self {
        Self { fields: Some(selector.into()), ..self }
    }

    /// Waits for what there is to know next. The first is a list or an error; after every error
    /// comes a list, in a while. Nothing is lost if this is dropped before it is done.
    ///
    /// # Errors
    /// The objects cannot be followed for now: what was told before may be old. Ask again: the wait
    /// before the next attempt is made here, and grows from 0.2 s to 10 s.
    pub async fn next(&mut self) -> Result<News<V>, WatchError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        loop {
            sleep_until(self.next).await;
            let is_list = matches!(self.state, State::Behind);
            let error = match self.step().await {
                Ok(None) => continue,
                Ok(Some(news)) => return Ok(news),
                Err(error) => error,
            };
            self.state = State::Behind;
            self.next = Instant::now() + jittered(self.wait);
            self.wait = (self.wait * 2).min(BACKOFF.1);
            // An old watch is nothing to report: the list tells what it would have.
            let is_routine = error.is_expired() && !is_list;
            match (self.changes.is_empty(), is_routine) {
                (true, true) => {}
                (true, false) => return Err(error),
                (false, is_routine) => {
                    self.failed = Some(error).filter(|_| !is_routine);
                    return Ok(self.tell());
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<News<V>>, WatchError> {
        match &self.state {
            State::Behind => self.list().await.map(Some),
            State::Known(version) => {
                let version = version.clone();
                self.state = State::Watching(Box::new(self.watch(version).await?));
                Ok(None)
            }
            State::Watching(_) => self.hear().await.map(Some),
        }
    }

    async fn list(&mut self) -> Result<News<V>, WatchError> {
        let mut pages = Pages::new(&self.client, &self.collection, &self.what, self.fields.clone(), PAGE);
        let mut all = Vec::new();
        let version = loop {
            let text = pages.next().await?;
            let mut take = |object: &RawValue| {
                self.collection.check_unread(object)?;
                all.push((self.read)(object).map_err(ApiError::unreadable)?);
                Ok(())
            };
            let end = read_page(&text, &mut take);
            let end = end.map_err(|source| WatchError::List { what: self.what.clone(), source })?;
            match pages.turn(end)? {
                Next::Page => {}
                Next::Done(version) => break version,
            }
        };
        self.state = State::Known(version);
        Ok(News::All(all))
    }

    // Not `&self`: what is open cannot be shared between threads, and whoever follows is a task.
    async fn watch(&mut self, version: String) -> Result<Watch, WatchError> {
        let mut params = WatchParams::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX));
        params.field_selector.clone_from(&self.fields);
        match timeout(GRACE, Events::open(&self.client, &self.collection, &params, &version)).await {
            Ok(Ok(events)) => Ok(Watch { events, version, began: Instant::now(), is_proven: false }),
            Ok(Err(source)) => Err(WatchError::Watch { what: self.what.clone(), source }),
            Err(_) => Err(self.silent("asking for a watch of", GRACE)),
        }
    }

    /// Waits for what the watch brings next.
    async fn hear(&mut self) -> Result<News<V>, WatchError> {
        loop {
            let State::Watching(watch) = &mut self.state else { return Ok(News::Unchanged) };
            let until = match (self.changes.is_empty(), watch.is_proven) {
                (false, _) => self.tell,
                (true, false) => watch.began + SHORT,
                (true, true) => watch.began + WATCH + GRACE,
            };
            match timeout_at(until, watch.events.next()).await {
                Ok(Ok(Some(event))) => {
                    if let Some(change) = watch.take(event, &self.read, &self.what)? {
                        self.changes.push(change);
                    }
                    if self.changes.len() >= MANY {
                        return Ok(self.tell());
                    }
                }
                Ok(Ok(None)) if watch.began.elapsed() < SHORT => {
                    return Err(WatchError::Cut { what: self.what.clone() });
                }
                Ok(Ok(None)) => {
                    self.state = State::Known(std::mem::take(&mut watch.version));
                    self.wait = BACKOFF.0;
                    return Ok(self.tell());
                }
                Ok(Err(source)) => return Err(WatchError::Watch { what: self.what.clone(), source }),
                Err(_) if !self.changes.is_empty() => return Ok(self.tell()),
                Err(_) if !watch.is_proven => {
                    watch.is_proven = true;
                    self.wait = BACKOFF.0;
                    return Ok(News::Unchanged);
                }
                Err(_) => return Err(self.silent("watching", WATCH + GRACE)),
            }
        }
    }

    fn tell(&mut self) -> News<V> {
        if self.changes.is_empty() {
            return News::Unchanged;
        }
        self.tell = Instant::now() + GATHER;
        News::Changes(std::mem::take(&mut self.changes))
    }

    fn silent(&self, doing: &'static str, limit: Duration) -> WatchError {
        WatchError::Silent { what: self.what.clone(), doing, limit }
    }
}

impl Watch {
    /// The change that an event tells of.
    fn take<V>(&mut self, event: Event, read: &Read<V>, what: &str) -> Result<Option<Change<V>>, WatchError> {
        let unreadable = |error| WatchError::Watch { what: what.into(), source: ApiError::unreadable(error) };
        let (change, version) = match event {
            Event::Applied(object, version) => {
                (Some(Change::Applied(read(&object).map_err(unreadable)?)), version)
            }
            Event::Deleted(object, version) => {
                (Some(Change::Deleted(read(&object).map_err(unreadable)?)), version)
            }
            Event::Bookmark(version) => (None, version),
            Event::Refused(status) => return Err(WatchError::Refused { what: what.into(), status }),
        };
        if let Some(version) = version {
            self.version = version;
        }
        Ok(change)
    }
}

impl<V> Change<V> {
    /// The object as it is, or was.
    pub fn object(&self) -> &V {
        let (Self::Applied(object) | Self::Deleted(object)) = self;
        object
    }
}
