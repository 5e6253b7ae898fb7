//! Live look-ups of single accounts: shared, and only as many as the API server should bear.
//!
//! The API server refuses pods of accounts that do not exist before it calls the webhook, so after a 404 news
//! is on its way, and the answer is not kept; only a role is final.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use injection::annotation::Prefix;
use injection::{AccountName, OwnedAccountName};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, timeout};

use super::metrics::Metrics;
use super::object;
use crate::identities::Unavailable;
use crate::identities::known::AccountState;
use crate::kubernetes::{self, ApiError, ConnectionChoice};
use crate::source::LookupResult;
use crate::source::single_flight::{Count, Departure, SingleFlight};
use crate::source::turns::{Standing, Turns};

/// The part of a look-up's time (a third, by default half a second) after which a kept connection is taken
/// for dead, and the account is asked for on a new one too.
const DOUBT: u32 = 3;

type Answer = Result<AccountState, Arc<str>>;

/// Asks the API server for single accounts.
pub(super) struct Live {
    client: kube::Client,
    prefix: Prefix,
    limit: Duration,
    metrics: Metrics,
    flights: SingleFlight<OwnedAccountName, Answer>,
    turns: Arc<Turns>,
}

impl Live {
    pub(super) fn new(
        client: kube::Client,
        prefix: Prefix,
        limit: Duration,
        turns: Arc<Turns>,
        metrics: Metrics,
    ) -> Self {
        Self { client, prefix, limit, metrics, flights: SingleFlight::default(), turns }
    }

    /// The account as the API server has it now; `standing` is what is known of it and its namespace.
    pub(super) async fn fetch(
        &self,
        account: AccountName<'_>,
        standing: Standing,
        deadline: Instant,
    ) -> Result<AccountState, Unavailable> {
        let request = |departure| self.request(account, standing, departure);
        let is_final = |answer: &Answer| answer.as_ref().is_ok_and(AccountState::has_role);
        let answer = self.flights.ask(account.into_owned(), deadline, request, is_final).await;
        answer
            .unwrap_or_else(|| Err("no answer in time".into()))
            .map_err(|reason| Unavailable::Lookup { account: account.into_owned(), reason })
    }

    fn request(
        &self,
        account: AccountName<'_>,
        standing: Standing,
        departure: Departure,
    ) -> BoxFuture<'static, Answer> {
        let (client, prefix, limit) = (self.client.clone(), self.prefix.clone(), self.limit);
        let account = account.into_owned();
        let (turns, metrics) = (self.turns.clone(), self.metrics.clone());
        async move {
            let mut count = Count::new(|result| metrics.looked_up(result));
            let answer = async {
                let account = account.get();
                let turn =
                    turns.turn(account.namespace, standing).await.map_err(|busy| (busy.to_string(), true))?;
                departure.now();
                let found = ask(&client, &turns, account, limit / DOUBT).await;
                drop(turn);
                let found = found.map_err(|error| (error.to_string(), false))?;
                found.map_or(Ok(AccountState::Missing), |account| {
                    object::read(&prefix, &account).map_err(|error| (error.to_string(), false))
                })
            };
            let late = || Err((format!("no answer within {limit:?}"), false));
            let answer = timeout(limit, answer).await.unwrap_or_else(|_| late());
            count.result = match &answer {
                Err((_, true)) => LookupResult::Limited,
                Err(_) => LookupResult::Error,
                Ok(AccountState::Missing) => LookupResult::Missing,
                Ok(AccountState::Plain | AccountState::Annotated(_)) => LookupResult::Found,
            };
            answer.map_err(|(reason, _)| reason.into())
        }
        .boxed()
    }
}

/// Makes one GET; after `doubt` without an answer, or if the connection breaks, another on a new connection,
/// if one more is allowed now. The first answer counts.
async fn ask(
    client: &kube::Client,
    turns: &Turns,
    account: AccountName<'_>,
    doubt: Duration,
) -> Result<Option<Box<RawValue>>, ApiError> {
    let get = |line| kubernetes::service_account(client, account, line);
    let mut first = std::pin::pin!(get(ConnectionChoice::Any));
    tokio::select! {
        biased;
        answer = &mut first => match answer {
            Err(ApiError::Client(error)) if !matches!(error, kube::Error::Api(_)) && turns.take_one_more() => {
                return get(ConnectionChoice::New).await;
            }
            answer => return answer,
        },
        () = sleep(doubt) => {}
    }
    if !turns.take_one_more() {
        return first.await;
    }
    let mut second = std::pin::pin!(get(ConnectionChoice::New));
    tokio::select! {
        biased;
        answer = &mut first => if answer.is_ok() { answer } else { second.await },
        answer = &mut second => if answer.is_ok() { answer } else { first.await },
    }
}
