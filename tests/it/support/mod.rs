//! What the tests share: the server in this process or in its own, a client over TLS, the golden cases.

pub mod cases;
pub mod client;
pub mod credentials;
pub mod fake_api;
pub mod instance_metadata;
pub mod mounted;
pub mod pair_files;
pub mod process;
pub mod program;
pub mod raw;
pub mod reviews;
pub mod server;
pub mod wait;
