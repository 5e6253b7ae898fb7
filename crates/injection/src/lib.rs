//! What is injected, and when: the pure part. Bytes, what was found and the rules in, a decision out.
//!
//! [`review`] reads the request, [`pod`] the few fields of a pod that matter, [`candidate`] says for whom
//! an identity is to be found, [`found`] and [`grant`] hold what was found; [`decide()`] decides, with a
//! [`plan`] of what is added where; [`patch`] and [`answer`] write; [`excess`] has the bounds. There is no
//! clock, no randomness, no I/O, no logging: the crate has no std to do it with.
//! [`go`] holds Go's own rules, [`json`] reads JSON as it passes, [`mod@text`] shows somebody else's text.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod agent;
pub mod annotation;
pub mod answer;
pub mod candidate;
pub mod decide;
pub mod defaults;
pub mod denial;
pub mod excess;
pub mod found;
pub mod go;
pub mod grant;
pub mod json;
pub mod name;
pub mod need;
pub mod outcome;
pub mod patch;
mod path;
pub mod plan;
pub mod pod;
pub mod policy;
mod reason;
pub mod review;
pub mod role;
pub mod setting;
pub mod text;
pub mod unable;
pub mod warning;

pub use candidate::Candidate;
pub use decide::{Decision, Rules, decide};
pub use defaults::Defaults;
pub use denial::Denial;
pub use found::Found;
pub use grant::Grant;
pub use json::Slot;
pub use name::{AccountName, OwnedAccountName};
pub use need::{Need, Precedence};
pub use outcome::Outcome;
pub use plan::Plan;
pub use pod::Pod;
pub use reason::Reason;
pub use review::Review;
