//! What answers a client that has shown no certificate where one is asked for: the kubelet has none for its
//! probes, and all others are told what is missing. No body is read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::metrics::Metrics;
use crate::telemetry::Throttle;

/// What an operator reads in the API server's log, or in the event of a pod that was refused.
const ADVICE: &str = "a client certificate of an authority in --client-ca-file is needed: the API server presents the one \
                      of the kubeConfigFile in its AdmissionConfiguration";

/// The probes, and an answer to everything else.
pub fn strangers(probes: Router, metrics: Arc<Metrics>) -> Router {
    let complaints = Arc::new(Throttle::new(Duration::from_secs(10)));
    probes.fallback(async move || {
        metrics.refused_client();
        if let Some(left_out) = complaints.allow() {
            tracing::warn!(left_out, "a call was refused: {ADVICE}");
        }
        refusal()
    })
}

/// A Kubernetes `Status`, whose message the API server shows.
fn refusal() -> Response {
    let code = StatusCode::UNAUTHORIZED;
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": ADVICE,
        "reason": "Unauthorized",
        "code": code.as_u16(),
    });
    // The connection is closed, so that the next call shows the certificate that the client has by then.
    let headers = [(CONTENT_TYPE, "application/json"), (CONNECTION, "close")];
    (code, headers, status.to_string()).into_response()
}
