//! Probes, metrics and the served certificate: on the metrics port in plain HTTP, the probes on the TLS port too,
//! where the Go webhook has its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::certificates::Store;
use crate::process::Readiness;
use crate::telemetry::Registry;

/// Scrapes that are made at the same time: one costs as much as some twenty admissions.
const SCRAPES: usize = 1;

/// How long a scrape waits for its turn, so that two Prometheus servers that come together are both served.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(1);

/// Scrapes that may wait for a turn, more than any cluster has Prometheus servers; others are sent away at
/// once. Otherwise all connections to this port could be in waiting calls, and none be closed for a probe.
const SCRAPES_WAITING: usize = 4;

/// The scrapes that are being made, and those that wait.
struct ScrapeTurns {
    scrapes: Arc<Semaphore>,
    waiting: Semaphore,
}

/// `/livez`, `/healthz` and `/readyz`.
pub fn probes(readiness: Readiness) -> Router {
    // Any answer means alive: a restart does not help a process that cannot reach the API server.
    Router::new().route("/healthz", get(async || "ok")).route("/livez", get(async || "ok")).route(
        "/readyz",
        get(async move || {
            let (is_ready, report) = readiness.shown();
            (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report)
        }),
    )
}

/// `/metrics`.
pub fn metrics(metrics: Registry) -> Router {
    scrapes(metrics, Arc::new(Semaphore::new(SCRAPES)))
}

/// `/certificate`: the chain that is served now, as PEM. Whoever connects to the webhook's port is shown it too.
pub fn certificate(served: Arc<Store>) -> Router {
    const PEM: &str = "application/pem-certificate-chain";
    let answer = async move || {
        // As for scrapes: one answer per connection.
        let headers = [(CONTENT_TYPE, PEM), (CONNECTION, "close")];
        (headers, served.current().chain_pem())
    };
    Router::new().route("/certificate", get(answer))
}

fn scrapes(metrics: Registry, scrapes: Arc<Semaphore>) -> Router {
    let turns = Arc::new(ScrapeTurns { scrapes, waiting: Semaphore::new(SCRAPES_WAITING) });
    let answer = async move || {
        let mut answer = scrape(metrics.clone(), &turns).await;
        // A client that sends many requests at once gets one answer per connection.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    };
    Router::new().route("/metrics", get(answer))
}

impl ScrapeTurns {
    /// Takes a turn at once, or soon if few others wait; `None` if it has to be sent away.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = self.scrapes.clone().try_acquire_owned() {
            return Some(turn);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        // The semaphore is never closed: the only failure is the end of the wait.
        timeout(SCRAPE_PATIENCE, self.scrapes.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// A scrape, made on a thread of its own, where it holds up neither calls nor probes.
async fn scrape(metrics: Registry, turns: &ScrapeTurns) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let Some(turn) = turns.take().await else {
        let busy = "too many scrapes at the same time\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], busy).into_response();
    };
    let made = spawn_blocking(move || {
        // The turn is held to the end, even if the client has gone.
        let _turn = turn;
        metrics.scrape()
    });
    let error = match made.await {
        Ok(Ok(text)) => return ([(CONTENT_TYPE, TEXT)], text).into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the metrics could not be made".to_owned(),
    };
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use tokio::time::Instant;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_wait_for_their_turn_and_the_others_are_sent_away_at_once() {
        let turns = Arc::new(Semaphore::new(SCRAPES));
        let router = scrapes(Registry::new().unwrap(), turns.clone());
        let ask = async || {
            let began = Instant::now();
            let request = Request::get("/metrics").body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.headers().get(CONNECTION).unwrap(), "close");
            (answer.status(), began.elapsed() >= SCRAPE_PATIENCE)
        };
        let taken = turns.acquire().await.unwrap();
        let answers = futures_util::future::join_all((0..SCRAPES_WAITING + 3).map(|_| ask())).await;
        let waited = |waited| move |answer: &&_| **answer == (StatusCode::SERVICE_UNAVAILABLE, waited);
        assert_eq!(answers.iter().filter(waited(true)).count(), SCRAPES_WAITING, "{answers:?}");
        assert_eq!(answers.iter().filter(waited(false)).count(), 3, "{answers:?}");
        drop(taken);
        // Two scrapes that come together are both served.
        assert_eq!(tokio::join!(ask(), ask()), ((StatusCode::OK, false), (StatusCode::OK, false)));
    }
}
