//! Probes and metrics: on the metrics port in plain HTTP, the probes on the TLS port too, where
//! the Go webhook has its own.

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

use crate::process::Readiness;
use crate::telemetry::Registry;

/// How many scrapes are made at the same time: a scrape costs as much as some twenty admissions.
const SCRAPES: usize = 1;

/// How long one waits for its turn: two of Prometheus that come together are both served.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(1);

/// How many wait for it, more than anybody has of Prometheus; others are sent away at once. All connections of this
/// port would else be in the middle of a call that waits, and a probe find none that could be closed for it.
const SCRAPES_WAITING: usize = 4;

/// Who makes a scrape, and who waits for it.
struct ScrapeTurns {
    scrapes: Arc<Semaphore>,
    waiting: Semaphore,
}

/// `/livez`, `/healthz` and `/readyz`.
pub fn probes(readiness: Readiness) -> Router {
    // Alive is whoever answers: a process without the API server is not healed by a restart.
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

fn scrapes(metrics: Registry, scrapes: Arc<Semaphore>) -> Router {
    let turns = Arc::new(ScrapeTurns { scrapes, waiting: Semaphore::new(SCRAPES_WAITING) });
    let answer = async move || {
        let mut answer = scrape(metrics.clone(), &turns).await;
        // Whoever sends many requests at once gets one answer for each connection.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    };
    Router::new().route("/metrics", get(answer))
}

impl ScrapeTurns {
    /// A turn at once, or soon if few others wait.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = self.scrapes.clone().try_acquire_owned() {
            return Some(turn);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        // Never closed: the only failure is the wait.
        timeout(SCRAPE_PATIENCE, self.scrapes.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// Made on a thread where it holds up neither a call nor a probe.
async fn scrape(metrics: Registry, turns: &ScrapeTurns) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let Some(turn) = turns.take().await else {
        let busy = "too many scrapes at the same time\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], busy).into_response();
    };
    let made = spawn_blocking(move || {
        // Held to the end, also if whoever asked has gone.
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
        // Two that come together are both served.
        assert_eq!(tokio::join!(ask(), ask()), ((StatusCode::OK, false), (StatusCode::OK, false)));
    }
}
