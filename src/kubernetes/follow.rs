//! Follows the few objects of one kind: lists them in pages, watches from there, and again.
//!
//! Used by sources that keep a set from what they are told here. Not kube's `watcher`, which cannot
//! tell a quiet watch from a dead one. `identities::service_accounts` has a loop of its own: it must
//! know at every moment whether its watch is up, and its objects are too many to list again after
//! every failure, as is done here.

use std::fmt::Debug;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::{Duration, Instant, sleep_until, timeout, timeout_at};

use super::WatchError;
use super::pace::{BACKOFF, GRACE, PAGE, PAGE_LIMIT, SHORT, WATCH, jittered};

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

/// Objects of kind `K` that are followed, each read into a `V` as it comes: whole objects are large,
/// and what is wanted of them is mostly small.
pub struct Follow<K, V> {
    api: Api<K>,
    what: Box<str>,
    fields: Option<String>,
    read: Box<dyn Fn(K) -> V + Send + Sync>,
    state: State<K>,
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

enum State<K> {
    /// What is known may lack changes: list.
    Behind,
    /// All is known up to a version: watch from there.
    Known(String),
    Watching(Watch<K>),
}

struct Watch<K> {
    events: BoxStream<'static, kube::Result<WatchEvent<K>>>,
    version: String,
    began: Instant,
    /// Whether it has lasted long enough to be believed in.
    is_proven: bool,
}

impl<K, V> Debug for Follow<K, V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Follow").field("what", &self.what).finish_non_exhaustive()
    }
}

impl<K, V> Follow<K, V>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Follows what `api` covers, which errors call `what`.
    pub fn new(
        api: Api<K>,
        what: impl Into<Box<str>>,
        read: impl Fn(K) -> V + Send + Sync + 'static,
    ) -> Self {
        Self {
            api,
            what: what.into(),
            fields: None,
            read: Box::new(read),
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
                self.state = State::Watching(self.watch(version).await?);
                Ok(None)
            }
            State::Watching(_) => self.hear().await.map(Some),
        }
    }

    async fn list(&mut self) -> Result<News<V>, WatchError> {
        let mut page =
            ListParams { field_selector: self.fields.clone(), ..ListParams::default() }.limit(PAGE);
        let mut all = Vec::new();
        loop {
            let list = match timeout(PAGE_LIMIT, self.api.list(&page)).await {
                Ok(Ok(list)) => list,
                Ok(Err(source)) => return Err(WatchError::List { what: self.what.clone(), source }),
                Err(_) => return Err(self.silent("listing", PAGE_LIMIT)),
            };
            all.extend(list.items.into_iter().map(&self.read));
            if let Some(token) = list.metadata.continue_.filter(|token| !token.is_empty()) {
                page = page.continue_token(&token);
            } else {
                self.state = State::Known(list.metadata.resource_version.unwrap_or_default());
                return Ok(News::All(all));
            }
        }
    }

    // Not `&self`: a stream of events cannot be shared between threads, and whoever follows is a task.
    async fn watch(&mut self, version: String) -> Result<Watch<K>, WatchError> {
        let mut params = WatchParams::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX));
        params.field_selector.clone_from(&self.fields);
        match timeout(GRACE, self.api.watch(&params, &version)).await {
            Ok(Ok(events)) => {
                Ok(Watch { events: events.boxed(), version, began: Instant::now(), is_proven: false })
            }
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
            match timeout_at(until, watch.events.try_next()).await {
                Ok(Ok(Some(event))) => {
                    if let Some(change) = watch.take(event, &self.what)? {
                        self.changes.push(change.map(&self.read));
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

impl<K: Resource> Watch<K> {
    /// The change that an event tells of.
    fn take(&mut self, event: WatchEvent<K>, what: &str) -> Result<Option<Change<K>>, WatchError> {
        let change = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => Change::Applied(object),
            WatchEvent::Deleted(object) => Change::Deleted(object),
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                return Ok(None);
            }
            WatchEvent::Error(status) => return Err(WatchError::Refused { what: what.into(), status }),
        };
        if let Some(version) = change.object().resource_version() {
            self.version = version;
        }
        Ok(Some(change))
    }
}

impl<V> Change<V> {
    /// The object as it is, or was.
    pub fn object(&self) -> &V {
        let (Self::Applied(object) | Self::Deleted(object)) = self;
        object
    }

    fn map<W>(self, to: impl FnOnce(V) -> W) -> Change<W> {
        match self {
            Self::Applied(object) => Change::Applied(to(object)),
            Self::Deleted(object) => Change::Deleted(to(object)),
        }
    }
}
