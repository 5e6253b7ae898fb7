//! What the tests share: the server in this process, a client over TLS, the golden cases.

pub mod cases;
pub mod client;
pub mod fake_api;
pub mod server;
