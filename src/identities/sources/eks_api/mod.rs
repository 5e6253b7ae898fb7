//! The EKS API as a source of Pod Identity associations: all of them by a poll, one account's when it is
//! asked for. Built only with the cargo feature `eks-api`.
//!
//! EKS does not announce changes, so an association may be known here only a poll's interval after it was
//! made; and EKS itself is eventually consistent, within seconds.

mod api;
mod connect;
mod described;
mod error;
mod limit;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_eks::Client;
use futures_util::FutureExt;
use injection::AccountName;
use tokio::time::{Instant, sleep, timeout};

use super::single_lookups::SingleLookups;
use crate::aws::ClusterName;
use crate::identities::association_set::{Associated, AssociationSet};
use crate::kubernetes::jittered;
use crate::source::turns::Pace;
use crate::source::{Complaint, Source};
pub(crate) use described::EksAssociations;

use api::Api;
use error::ListError;

/// The source's name in log, metrics and readiness.
pub const NAME: &str = "eks-api";

/// Limits of look-ups. AWS throttles all callers of an account in a region together, and does not say from
/// how many calls a second on. So they are low, also because a look-up that fails may be made twice.
const AT_ONCE: usize = 10;
const IN_A_NAMESPACE: usize = 4;
const RATE: u32 = 10;
const BURST: u32 = 20;

/// The associations of one cluster.
pub struct EksApi {
    cluster: ClusterName,
    connection: Connection,
    pace: EksPace,
    source: Arc<Source<AssociationSet>>,
    api: OnceLock<Api>,
    /// The moment before which no look-up is made, if EKS has throttled one.
    rest: Mutex<Option<Instant>>,
}

/// How the API is reached.
#[derive(Debug, Clone)]
pub enum Connection {
    /// With the region, credentials and endpoint that the AWS SDK finds in the environment, in
    /// profiles, or from the instance.
    Environment,
    /// Through this client.
    Client(Client),
}

/// How often the API is asked, and how long it may take.
#[derive(Debug, Clone)]
pub struct EksPace {
    /// The longest wait between two polls; the shortest is half of it.
    pub interval: Duration,
    /// The wait after the first failed poll while nothing is known yet; it doubles up to the interval.
    pub first_retry: Duration,
    /// The longest wait while EKS throttles or fails: the interval doubles up to this.
    pub longest: Duration,
    /// How long a whole poll may take.
    pub poll: Duration,
    /// How long one attempt of one page may take.
    pub page: Duration,
    /// The longest wait before the second attempt of a page; it doubles before each further one.
    pub attempt_wait: Duration,
    /// How long one look-up may take.
    pub look_up: Duration,
    /// How long no look-up is made after one that EKS throttled.
    pub rest: Duration,
}

impl Default for EksPace {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            first_retry: Duration::from_secs(1),
            longest: Duration::from_mins(5),
            poll: Duration::from_mins(2),
            page: Duration::from_secs(5),
            attempt_wait: Duration::from_millis(500),
            look_up: Duration::from_millis(1500),
            rest: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for EksApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, connection: _, pace, source, api: _, rest: _ } = self;
        let mut fields = formatter.debug_struct("EksApi");
        fields.field("cluster", cluster).field("pace", pace).field("source", source).finish_non_exhaustive()
    }
}

impl EksApi {
    /// The associations of `cluster`, unknown until [`Self::follow`] has read them all.
    #[must_use]
    pub fn new(
        cluster: ClusterName,
        connection: Connection,
        pace: EksPace,
        source: Arc<Source<AssociationSet>>,
    ) -> Arc<Self> {
        Arc::new(Self { cluster, connection, pace, source, api: OnceLock::new(), rest: Mutex::default() })
    }

    /// Keeps the set up to date, for ever. A poll that fails leaves it as it is.
    pub async fn follow(self: Arc<Self>) {
        let mut failures = 0;
        loop {
            let wait = match self.read().await {
                Ok((set, complaint)) => {
                    failures = 0;
                    self.source.replace_but(set, complaint);
                    self.pace.interval
                }
                Err(error) => {
                    self.source.fail(&error.to_string());
                    failures += 1;
                    self.pace.after(failures, &error, self.source.is_synced())
                }
            };
            sleep(jittered(wait)).await;
        }
    }

    /// This source as one that can be asked for single accounts too.
    #[must_use]
    pub fn single_lookups(self: &Arc<Self>) -> SingleLookups {
        let eks = self.clone();
        let pace = Pace {
            at_once: AT_ONCE,
            in_a_namespace: IN_A_NAMESPACE,
            rate: RATE,
            burst: BURST,
            patience: self.pace.look_up,
        };
        SingleLookups::new(self.source.clone(), pace, move |account| {
            let (eks, account) = (eks.clone(), account.into_owned());
            async move {
                let has = eks.has(account.get()).await.map_err(|error| error.to_string())?;
                // A list does not say which role an association gives.
                Ok(has.then(Associated::default))
            }
            .boxed()
        })
    }

    /// Whether there is an association of this account now.
    async fn has(&self, account: AccountName<'_>) -> Result<bool, ListError> {
        // EKS throttles all callers of an account and region together: the API server asks again in a second
        // about a pod that is refused now, and until then no look-up must keep others from being answered.
        if self.rest().is_some_and(|until| Instant::now() < until) {
            return Err(ListError::Throttled);
        }
        // A source that was never read is not asked, so the client exists.
        let api = self.api.get().ok_or(ListError::Silent)?;
        let answer = api.has(account).await;
        if matches!(answer, Err(ListError::Throttled)) {
            *self.rest() = Some(Instant::now() + self.pace.rest);
        }
        answer
    }

    fn rest(&self) -> MutexGuard<'_, Option<Instant>> {
        // A poisoned lock holds a whole value: nothing panics halfway through a change.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All associations: every page of them, or an error.
    async fn read(&self) -> Result<(AssociationSet, Option<Complaint>), ListError> {
        let read = async { self.api().await?.list().await };
        timeout(self.pace.poll, read).await.unwrap_or(Err(ListError::Silent))
    }

    /// The API. Until there is a client each call tries to make one: what it needs may come later.
    async fn api(&self) -> Result<&Api, ListError> {
        if let Some(api) = self.api.get() {
            return Ok(api);
        }
        let client = match &self.connection {
            Connection::Client(client) => client.clone(),
            Connection::Environment => connect::client().await?,
        };
        Ok(self.api.get_or_init(|| Api::new(client, self.cluster.clone(), &self.pace)))
    }
}

impl EksPace {
    /// The wait after so many failures in a row.
    fn after(&self, failures: u32, error: &ListError, is_synced: bool) -> Duration {
        let doubled = |wait: Duration| wait.saturating_mul(1 << failures.min(16));
        if !is_synced {
            (doubled(self.first_retry) / 2).min(self.interval)
        } else if error.is_overload() {
            doubled(self.interval).min(self.longest)
        } else {
            self.interval
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_the_longer_eks_is_overloaded_and_never_long_before_the_first_set() {
        let pace = EksPace::default();
        let waits = |error: &ListError, is_synced| {
            [1, 2, 3, 6, u32::MAX].map(|failures| pace.after(failures, error, is_synced).as_secs())
        };
        let denied = ListError::NoRegion;
        assert_eq!(waits(&ListError::Throttled, true), [60, 120, 240, 300, 300]);
        assert_eq!(waits(&denied, true), [30; 5]);
        for error in [ListError::Throttled, denied] {
            assert_eq!(waits(&error, false), [1, 2, 4, 30, 30]);
        }
    }
}
