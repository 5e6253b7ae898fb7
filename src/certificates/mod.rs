//! The serving certificate: read from files and swapped when they change, or made in memory.

mod files;
mod in_memory;
mod pair;

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

pub use files::Files;
pub use files::FilesError;
pub use in_memory::{Authority, InMemoryError, Leaf};
pub use pair::{Pair, PairError};

/// The pair that is served, replaced as a whole; every handshake takes the one of its moment.
#[derive(Debug)]
pub struct Store(ArcSwap<Pair>);

impl Store {
    /// Serves `pair`.
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        Self(ArcSwap::from_pointee(pair))
    }

    /// Serves `pair` from the next handshake on.
    pub fn replace(&self, pair: Pair) {
        self.0.store(Arc::new(pair));
    }

    /// Whether the served certificate is within its validity.
    pub fn check(&self, now: SystemTime) -> Result<(), String> {
        self.0.load().check(now)
    }
}

impl ResolvesServerCert for Store {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load().certified())
    }
}
