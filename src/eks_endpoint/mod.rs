//! EKS's API of Pod Identity associations, for `aws eks` and AWS's SDKs on clusters that are not EKS.
//!
//! It runs on a user's machine, on loopback, and reads and writes objects of the cluster as that user: `serve` puts it
//! together, `handler` takes a request from its head to its answer, and `api` is the only part that waits. The rest is
//! pure: it reads a request, says what it asks for, and writes what is answered. A request passes, in this order:
//!
//! ```text
//! guard → sigv4 → route → body → api → page → answer
//! ```
//!
//! Which values an association may have, and where it is kept, is [`crate::association`]'s to say.

pub mod answer;
mod api;
pub mod args;
pub mod body;
mod cluster;
mod command;
pub mod error;
pub mod guard;
mod handler;
mod hash;
mod names;
pub mod page;
mod query;
mod random;
pub mod route;
mod serve;
mod settings;
mod signals;
pub mod sigv4;
mod trust;
mod variables;

pub use random::RandomnessError;
pub(crate) use serve::run;
