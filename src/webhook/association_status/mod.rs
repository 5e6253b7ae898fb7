//! Keeps the status of this project's own associations: their ids, and whether they count here. Nothing reads it to
//! decide on pods.
//!
//! What a status says follows from the object and the flags alone, so every replica would write the same: there is no
//! leader. Each waits for a random moment before it writes, and mostly another has written by then.

mod queue;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use injection::AccountName;
use injection::policy::RolePolicy;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::DynamicObject;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::association::{API_VERSION, Association, KIND, PLURAL, resource};
use crate::kubernetes::{Address, ApiError, Change, Collection, Follow, News, WatchError};
use crate::role_policy::PolicyFile;
use crate::telemetry::Throttle;
use queue::{Pause, Queue};

pub use status::Circumstances;

/// The task's name.
pub const NAME: &str = "association-status";

/// How long one write may take.
const WRITE: Duration = Duration::from_secs(5);

/// How often the policy is looked at: whether another one is in force.
const LOOK: Duration = Duration::from_secs(1);

/// How often all objects are judged anew, for what was missed.
const AGAIN: Duration = Duration::from_mins(10);

/// What is kept of an object: no more, for anyone who may write objects decides how large they are.
struct Due {
    namespace: String,
    name: String,
    /// What has to be written, if anything.
    patch: Option<Value>,
}

/// Objects as they are told, whose next one may be waited for again and again without anything being begun anew.
type Told = BoxStream<'static, Result<News<Option<Due>>, WatchError>>;

/// Keeps the status of all associations up to date, for ever.
pub struct StatusWriter {
    client: Client,
    circumstances: Circumstances,
    policy: Option<PolicyFile>,
    queue: Queue,
    complaints: Throttle,
}

impl std::fmt::Debug for StatusWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StatusWriter").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl StatusWriter {
    /// A writer for the cluster behind `client`.
    #[must_use]
    pub fn new(client: Client, circumstances: Circumstances, policy: Option<PolicyFile>) -> Self {
        let complaints = Throttle::new(Duration::from_mins(1));
        Self { client, circumstances, policy, queue: Queue::default(), complaints }
    }

    /// Follows the objects and writes what is due. Failures to follow are told by the source of identities, which
    /// follows the same objects.
    pub async fn follow(mut self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Listed anew, all are judged by what holds now.
            let (mut told, began, policy) = (self.told(), Instant::now(), self.policy_now());
            loop {
                let due = self.queue.next_due();
                tokio::select! {
                    biased;
                    Some(news) = told.next() => self.take(news),
                    () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.write_next().await,
                    _ = look.tick() => {
                        let is_same = is_same(policy.as_ref(), self.policy_now().as_ref());
                        if !is_same || began.elapsed() > AGAIN {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Follows all objects; each is judged as it is read, and not kept.
    fn told(&self) -> Told {
        let all = Collection::of::<DynamicObject>(&resource(), None);
        let (circumstances, policy) = (self.circumstances.clone(), self.policy.clone());
        let read = move |object: Value| {
            let association = Association::read(object).ok()?;
            Some(judge(&association, &circumstances, policy.as_ref()))
        };
        let objects = Follow::new(self.client.clone(), all, "associations", read);
        stream::unfold(objects, async |mut objects| Some((objects.next().await, objects))).boxed()
    }

    /// The policy in force.
    fn policy_now(&self) -> Option<Arc<RolePolicy>> {
        self.policy.as_ref().and_then(PolicyFile::current).map(|snapshot| snapshot.policy())
    }

    fn take(&mut self, news: Result<News<Option<Due>>, WatchError>) {
        match news {
            Ok(News::All(all)) => all.into_iter().flatten().for_each(|due| self.queue_up(due)),
            Ok(News::Changes(changes)) => {
                for change in changes {
                    match change {
                        Change::Applied(Some(due)) => self.queue_up(due),
                        Change::Deleted(Some(Due { namespace, name, .. })) => {
                            self.queue.forget(&namespace, &name)
                        }
                        Change::Applied(None) | Change::Deleted(None) => {}
                    }
                }
            }
            Ok(News::Unchanged) => {}
            Err(error) => tracing::debug!(%error, "associations cannot be followed for their status"),
        }
    }

    fn queue_up(&mut self, due: Due) {
        let Due { namespace, name, patch } = due;
        if self.queue.set(&namespace, &name, patch)
            && let Some(left_out) = self.complaints.allow()
        {
            tracing::warn!(
                association = %format_args!("{namespace}/{name}"),
                left_out,
                "somebody else writes another status again and again: it is left alone for a while. Do two releases \
                 with other settings follow the same associations?"
            );
        }
    }

    async fn write_next(&mut self) {
        let Some(((namespace, name), patch)) = self.queue.pop() else { return };
        let address = Address::custom((API_VERSION, KIND, PLURAL), &namespace, &name);
        let error = match timeout(WRITE, address.merge_status(&self.client, &patch)).await {
            Ok(Ok(_)) => return self.queue.written(namespace, name, &patch),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // If somebody else wrote, the watch tells what, and whether there is still something to write.
        if error.as_ref().is_some_and(|error| matches!(error.code(), Some(404 | 409))) {
            return;
        }
        self.complain(error.as_ref(), &address);
        let is_forbidden = error.is_some_and(|error| error.code() == Some(403));
        let pause = if is_forbidden { Pause::For(AGAIN) } else { Pause::Growing };
        self.queue.failed(namespace, name, patch, pause);
    }

    fn complain(&self, error: Option<&ApiError>, address: &Address) {
        let Some(left_out) = self.complaints.allow() else { return };
        let hint = if error.and_then(ApiError::code) == Some(403) {
            "; the webhook's ClusterRole must allow patch on podidentityassociations/status in the API group \
             pod-identity-webhook.dev"
        } else {
            ""
        };
        let why = error.map_or_else(|| format!("no answer within {WRITE:?}"), ToString::to_string);
        tracing::warn!(left_out, "failed to write the status of {address}: {why}{hint}");
    }
}

fn judge(association: &Association, circumstances: &Circumstances, policy: Option<&PolicyFile>) -> Due {
    let AccountName { namespace, name } = association.account.get();
    let policy = match policy {
        None => Some(None),
        Some(file) => file.current().map(Some),
    };
    // Before the policy is read it is not known what it says.
    let patch = policy
        .and_then(|policy| status::patch(association, circumstances, policy.as_ref(), Timestamp::now()));
    Due { namespace: namespace.to_owned(), name: name.to_owned(), patch }
}

fn is_same(one: Option<&Arc<RolePolicy>>, other: Option<&Arc<RolePolicy>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}
