//! The Kubernetes API: a client that notices a dead connection, failures in words, how a set of objects
//! is followed, and which kinds are served.

mod client;
mod discovery;
mod error;
mod follow;
mod pace;

pub use client::{ClientError, client};
pub use discovery::served;
pub(crate) use error::chain;
pub use error::{WatchError, describe};
pub use follow::{Change, Follow, News};
pub use pace::{BACKOFF, GRACE, PAGE, PAGE_LIMIT, SHORT, WATCH, jittered};
