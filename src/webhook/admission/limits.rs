//! How much calls may take together, and each for how long.

use std::time::Duration;

/// Largest body that is read: two objects of the 3 MB that etcd is commonly allowed, and slack.
pub const BODY_LIMIT: usize = 7 << 20;

/// How much calls may take together, and each for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of all bodies in flight together; further ones wait to be read.
    pub memory: usize,
    /// One body.
    pub body: usize,
    /// From a request's headers to its answer.
    pub request: Duration,
    /// One live look-up.
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
