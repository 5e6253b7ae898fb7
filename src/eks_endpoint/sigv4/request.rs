//! A request as whoever signed it sees it.

use http::request::Parts;
use http::{HeaderMap, Method};

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it was sent: nothing decoded, no slashes merged.
    pub path: &'a str,
    /// The query as it was sent.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body that arrived.
    pub body: &'a [u8],
}

impl<'a> SignedRequest<'a> {
    /// The request of which these are the head and the body.
    #[must_use]
    pub fn new(head: &'a Parts, body: &'a [u8]) -> Self {
        let Parts { method, uri, headers, .. } = head;
        Self { method, path: uri.path(), query: uri.query(), headers, body }
    }
}
