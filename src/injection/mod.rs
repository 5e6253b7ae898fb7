//! What is injected, and when: the pure part. Bytes and settings in, a plan out.
//!
//! [`review`] reads the request, [`pod`] the few fields of a pod that matter, [`grant`] says what
//! an account has, [`decide()`] and [`plan`] decide, [`patch`] and [`answer`] write; [`excess`] is where
//! looking ends. No clock, no randomness, no
//! I/O, no logging: a test scans this folder's imports.

pub mod agent;
pub mod annotation;
pub mod answer;
mod decide;
pub mod defaults;
pub mod denial;
pub mod excess;
pub mod grant;
pub(crate) mod json;
pub mod name;
pub mod outcome;
pub mod patch;
mod path;
pub mod plan;
pub mod pod;
pub mod policy;
pub mod review;
pub mod role;
pub mod warning;

pub use decide::{Decision, Rules, decide};
pub use defaults::Defaults;
pub use denial::Denial;
pub use grant::Grant;
pub use json::Slot;
pub use outcome::Outcome;
pub use plan::Plan;
pub use pod::Pod;
pub use review::Review;
