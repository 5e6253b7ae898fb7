//! An STS for the end-to-end suite: it verifies what the real one verifies, so that a pod gets
//! credentials here only if the webhook and the cluster gave it the right token. Beside it EKS Auth, for agents, and
//! a bucket of S3 to use the credentials on.
//!
//! From a connection to its answer:
//!
//! ```text
//! server → query → web_identity (token, keys)       → trust → authority → answer
//!                  assume_role (caller, sigv4, tags) ↗
//!          eks_auth (sigv4, token, association)      ↗
//!          bucket (caller, sigv4)
//! ```
//!
//! Errors and their codes are those of the STS API, version 2011-06-15; where its documentation
//! leaves the code open, [`refusal`] says what was chosen.

pub mod answer;
pub mod assume_role;
pub mod authority;
pub mod bucket;
pub mod caller;
mod condition;
pub mod cue;
pub mod eks_auth;
pub mod keys;
pub mod line;
pub mod provider;
pub mod query;
pub mod refusal;
pub mod role;
pub mod server;
pub mod sessions;
pub mod sigv4;
pub mod tags;
pub mod token;
pub mod trust;
pub mod web_identity;
mod xml;
