//! Probes and metrics: on the metrics port in plain HTTP, the probes on the TLS port too, where
//! the Go webhook has its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::lifecycle::Readiness;
use crate::metrics::Metrics;

/// How many scrapes are made at the same time: a scrape costs as much as some twenty admissions.
const SCRAPES: usize = 1;

/// How long one waits for its turn: two of Prometheus that come together are both served.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(1);

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
pub fn metrics(metrics: Arc<Metrics>) -> Router {
    let turns = Arc::new(Semaphore::new(SCRAPES));
    Router::new().route("/metrics", get(async move || scrape(metrics.clone(), &turns).await))
}

/// Made on a thread where it holds up neither a call nor a probe.
async fn scrape(metrics: Arc<Metrics>, turns: &Arc<Semaphore>) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    // Never closed: the only failure is the wait.
    let Ok(Ok(turn)) = timeout(SCRAPE_PATIENCE, turns.clone().acquire_owned()).await else {
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
