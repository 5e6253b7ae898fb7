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

use injection::AccountName;
use injection::policy::RolePolicy;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::association::{API_VERSION, Association, GROUP, KIND, PLURAL, Store, VERSION};
use crate::kubernetes::{Address, ApiError, Change, Collection, Follow, News};
use crate::role_policy::PolicyFile;
use crate::telemetry::Throttle;
use queue::Queue;

pub use status::Circumstances;

/// The task's name.
pub const NAME: &str = "association-status";

/// How long one write may take.
const WRITE: Duration = Duration::from_secs(5);

/// How often the policy is looked at: whether another one is in force.
const LOOK: Duration = Duration::from_secs(1);

/// How often all objects are judged anew, for what was missed.
const AGAIN: Duration = Duration::from_mins(10);

/// What is kept of an object.
struct Judged {
    namespace: String,
    name: String,
    /// What has to be written, if anything.
    patch: Option<Value>,
}

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
        let mut objects = self.objects();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut judged, mut seen) = (Instant::now(), self.policy_now());
        loop {
            let due = self.queue.next_due();
            tokio::select! {
                biased;
                news = objects.next() => match news {
                    Ok(News::All(all)) => all.into_iter().for_each(|object| self.take(object)),
                    Ok(News::Changes(changes)) => changes.into_iter().for_each(|change| match change {
                        Change::Applied(object) => self.take(object),
                        Change::Deleted(object) => self.forget(object.as_ref()),
                    }),
                    Ok(News::Unchanged) => {}
                    Err(error) => tracing::debug!(%error, "associations cannot be followed for their status"),
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.write_next().await,
                _ = look.tick() => {
                    let now = self.policy_now();
                    if !is_same(seen.as_ref(), now.as_ref()) || judged.elapsed() > AGAIN {
                        (judged, seen) = (Instant::now(), now);
                        self.judge_all().await;
                    }
                }
            }
        }
    }

    fn objects(&self) -> Follow<Option<Association>> {
        let resource = ApiResource {
            group: GROUP.to_owned(),
            version: VERSION.to_owned(),
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            plural: PLURAL.to_owned(),
        };
        let all = Collection::of::<DynamicObject>(&resource, None);
        Follow::new(self.client.clone(), all, "associations", |object: Value| Association::read(object).ok())
    }

    /// The policy in force.
    fn policy_now(&self) -> Option<Arc<RolePolicy>> {
        self.policy.as_ref().and_then(PolicyFile::current).map(|snapshot| snapshot.policy())
    }

    fn take(&mut self, object: Option<Association>) {
        let Some(association) = object else { return };
        let judged = self.judge(&association);
        self.queue.set(&judged.namespace, &judged.name, judged.patch);
    }

    fn forget(&mut self, object: Option<&Association>) {
        if let Some(association) = object {
            let AccountName { namespace, name } = association.account.get();
            self.queue.forget(namespace, name);
        }
    }

    fn judge(&self, association: &Association) -> Judged {
        let AccountName { namespace, name } = association.account.get();
        let policy = match &self.policy {
            None => Some(None),
            Some(file) => file.current().map(Some),
        };
        // Before the policy is read it is not known what it says.
        let patch = policy.and_then(|policy| {
            status::patch(association, &self.circumstances, policy.as_ref(), Timestamp::now())
        });
        Judged { namespace: namespace.to_owned(), name: name.to_owned(), patch }
    }

    /// Judges all objects anew: the watch tells of none that did not change.
    async fn judge_all(&mut self) {
        let store = Store::new(self.client.clone());
        let listed = store.list(None, None, |association| {
            let judged = self.judge(&association);
            judged.patch.is_some().then_some(judged)
        });
        match listed.await {
            Ok(all) => {
                for Judged { namespace, name, patch } in all {
                    self.queue.set(&namespace, &name, patch);
                }
            }
            Err(error) => tracing::debug!(%error, "associations cannot be listed for their status"),
        }
    }

    async fn write_next(&mut self) {
        let Some(((namespace, name), patch)) = self.queue.pop() else { return };
        let address = Address::custom((API_VERSION, KIND, PLURAL), &namespace, &name);
        let error = match timeout(WRITE, address.merge_status(&self.client, &patch)).await {
            Ok(Ok(_)) => return self.queue.written(namespace, name),
            Ok(Err(error)) => error,
            Err(_) => {
                self.queue.retry(namespace, name, patch);
                return;
            }
        };
        // If somebody else wrote, the watch tells what, and whether there is still something to write.
        if !matches!(error.code(), Some(404 | 409)) {
            self.complain(&error, &address);
            self.queue.retry(namespace, name, patch);
        }
    }

    fn complain(&self, error: &ApiError, address: &Address) {
        let Some(left_out) = self.complaints.allow() else { return };
        let hint = if error.code() == Some(403) {
            "; the webhook's ClusterRole must allow patch on podidentityassociations/status in the API group \
             pod-identity-webhook.dev"
        } else {
            ""
        };
        tracing::warn!(left_out, "failed to write the status of {address}: {error}{hint}");
    }
}

fn is_same(one: Option<&Arc<RolePolicy>>, other: Option<&Arc<RolePolicy>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}
