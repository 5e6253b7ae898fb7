//! A source of associations that is followed, and that can be asked for one account besides: for a
//! pod that says it has an association, and was made right after it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use injection::{AccountName, OwnedAccountName};
use tokio::time::{Instant, timeout};

use crate::identities::Unavailable;
use crate::identities::association_set::{Associated, AssociationSet};
use crate::source::single_flight::{Count, Departure, SingleFlight};
use crate::source::turns::{Pace, Standing, Turns};
use crate::source::{LookupResult, Source};

/// Asks what association the source has for an account; an error is one line without secrets.
pub type Ask = dyn Fn(AccountName<'_>) -> BoxFuture<'static, Answer> + Send + Sync;

/// The association, if there is one, or why that is not known.
pub type Answer = Result<Option<Associated>, Arc<str>>;

/// A source that is followed, and that can be asked for one account.
pub struct SingleLookups {
    source: Arc<Source<AssociationSet>>,
    ask: Box<Ask>,
    limit: Duration,
    flights: SingleFlight<OwnedAccountName, Answer>,
    turns: Arc<Turns>,
}

impl fmt::Debug for SingleLookups {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SingleLookups").field("source", &self.source).finish_non_exhaustive()
    }
}

impl SingleLookups {
    /// A source that may be asked at this pace, and whose every answer may take as long as callers wait.
    pub fn new(
        source: Arc<Source<AssociationSet>>,
        pace: Pace,
        ask: impl Fn(AccountName<'_>) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> Self {
        let turns = Arc::new(Turns::new(pace));
        Self { source, ask: Box::new(ask), limit: pace.patience, flights: SingleFlight::default(), turns }
    }

    /// What the source was last known to say.
    #[must_use]
    pub fn source(&self) -> &Source<AssociationSet> {
        &self.source
    }

    /// The association that the source has for the account now. The answer is not remembered: the set that
    /// is followed stays whole, as it was read.
    pub async fn fetch(
        &self,
        account: AccountName<'_>,
        deadline: Instant,
    ) -> Result<Option<Associated>, Unavailable> {
        // No account has such a name, and the request would be refused.
        if !account.is_possible() {
            return Ok(None);
        }
        let request = |departure| self.request(account, departure);
        let is_final = |answer: &Answer| matches!(answer, Ok(Some(_)));
        let answer = self.flights.ask(account.into_owned(), deadline, request, is_final).await;
        answer.unwrap_or_else(|| Err("no answer in time".into())).map_err(|reason| Unavailable::Association {
            source_name: self.source.name(),
            account: account.into_owned(),
            reason,
        })
    }

    fn request(&self, account: AccountName<'_>, departure: Departure) -> BoxFuture<'static, Answer> {
        let answer = (self.ask)(account);
        let (source, turns, limit) = (self.source.clone(), self.turns.clone(), self.limit);
        let namespace = account.namespace.to_owned();
        async move {
            let mut count = Count::new(|result| source.looked_up(result));
            let permitted = async {
                // Only accounts that exist are asked for, so none has a lower standing.
                let _turn = turns
                    .turn(&namespace, Standing::Namespace)
                    .await
                    .map_err(|busy| (busy.to_string().into(), true))?;
                departure.now();
                answer.await.map_err(|reason| (reason, false))
            };
            let answer = timeout(limit, permitted)
                .await
                .unwrap_or_else(|_| Err((Arc::from(format!("no answer within {limit:?}")), false)));
            count.result = match answer {
                Ok(Some(_)) => LookupResult::Found,
                Ok(None) => LookupResult::Missing,
                Err((_, true)) => LookupResult::Limited,
                Err((_, false)) => LookupResult::Error,
            };
            answer.map_err(|(reason, _)| reason)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;

    use super::*;
    use crate::process::Readiness;
    use crate::source;
    use crate::telemetry::Registry;

    const LIMIT: Duration = Duration::from_millis(1500);
    const AT_ONCE: usize = 10;
    const PACE: Pace = Pace { at_once: AT_ONCE, in_a_namespace: 4, rate: 10, burst: 20, patience: LIMIT };

    /// Whether there is an association, or why that is not known.
    type Said = Result<bool, Arc<str>>;

    /// A source that answers what it is told to, once it is told to.
    struct Asked {
        askable: Arc<SingleLookups>,
        requests: Arc<Mutex<Vec<String>>>,
        running: Arc<AtomicUsize>,
        answer: watch::Sender<Option<Said>>,
        registry: Registry,
    }

    impl Asked {
        fn new() -> Self {
            let registry = Registry::new().unwrap();
            let metrics = source::Metrics::new(&registry).unwrap();
            let source = Source::new("eks-api", AssociationSet::len, &Readiness::default(), &metrics);
            let (answer, answers) = watch::channel(None::<Said>);
            let requests = Arc::<Mutex<Vec<String>>>::default();
            let running = Arc::<AtomicUsize>::default();
            let (noted, counted) = (requests.clone(), running.clone());
            let ask = move |account: AccountName<'_>| {
                let (account, mut answers) = (account.to_string(), answers.clone());
                let (noted, counted) = (noted.clone(), counted.clone());
                async move {
                    noted.lock().unwrap().push(account);
                    counted.fetch_add(1, Ordering::Relaxed);
                    let answer = answers.wait_for(Option::is_some).await.unwrap().clone().unwrap();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    answer.map(|found| found.then(Associated::default))
                }
                .boxed()
            };
            let askable = Arc::new(SingleLookups::new(source, PACE, ask));
            Self { askable, requests, running, answer, registry }
        }

        /// The answers to so many calls at once, each for its account; given when all have been made.
        async fn look_up(&self, names: &[String], answer: Option<Said>) -> Vec<Result<bool, String>> {
            let calls: Vec<_> = names
                .iter()
                .map(|name| {
                    let (askable, name) = (self.askable.clone(), name.clone());
                    let deadline = Instant::now() + LIMIT;
                    tokio::spawn(async move { fetch(&askable, "shop", &name, deadline).await })
                })
                .collect();
            while self.running.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            self.answer.send_replace(answer);
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await.unwrap().map_err(|error| error.to_string()));
            }
            answers
        }

        fn counted(&self, result: &str) -> bool {
            let line = format!(
                "pod_identity_webhook_source_lookups_total{{result=\"{result}\",source=\"eks-api\"}} 1\n"
            );
            self.registry.scrape().unwrap().contains(&line)
        }
    }

    /// Whether the account has an association.
    async fn fetch(
        askable: &SingleLookups,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<bool, Unavailable> {
        askable.fetch(AccountName::new(namespace, name), deadline).await.map(|found| found.is_some())
    }

    fn names(count: usize) -> Vec<String> {
        vec!["orders".to_owned(); count]
    }

    #[tokio::test(start_paused = true)]
    async fn calls_for_one_account_share_a_request() {
        let asked = Asked::new();
        let answers = asked.look_up(&names(16), Some(Ok(true))).await;
        assert_eq!(answers, vec![Ok(true); 16]);
        assert_eq!(*asked.requests.lock().unwrap(), ["shop/orders"]);
        assert!(asked.counted("found"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_no_from_before_a_call_is_asked_once_more() {
        let asked = Asked::new();
        let first = tokio::spawn({
            let askable = asked.askable.clone();
            async move { fetch(&askable, "shop", "orders", Instant::now() + LIMIT).await.unwrap() }
        });
        while asked.running.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        let answers = asked.look_up(&names(15), Some(Ok(false))).await;
        assert_eq!((first.await.unwrap(), answers), (false, vec![Ok(false); 15]));
        // The first call made one request, and all that came after it had begun shared another.
        assert_eq!(asked.requests.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_who_share_it_and_to_nobody_later() {
        let asked = Asked::new();
        let answers = asked.look_up(&names(3), Some(Err("throttled".into()))).await;
        let text = "failed to look up an association of shop/orders in eks-api: throttled";
        assert_eq!(answers, vec![Err(text.to_owned()); 3]);
        assert!(asked.counted("error"));
        assert_eq!(asked.look_up(&names(1), Some(Ok(true))).await, [Ok(true)]);
        assert_eq!(asked.requests.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_from_before_a_call_is_asked_once_more_and_no_more_often() {
        let asked = Asked::new();
        let first = tokio::spawn({
            let askable = asked.askable.clone();
            async move { fetch(&askable, "shop", "orders", Instant::now() + LIMIT).await.is_err() }
        });
        while asked.running.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        let answers = asked.look_up(&names(15), Some(Err("throttled".into()))).await;
        assert!(first.await.unwrap() && answers.iter().all(Result::is_err));
        assert_eq!(asked.requests.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_its_limit_and_the_callers_deadline() {
        let asked = Asked::new();
        let (began, deadline) = (Instant::now(), Instant::now() + Duration::from_millis(200));
        let error = asked.askable.fetch(AccountName::new("shop", "orders"), deadline).await.unwrap_err();
        assert!(error.to_string().ends_with(": no answer in time"), "{error}");
        assert!(began.elapsed() < Duration::from_millis(210), "{:?}", began.elapsed());
        let deadline = began + Duration::from_mins(1);
        let error = asked.askable.fetch(AccountName::new("shop", "orders"), deadline).await.unwrap_err();
        assert!(error.to_string().ends_with(": no answer within 1.5s"), "{error}");
        assert!(began.elapsed() < Duration::from_millis(1710), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn asks_for_ten_accounts_at_a_time() {
        let asked = Asked::new();
        let names: Vec<_> = (0..30).map(|number| format!("shop-{number}")).collect();
        let deadline = Instant::now() + LIMIT;
        let calls = names.iter().map(|namespace| fetch(&asked.askable, namespace, "orders", deadline));
        let calls = futures_util::future::join_all(calls);
        let seen = async {
            tokio::task::yield_now().await;
            let running = asked.running.load(Ordering::Relaxed);
            asked.answer.send_replace(Some(Ok(true)));
            running
        };
        let (answers, seen) = tokio::join!(calls, seen);
        assert_eq!(seen, AT_ONCE);
        assert!(answers.into_iter().all(|answer| answer.unwrap()));
        assert_eq!(asked.requests.lock().unwrap().len(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_in_one_namespace_is_bounded_and_takes_nobody_elses_place() {
        let asked = Asked::new();
        asked.answer.send_replace(Some(Ok(true)));
        let (began, deadline) = (Instant::now(), || Instant::now() + LIMIT);
        let mut storm = Vec::new();
        for number in 0..2000 {
            let askable = asked.askable.clone();
            let look_up = async move { fetch(&askable, "storm", &format!("a-{number}"), deadline()).await };
            storm.push(tokio::spawn(look_up));
            if number % 250 == 249 {
                tokio::time::sleep(Duration::from_millis(250)).await;
                // While a thousand a second come.
                assert!(fetch(&asked.askable, "shop", &format!("a-{number}"), deadline()).await.unwrap());
            }
        }
        for one in storm {
            drop(one.await.unwrap());
        }
        let most = 20 + 10 * usize::try_from(began.elapsed().as_millis()).unwrap() / 1000 + 1;
        let requests = asked.requests.lock().unwrap().len();
        assert!((20..=most).contains(&requests), "{requests} of {most}");
        let limited = "result=\"limited\",source=\"eks-api\"";
        assert!(asked.registry.scrape().unwrap().contains(limited));
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_no_account_has_are_not_asked_for() {
        let asked = Asked::new();
        for (namespace, name) in [("shop", ""), ("shop", "a&b"), ("a.b", "orders"), ("", "orders")] {
            assert!(!fetch(&asked.askable, namespace, name, Instant::now() + LIMIT).await.unwrap());
        }
        assert!(asked.requests.lock().unwrap().is_empty());
    }
}
