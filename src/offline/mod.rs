//! What the binary does without a cluster: `inject`, with what it explains.

pub mod args;
mod explain;
pub(crate) mod inject;
mod notes;
mod settings;
mod unknown;
mod workload;
