//! Follows a few objects of which a set is made: gathers the changes that [`ListWatch`] tells one by one, and drops
//! what matters to an index alone.
//!
//! Called by the sources that read a ConfigMap and custom resources. After every failure the objects are listed again.

use kube::Client;
use serde::de::DeserializeOwned;
use tokio::time::{Duration, Instant, timeout_at};

use super::collection::Collection;
use super::error::WatchError;
use super::list_watch::{Change, ListWatch, Progress};

/// After changes were told, the next are gathered for this long: in a burst, a set is not made anew
/// for each. A change that comes alone is told at once.
const GATHER: Duration = Duration::from_millis(50);

/// This many changes are told without further gathering.
const MANY: usize = 1000;

/// What has become known.
#[derive(Debug, PartialEq, Eq)]
pub enum News<V> {
    /// These are all objects; what was told before and is not among them is gone.
    All(Vec<V>),
    /// These changes were made since then, in this order; never empty.
    Changes(Vec<Change<V>>),
    /// All that was told still holds. Comes when a watch proves alive, and when it ends.
    Unchanged,
}

/// Objects that are followed. Of each object a `V` is kept.
#[derive(Debug)]
pub struct Follow<V> {
    objects: ListWatch<V>,
    /// Changes that were gathered and not told yet.
    changes: Vec<Change<V>>,
    /// When the changes are to be told.
    due: Instant,
    /// What comes after the changes.
    then: Option<Result<News<V>, WatchError>>,
}

impl<V: Send + 'static> Follow<V> {
    /// Follows what the collection holds, which errors call `what`. Every object is read as a `K`, and what
    /// `read` makes of that is kept.
    pub fn new<K: DeserializeOwned>(
        client: Client,
        collection: Collection,
        what: impl Into<Box<str>>,
        read: impl Fn(K) -> V + Send + Sync + 'static,
    ) -> Self {
        let objects =
            ListWatch::new(client, collection, what, move |all, object| all.read(object).map(&read));
        Self { objects, changes: Vec::new(), due: Instant::now(), then: None }
    }

    /// Only the objects that a field selector chooses: `metadata.name=…`.
    #[must_use]
    pub fn fields(self, selector: impl Into<String>) -> Self {
        Self { objects: self.objects.fields(selector), ..self }
    }

    /// Waits for what there is to know next. The first is a list or an error; after every error
    /// comes a list, in a while. Nothing is lost if the future is dropped before it is done.
    ///
    /// # Errors
    /// The objects cannot be followed for now: what was told before may be old. Ask again: the wait
    /// before the next attempt is made here, and grows from 0.2 s to 10 s.
    pub async fn next(&mut self) -> Result<News<V>, WatchError> {
        if let Some(news) = self.then.take() {
            return news;
        }
        loop {
            let progress = if self.changes.is_empty() {
                self.objects.next().await
            } else {
                match timeout_at(self.due, self.objects.next()).await {
                    Ok(progress) => progress,
                    Err(_) => return Ok(self.flush()),
                }
            };
            let news = match progress {
                Progress::Changed(change) => {
                    self.changes.push(change);
                    if self.changes.len() >= MANY {
                        return Ok(self.flush());
                    }
                    continue;
                }
                Progress::CaughtUp => continue,
                Progress::Listed(all) => Some(Ok(News::All(all))),
                Progress::Proven | Progress::Ended => Some(Ok(News::Unchanged)),
                // The list that follows tells what the watch would have told.
                Progress::Expired(_) => None,
                Progress::Lost(error) => Some(Err(error)),
            };
            match news {
                news if !self.changes.is_empty() => {
                    self.then = news;
                    return Ok(self.flush());
                }
                Some(news) => return news,
                None => {}
            }
        }
    }

    fn flush(&mut self) -> News<V> {
        self.due = Instant::now() + GATHER;
        News::Changes(std::mem::take(&mut self.changes))
    }
}
