//! What the tests, the benchmarks and the examples share: the golden cases, reviews, the server in this
//! process, a client over TLS, a fake API server, and how to wait. A crate, so that each takes of it what it needs.

pub mod cases;
pub mod client;
pub mod decided;
pub mod fake_api;
pub mod mounted;
pub mod reviews;
pub mod server;
pub mod wait;
