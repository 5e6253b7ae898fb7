//! How much memory calls may take together, and how long each may take.

use std::time::Duration;

/// Largest body that is read: two objects of the 3 MB that etcd is commonly allowed, and slack.
pub const BODY_LIMIT: usize = 7 << 20;

/// How much memory calls may take together, and how long each may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of all bodies in flight together; further ones wait to be read.
    pub memory: usize,
    /// Bytes of one body.
    pub body: usize,
    /// How long a request may take from its headers to its answer.
    pub request: Duration,
    /// How long one live look-up may take.
    pub lookup: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            body: BODY_LIMIT,
            request: Duration::from_secs(10),
            lookup: Duration::from_millis(1500),
        }
    }
}
