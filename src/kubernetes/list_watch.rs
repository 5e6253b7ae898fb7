//! The loop that follows the objects of one kind: lists them in pages, watches from there, and again.
//!
//! Called by sources that keep an index and have to know whether it is current (ServiceAccounts); sources that
//! make a set of a few objects use [`Follow`](super::Follow), which gathers what is told here. Not kube's
//! `watcher`: it swallows bookmarks and does not say when a watch begins again, so it cannot tell a quiet watch
//! from a dead one.

use std::fmt;
use std::future::pending;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::Arc;

use kube::Client;
use kube::api::WatchParams;
use serde_json::value::RawValue;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Duration, Instant, sleep_until, timeout, timeout_at};

use super::collection::Collection;
use super::error::{ApiError, WatchError};
use super::events::{Event, Events};
use super::list::{Pages, read_page};
use super::pace::{BACKOFF, GRACE, SHORT, WATCH, jittered};

/// How long the events of a gap may take to come, once a watch is open again.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What has become known. The first is [`Self::Listed`] or [`Self::Lost`].
#[derive(Debug)]
pub enum Progress<V, L = Vec<V>> {
    /// These are all objects; one that was told before and is not among them is gone.
    Listed(L),
    /// One object has changed. Changes are told one by one, as soon as they come, in the API server's order.
    Changed(Change<V>),
    /// A watch is open and has told what happened while none was: everything told is current until the next
    /// [`Self::Ended`], [`Self::Expired`] or [`Self::Lost`].
    CaughtUp,
    /// The watch has lasted for a second: the API server is well, and everything told still holds.
    Proven,
    /// The watch has ended, as every watch does after 20 s, and everything told still holds. The next watch
    /// begins at once and goes on where this one ended.
    Ended,
    /// The API server has forgotten the version from which the watch was to go on, as happens to old ones. After
    /// a wait comes a list.
    Expired(WatchError),
    /// The objects cannot be followed for now. After a wait comes a list; or, if [`ListWatch::resume`] allows it, a
    /// watch that goes on where the last one failed.
    Lost(WatchError),
}

/// A change of one object.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// Created or changed; this is its state now.
    Applied(V),
    /// Deleted; this was its last state.
    Deleted(V),
}

/// Follows objects for ever. Each is read into a `V` as it comes, because whole objects are large and little of
/// each is wanted; a list is gathered in an `L`, page by page.
///
/// Every wait has a deadline: 30 s for a page, 5 minutes for a list, 5 s for a watch to begin, 25 s for one to end.
/// The wait before the next attempt grows from 0.2 s to 10 s; after a watch that lasted it is short again.
pub struct ListWatch<V, L = Vec<V>> {
    client: Client,
    collection: Collection,
    what: Box<str>,
    fields: Option<String>,
    read: Arc<Read<V>>,
    /// For how long changes may be missing before a watch that failed is not resumed.
    resume: Duration,
    /// Everything up to this version was heard; `None` if everything has to be listed.
    version: Option<String>,
    watch: Option<Watch>,
    /// When the last watch was asked for; `None` if a list was asked for later.
    asked: Option<Instant>,
    /// Since when changes may be missing.
    behind: Instant,
    /// Whether the last attempt failed: only then may too many changes be missing. A list, however long it took,
    /// is to be followed by a watch.
    has_failed: bool,
    /// When the API server may be asked again.
    next: Instant,
    /// How long to wait after the next failure.
    wait: Duration,
    list: PhantomData<fn() -> L>,
}

type Read<V> = dyn Fn(&Collection, &RawValue) -> Result<V, ApiError> + Send + Sync;

/// A watch that is open.
struct Watch {
    events: Events,
    /// When it will have caught up; `None` once that was told.
    catches_up: Option<Instant>,
    /// When it will have lasted; `None` once that was told.
    proves: Option<Instant>,
    /// When it counts as dead.
    dies: Instant,
}

impl<V, L> fmt::Debug for ListWatch<V, L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ListWatch").field("what", &self.what).finish_non_exhaustive()
    }
}

impl<V: 'static, L: Default + Extend<V> + Send + 'static> ListWatch<V, L> {
    /// Follows what the collection holds, which errors call `what`. `read` gets every object as it came, together
    /// with the collection, which checks and reads it ([`Collection::read`]).
    pub fn new(
        client: Client,
        collection: Collection,
        what: impl Into<Box<str>>,
        read: impl Fn(&Collection, &RawValue) -> Result<V, ApiError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            client,
            collection,
            what: what.into(),
            fields: None,
            read: Arc::new(read),
            resume: Duration::ZERO,
            version: None,
            watch: None,
            asked: None,
            behind: Instant::now(),
            has_failed: false,
            next: Instant::now(),
            wait: BACKOFF.0,
            list: PhantomData,
        }
    }

    /// Only the objects that a field selector chooses: `metadata.name=…`.
    #[must_use]
    pub fn fields(self, selector: impl Into<String>) -> Self {
        Self { fields: Some(selector.into()), ..self }
    }

    /// Lets a watch go on where the last one failed, unless changes may be missing for as long as `limit`. Without
    /// it the objects are listed again after every failure, which costs much where there are many.
    #[must_use]
    pub fn resume(self, limit: Duration) -> Self {
        Self { resume: limit, ..self }
    }

    /// Waits for what there is to know next. Nothing is lost if the future is dropped before it is done.
    pub async fn next(&mut self) -> Progress<V, L> {
        loop {
            let step =
                if self.watch.is_some() { self.read_watch().await } else { self.list_or_watch().await };
            match step {
                Ok(None) => {}
                Ok(Some(progress)) => return progress,
                Err(error) => return self.failed(error),
            }
        }
    }

    /// Lists, or opens a watch where everything is known up to some version.
    async fn list_or_watch(&mut self) -> Result<Option<Progress<V, L>>, WatchError> {
        sleep_until(self.next).await;
        let is_too_old = self.has_failed && self.behind.elapsed() >= self.resume;
        let Some(version) = self.version.as_ref().filter(|_| !is_too_old) else {
            self.asked = None;
            return self.list().await.map(|all| Some(Progress::Listed(all)));
        };
        self.asked = Some(Instant::now());
        let mut params = WatchParams::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX));
        params.field_selector.clone_from(&self.fields);
        match timeout(GRACE, Events::open(&self.client, &self.collection, &params, version)).await {
            Ok(Ok(events)) => self.watch = Some(Watch::new(events, self.behind)),
            Ok(Err(source)) => return Err(self.watch_failed(source)),
            Err(_) => return Err(self.silent("asking for a watch of", GRACE)),
        }
        Ok(None)
    }

    async fn list(&mut self) -> Result<L, WatchError> {
        let began = Instant::now();
        let mut pages = Pages::new(&self.client, &self.collection, &self.what, self.fields.clone());
        let mut all = L::default();
        loop {
            let text = pages.next().await?;
            let (collection, read) = (self.collection.clone(), self.read.clone());
            // Thousands of objects take tens of milliseconds, and this thread may be the only one that answers.
            let reading = spawn_blocking(move || {
                let end = read_page(&text, &mut |object| {
                    all.extend([read(&collection, object)?]);
                    Ok(())
                });
                (all, end)
            });
            let (more, end) = match reading.await.map_err(JoinError::try_into_panic) {
                Ok(read) => read,
                // A panic ends this task, and so the process.
                Err(Ok(panic)) => resume_unwind(panic),
                // The reading was cancelled: the process ends.
                Err(Err(_)) => pending().await,
            };
            all = more;
            if let Some(version) = pages.turn(end)? {
                (self.version, self.behind, self.has_failed) = (Some(version), began, false);
                return Ok(all);
            }
        }
    }

    /// Waits for the next event of the open watch, or the next moment at which its silence means something.
    async fn read_watch(&mut self) -> Result<Option<Progress<V, L>>, WatchError> {
        let Some(watch) = &mut self.watch else { return Ok(None) };
        match timeout_at(watch.due(), watch.events.next()).await {
            Ok(Ok(Some(event))) => Ok(self.read_event(event)?.map(Progress::Changed)),
            Ok(Ok(None)) => self.watch_ended().map(Some),
            Ok(Err(source)) => Err(self.watch_failed(source)),
            Err(_) if watch.catches_up.take().is_some() => Ok(Some(Progress::CaughtUp)),
            Err(_) if watch.proves.take().is_some() => Ok(Some(Progress::Proven)),
            Err(_) => Err(self.silent("watching", WATCH + GRACE)),
        }
    }

    /// The change that an event tells of, if any.
    fn read_event(&mut self, event: Event) -> Result<Option<Change<V>>, WatchError> {
        let read = |object: &RawValue| {
            (self.read)(&self.collection, object).map_err(|error| self.watch_failed(error))
        };
        let (change, version) = match event {
            Event::Applied(object, version) => (Some(Change::Applied(read(&object)?)), version),
            Event::Deleted(object, version) => (Some(Change::Deleted(read(&object)?)), version),
            Event::Bookmark(version) => (None, version),
            Event::Refused(status) => return Err(WatchError::Refused { what: self.what.clone(), status }),
        };
        self.version = version.or(self.version.take());
        Ok(change)
    }

    /// The API server ended the watch, or the connection was cut, which looks the same.
    fn watch_ended(&mut self) -> Result<Progress<V, L>, WatchError> {
        if self.watch.take().is_some_and(|watch| watch.catches_up.is_none()) {
            self.behind = Instant::now();
        }
        if self.asked.is_some_and(|asked| asked.elapsed() < SHORT) {
            return Err(WatchError::Cut { what: self.what.clone() });
        }
        (self.has_failed, self.wait) = (false, BACKOFF.0);
        Ok(Progress::Ended)
    }

    fn failed(&mut self, error: WatchError) -> Progress<V, L> {
        (self.watch, self.has_failed) = (None, true);
        if self.asked.is_some_and(|asked| asked.elapsed() >= SHORT) {
            self.wait = BACKOFF.0;
        }
        self.next = Instant::now() + jittered(self.wait);
        self.wait = (self.wait * 2).min(BACKOFF.1);
        if !error.is_expired() {
            return Progress::Lost(error);
        }
        self.version = None;
        if self.asked.is_some() { Progress::Expired(error) } else { Progress::Lost(error) }
    }

    fn watch_failed(&self, source: ApiError) -> WatchError {
        WatchError::Watch { what: self.what.clone(), source }
    }

    fn silent(&self, doing: &'static str, limit: Duration) -> WatchError {
        WatchError::Silent { what: self.what.clone(), doing, limit }
    }
}

impl Watch {
    /// A watch tells first what happened since `behind`. Nothing says when that is over: it gets as long as that took
    /// to happen, and at most [`CATCH_UP`].
    fn new(events: Events, behind: Instant) -> Self {
        let now = Instant::now();
        Self {
            events,
            catches_up: Some(now + behind.elapsed().min(CATCH_UP)),
            proves: Some(now + SHORT),
            dies: now + WATCH + GRACE,
        }
    }

    /// When there is something to say even if no event comes.
    fn due(&self) -> Instant {
        self.catches_up.or(self.proves).unwrap_or(self.dies)
    }
}

impl<V> Change<V> {
    /// The object as it is, or was.
    pub fn object(&self) -> &V {
        let (Self::Applied(object) | Self::Deleted(object)) = self;
        object
    }
}
