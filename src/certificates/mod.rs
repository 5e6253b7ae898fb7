//! The serving certificate: read from files and swapped when they change, made by every replica and signed by an
//! authority that the cluster keeps, or made in memory. And the authorities by which clients' certificates are verified.

mod client_authorities;
mod clock;
mod expiry;
mod files;
mod in_memory;
mod issue;
mod metrics;
mod pair;
mod pem;
pub mod self_managed;
mod settings;

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

pub use client_authorities::ClientAuthorities;
pub use clock::Clock;
pub(crate) use expiry::watch as watch_expiry;
pub use files::Files;
pub use files::FilesError;
pub use in_memory::Authority;
pub use issue::{IssueError, Leaf};
pub use metrics::Metrics;
pub use pair::{Pair, PairError};
pub use settings::CertificateSource;

/// Largest file that is read, in bytes: a chain has a few KiB, a bundle of every public authority a quarter
/// of this.
const FILE_LIMIT: u64 = 1 << 20;

/// The pair that is served, replaced as a whole; every handshake takes the one that is current.
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

    /// The pair that is served now.
    #[must_use]
    pub fn current(&self) -> Arc<Pair> {
        self.0.load_full()
    }

    /// Whether the served certificate is within its validity.
    pub fn check(&self, now: SystemTime) -> Result<(), String> {
        self.0.load().check(now)
    }
}

impl Store {
    /// Begin and end of the served certificate's life, in seconds since 1970.
    fn validity(&self) -> (i64, i64) {
        let pair = self.0.load();
        (pair.not_before(), pair.not_after())
    }
}

impl ResolvesServerCert for Store {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load().certified())
    }
}
