//! A kubeconfig: read, checked and made into how its API server is reached. Every field has an effect, or has none that
//! this client could have, or ends the start; docs/reference.md has the table. `super::client` and
//! `super::user_cluster` call it.

mod chosen;
mod error;
mod exec;
mod fields;
mod file;
mod read;

pub use error::KubeconfigError;
pub(super) use error::MisreadError;
pub(super) use read::{Context, read, read_all};
