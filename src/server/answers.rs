//! What answers on a port.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use futures_util::future::BoxFuture;
use hyper::body::Incoming;

/// Answers a request that came from this address.
pub type Answer = dyn Fn(Request<Incoming>, IpAddr) -> BoxFuture<'static, Response<Body>> + Send + Sync;

/// What answers on a port.
#[derive(Clone)]
pub enum Answers {
    /// What its path leads to.
    Router(Router),
    /// One thing, whatever is asked. To find a route, and to hand a request through it, would be a large part of what
    /// an answer from memory costs.
    Direct(Arc<Answer>),
}

impl From<Router> for Answers {
    fn from(router: Router) -> Self {
        Self::Router(router)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Router(router) => router.fmt(formatter),
            Self::Direct(_) => formatter.write_str("Direct"),
        }
    }
}
