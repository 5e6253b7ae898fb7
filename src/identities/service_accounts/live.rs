//! Live look-ups of single accounts, shared: many calls that miss the same account at the same
//! time make one request.
//!
//! The API server refuses pods of accounts that do not exist before it calls us, so a 404 is news
//! on its way, not an answer to keep: nothing is remembered, and a call that joined a request
//! which began before it arrived asks once more, unless that one found a role.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PartialObjectMeta;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::account::Account;
use super::super::{Lookup, Unavailable};
use crate::injection::annotation::Prefix;
use crate::kubernetes;
use crate::metrics::{LookupResult, Metrics};

type Answer = Result<Lookup, Arc<str>>;
type Flights = HashMap<(Box<str>, Box<str>), Flight>;

/// Asks the API server for single accounts.
pub(super) struct Live {
    client: kube::Client,
    prefix: Prefix,
    limit: Duration,
    metrics: Arc<Metrics>,
    flights: Mutex<Flights>,
}

/// A request that is under way. Held weakly: once nobody waits, it is dropped.
struct Flight {
    began: Instant,
    answer: WeakShared<BoxFuture<'static, Answer>>,
}

/// Counts a request once it is over. One that is given up has failed: its callers' time was up.
struct Count {
    metrics: Arc<Metrics>,
    result: LookupResult,
}

impl Drop for Count {
    fn drop(&mut self) {
        self.metrics.live_lookup(self.result);
    }
}

impl Live {
    pub(super) fn new(client: kube::Client, prefix: Prefix, limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self { client, prefix, limit, metrics, flights: Mutex::default() }
    }

    /// The account as the API server has it now.
    pub(super) async fn find(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Lookup, Unavailable> {
        let arrived = Instant::now();
        let unavailable =
            |reason| Unavailable::Lookup { namespace: namespace.into(), name: name.into(), reason };
        loop {
            let (began, answer) = self.join(namespace, name);
            let answer =
                timeout_at(deadline, answer).await.unwrap_or_else(|_| Err("no answer in time".into()));
            match answer {
                // What the API server has told since may be the role.
                Ok(found) if began < arrived && !found.has_role() => {}
                answer => return answer.map_err(unavailable),
            }
        }
    }

    /// The request under way for this account, or a new one.
    fn join(&self, namespace: &str, name: &str) -> (Instant, Shared<BoxFuture<'static, Answer>>) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for any more; few are under way at a time.
        flights.retain(|_, flight| flight.answer.upgrade().is_some_and(|answer| answer.peek().is_none()));
        match flights.entry((namespace.into(), name.into())) {
            Entry::Occupied(entry) if entry.get().answer.upgrade().is_some() => {
                let flight = entry.get();
                // Just seen; a new request costs less than a promise that it cannot end meanwhile.
                let answer = flight.answer.upgrade().unwrap_or_else(|| self.request(namespace, name));
                (flight.began, answer)
            }
            entry => {
                let answer = self.request(namespace, name);
                let began = Instant::now();
                if let Some(weak) = answer.downgrade() {
                    entry.insert_entry(Flight { began, answer: weak });
                }
                (began, answer)
            }
        }
    }

    fn request(&self, namespace: &str, name: &str) -> Shared<BoxFuture<'static, Answer>> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let (name, prefix, limit) = (name.to_owned(), self.prefix.clone(), self.limit);
        let metrics = self.metrics.clone();
        async move {
            let mut count = Count { metrics, result: LookupResult::Error };
            let answer = match timeout(limit, accounts.get_metadata_opt(&name)).await {
                Err(_) => Err(Arc::from(format!("no answer within {limit:?}"))),
                Ok(Err(error)) => Err(Arc::from(kubernetes::describe(&error))),
                Ok(Ok(None)) => Ok(Lookup::Missing),
                Ok(Ok(Some(account))) => Ok(read(&prefix, &account)),
            };
            count.result = match &answer {
                Err(_) => LookupResult::Error,
                Ok(Lookup::Missing) => LookupResult::Missing,
                Ok(Lookup::Plain | Lookup::Annotated(_)) => LookupResult::Found,
            };
            answer
        }
        .boxed()
        .shared()
    }
}

/// What an account's metadata says.
pub(super) fn read(prefix: &Prefix, account: &PartialObjectMeta<ServiceAccount>) -> Lookup {
    let annotations = account.metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| (key.as_str(), value.as_str()));
    Lookup::of(Account::read(prefix, annotations))
}
