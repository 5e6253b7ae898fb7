//! Follows the resources of one kind, which may not be served yet, or no longer.

use futures_util::stream::{self, BoxStream, StreamExt};
use kube::Client;
use kube::api::DynamicObject;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep_until};

use super::kept::Kept;
use super::kind::{Kind, PLURAL};
use super::objects::{Name, Resource};
use super::resource::Association;
use super::selection::Detail;
use crate::kubernetes::{self, ApiError, BACKOFF, Change, Collection, Follow, News, WatchError, jittered};

/// How often a kind that is not served is asked for: a definition that is installed must count within
/// two seconds, and the question is one small GET.
const POLL: Duration = Duration::from_secs(1);

/// What has become known of a kind's resources.
pub(super) enum Reading {
    /// These are all resources of the kind.
    Everything(Vec<Resource>),
    /// These resources have changed.
    Changes(Vec<Change<Resource>>),
    /// What was known still holds.
    Same,
    /// The kind is not served, so it has no resources.
    Unserved,
    /// Reading failed: what was known may be old.
    Failed(WatchError),
}

struct Watch {
    client: Client,
    kind: &'static Kind,
    detail: Detail,
    state: State,
    /// When discovery may be asked again, and how long to wait after its next failure.
    next: Instant,
    wait: Duration,
}

enum State {
    Unserved,
    Served {
        follow: Box<Follow<Resource>>,
        /// Whether the watch has told anything yet.
        is_read: bool,
    },
}

/// An endless stream of what becomes known of the kind's resources.
pub(super) fn readings(client: Client, kind: &'static Kind, detail: Detail) -> BoxStream<'static, Reading> {
    let watch = Watch { client, kind, detail, state: State::Unserved, next: Instant::now(), wait: BACKOFF.0 };
    stream::unfold(watch, async |mut watch| Some((watch.next().await, watch))).boxed()
}

impl Watch {
    async fn next(&mut self) -> Reading {
        loop {
            let reading = match &mut self.state {
                State::Unserved => self.discover().await,
                State::Served { follow, is_read } => match follow.next().await {
                    Ok(news) => {
                        *is_read = true;
                        Some(news.into())
                    }
                    Err(error) if error.is_missing() => {
                        let was_read = *is_read;
                        self.state = State::Unserved;
                        // Discovery may lag behind what it describes: the wait prevents a busy loop.
                        self.next = Instant::now() + if was_read { Duration::ZERO } else { jittered(POLL) };
                        (!was_read).then_some(Reading::Failed(error))
                    }
                    Err(error) => Some(Reading::Failed(error)),
                },
            };
            if let Some(reading) = reading {
                return reading;
            }
        }
    }

    async fn discover(&mut self) -> Option<Reading> {
        sleep_until(self.next).await;
        let Kind { group, version, .. } = *self.kind;
        match kubernetes::served(&self.client, group, PLURAL, version).await {
            // Of a kind of ours, rules and rights are those of one version: another one may say more than is understood.
            Ok(Some(resource)) if self.kind.of_aws.is_none() && resource.version != version => {
                self.next = Instant::now() + jittered(POLL);
                let expected = format!("{} in version {version}", self.kind.name());
                let found = format!("served in version {} alone", resource.version);
                let source = ApiError::Foreign { expected, found };
                Some(Reading::Failed(WatchError::Discover { what: self.kind.name().into(), source }))
            }
            Ok(Some(resource)) => {
                let kind = self.kind;
                let all = Collection::of::<DynamicObject>(&resource, None);
                let detail = self.detail;
                let read = move |object| read(kind, &object, detail);
                let follow = Follow::new(self.client.clone(), all, kind.name(), read);
                tracing::info!(
                    resource = kind.name(),
                    version = resource.version,
                    "the resource is served: following it"
                );
                self.state = State::Served { follow: Box::new(follow), is_read: false };
                self.wait = BACKOFF.0;
                None
            }
            Ok(None) => {
                self.next = Instant::now() + jittered(POLL);
                self.wait = BACKOFF.0;
                Some(Reading::Unserved)
            }
            Err(error) => {
                self.next = Instant::now() + jittered(self.wait);
                self.wait = (self.wait * 2).min(BACKOFF.1);
                Some(Reading::Failed(error))
            }
        }
    }
}

fn read(kind: &Kind, Kept(object): &Kept, detail: Detail) -> Resource {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let name = Name {
        namespace: text("/metadata/namespace").map(Into::into),
        name: text("/metadata/name").unwrap_or_default().into(),
    };
    // An object that comes from an API server names its namespace.
    Resource { name, association: Association::read_in(kind, object, "", detail) }
}

impl From<News<Resource>> for Reading {
    fn from(news: News<Resource>) -> Self {
        match news {
            News::All(resources) => Self::Everything(resources),
            News::Changes(changes) => Self::Changes(changes),
            News::Unchanged => Self::Same,
        }
    }
}
