//! What is answered: the two documents at their own paths, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::folder::Documents;
use super::settings::Place;
use crate::issuer::issuer_url::{DISCOVERY, IssuerUrl};
use crate::source::Source;

/// What answers, whatever is asked.
pub(super) fn routes(place: &Place, max_age: Duration, source: Arc<Source<Documents>>) -> Router {
    let [discovery, keys] = [DISCOVERY, &place.keys_path].map(|path| path_of(&place.issuer, path));
    let cache_control = format!("public, max-age={}", max_age.as_secs());
    Router::new().fallback(async move |request: Request| {
        let path = request.uri().path();
        let is_discovery = path == discovery;
        if !is_discovery && path != keys {
            return (StatusCode::NOT_FOUND, "there is no such document\n").into_response();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let allowed = [(ALLOW, "GET, HEAD")];
            return (StatusCode::METHOD_NOT_ALLOWED, allowed, "documents are read by GET\n").into_response();
        }
        let Some(documents) = source.current() else {
            let later = [(RETRY_AFTER, "1")];
            return (StatusCode::SERVICE_UNAVAILABLE, later, "the documents were not read yet\n")
                .into_response();
        };
        let document = if is_discovery { &documents.discovery } else { &documents.keys };
        let headers = [(CACHE_CONTROL, cache_control.as_str()), (ETAG, &document.tag)];
        if is_known(request.headers(), &document.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        // axum leaves the body out of an answer to HEAD.
        answer(headers, document.body.clone())
    })
}

fn answer(headers: [(axum::http::HeaderName, &str); 2], body: axum::body::Bytes) -> Response {
    (headers, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// The path of what is below the issuer.
fn path_of(issuer: &IssuerUrl, path: &str) -> String {
    let url = issuer.below(path);
    url.splitn(4, '/').nth(3).map_or_else(|| format!("/{path}"), |path| format!("/{path}"))
}

/// Whether the client has the document of this tag (RFC 9110, 13.1.2: compared weakly).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
