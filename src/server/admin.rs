//! Probes and metrics: on the metrics port in plain HTTP, the probes on the TLS port too, where
//! the Go webhook has its own.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::lifecycle::Readiness;
use crate::metrics::Metrics;

/// `/livez`, `/healthz` and `/readyz`.
pub fn probes(readiness: Readiness) -> Router {
    // Alive is whoever answers: a process without the API server is not healed by a restart.
    Router::new().route("/healthz", get(async || "ok")).route("/livez", get(async || "ok")).route(
        "/readyz",
        get(async move || {
            let (is_ready, report) = readiness.report();
            (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report)
        }),
    )
}

/// `/metrics`.
pub fn metrics(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(async move || scrape(&metrics)))
}

fn scrape(metrics: &Metrics) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    match metrics.scrape() {
        Ok(text) => ([(axum::http::header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
