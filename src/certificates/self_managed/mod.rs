//! Certificates that need nothing installed: an authority in one Secret, a leaf in each replica's memory, and the
//! caBundles of the registration, kept by all replicas alike without a leader.
//!
//! `advance` is the pure part: what the Secret should say. [`Keeper`] reads, writes and serves.

mod advance;
mod authority;
mod certificate;
mod error;
mod event;
mod keeper;
mod metrics;
mod names;
mod registration;
mod secret;
mod serving;
mod settings;
mod shown;
mod state;
mod trouble;
mod troubles;
mod verify;

pub use authority::Authority;
pub use certificate::Certificate;
pub use error::AuthorityError;
pub use keeper::Keeper;
pub use metrics::Metrics;
pub use names::Names;
pub use registration::{Entry, entries};
pub use secret::{Aside, Part, Stored, Unusable, announce, aside, read, write};
pub use settings::{Objects, Periods, SelfManaged};
pub use state::{Previous, State};
pub use verify::accepts;
