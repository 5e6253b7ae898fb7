//! The node's credential endpoint, which SDKs cannot tell from the EKS Pod Identity agent: a pod sends the token that the
//! webhook had mounted, and gets credentials of the role that is associated with its ServiceAccount.
//!
//! ```text
//! rate → request → trust → grants → cache → upstream
//! ```
//!
//! `request` and `cache`'s freshness are pure; `trust` verifies every token before anything is looked up for it; only
//! `trust` (for a token that is new), and `cache` (for a fetch) wait. It never hands one pod another's credentials: what
//! is held is held by the UIDs that the token was signed with.

mod app;
pub mod args;
pub mod cache;
mod clock;
mod credentials;
mod endpoint;
mod failure;
pub mod grants;
mod handover;
mod listen;
pub mod metrics;
pub mod node;
mod pods;
mod probe;
mod rate;
mod request;
mod serve;
pub mod settings;
mod taint;
pub mod trust;
#[cfg(feature = "eks-api")]
pub mod upstream;

pub use app::{App, CONNECTION_MEMORY, CONNECTIONS};
pub use credentials::Credentials;
pub use failure::{Failure, FailureKind};
pub use listen::SOCKET_BUFFER;
pub(crate) use serve::run;
