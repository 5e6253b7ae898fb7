//! Live look-ups of single accounts, shared.
//!
//! The API server refuses pods of accounts that do not exist before it calls us, so a 404 is news
//! on its way, not an answer to keep; only a role is final.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PartialObjectMeta;
use tokio::time::{Instant, timeout};

use super::super::account::Account;
use super::super::flights::{Count, Flights};
use super::super::{Lookup, Unavailable};
use crate::injection::annotation::Prefix;
use crate::kubernetes;
use crate::metrics::{LookupResult, Metrics};

type Answer = Result<Lookup, Arc<str>>;

/// Asks the API server for single accounts.
pub(super) struct Live {
    client: kube::Client,
    prefix: Prefix,
    limit: Duration,
    metrics: Arc<Metrics>,
    flights: Flights<Answer>,
}

impl Live {
    pub(super) fn new(client: kube::Client, prefix: Prefix, limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self { client, prefix, limit, metrics, flights: Flights::default() }
    }

    /// The account as the API server has it now.
    pub(super) async fn find(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Lookup, Unavailable> {
        let request = || self.request(namespace, name);
        // A failure too: whoever joined it has waited long enough.
        let is_final = |answer: &Answer| answer.as_ref().map_or(true, Lookup::has_role);
        let answer = self.flights.ask(namespace, name, deadline, request, is_final).await;
        answer.unwrap_or_else(|| Err("no answer in time".into())).map_err(|reason| Unavailable::Lookup {
            namespace: namespace.into(),
            name: name.into(),
            reason,
        })
    }

    fn request(&self, namespace: &str, name: &str) -> BoxFuture<'static, Answer> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let (name, prefix, limit) = (name.to_owned(), self.prefix.clone(), self.limit);
        let metrics = self.metrics.clone();
        async move {
            let mut count = Count::new(|result| metrics.live_lookup(result));
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
    }
}

/// What an account's metadata says.
pub(super) fn read(prefix: &Prefix, account: &PartialObjectMeta<ServiceAccount>) -> Lookup {
    let annotations = account.metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| (key.as_str(), value.as_str()));
    Lookup::of(Account::read(prefix, annotations))
}
