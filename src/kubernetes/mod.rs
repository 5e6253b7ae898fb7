//! The Kubernetes API: a client that notices a dead connection, failures in words, how a set of objects
//! is followed, and which kinds are served.

mod answer;
mod client;
mod collection;
mod discovery;
mod error;
mod events;
mod follow;
mod list;
mod pace;

pub(crate) use answer::object;
pub use answer::{Line, service_account};
pub(crate) use client::IDLE_CONNECTIONS;
pub use client::{ClientError, client};
pub use collection::Collection;
pub use discovery::served;
pub(crate) use error::chain;
pub use error::{ApiError, WatchError, describe};
pub(crate) use events::{Event, Events};
pub use follow::{Change, Follow, News};
pub(crate) use list::{Next, PageEnd, Pages, read_page};
pub use pace::{BACKOFF, GRACE, METADATA_PAGE, PAGE, PAGE_LIMIT, SHORT, WATCH, jittered};
