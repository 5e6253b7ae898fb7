//! EKS's API of Pod Identity associations, for `aws eks` and AWS's SDKs on clusters that are not EKS.
//!
//! What is here is pure: it reads a request, says what it asks for, and writes what is answered. It does no I/O
//! and logs nothing. A request passes, in this order:
//!
//! ```text
//! guard → sigv4 → route → body → (whoever answers) → page → answer
//! ```
//!
//! Whether a role, a tag or a policy may have the value that it has is not decided here.

pub mod answer;
pub mod body;
pub mod error;
pub mod guard;
mod hash;
pub mod names;
pub mod page;
mod query;
mod random;
pub mod route;
pub mod sigv4;

pub use random::RandomnessError;
