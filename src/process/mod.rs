//! Running a process, whatever it serves: what it needs to be ready, its tasks, signals, and its end in two
//! steps. Called by every subsystem that serves; knows none of them.

pub(crate) mod allocator;
pub(crate) mod descriptors;
mod readiness;
mod run;
mod shutdown;
mod signals;
mod tasks;

pub use readiness::{Condition, Latch, Note, Readiness};
pub(crate) use run::block_on;
pub use run::{Running, Serving};
pub use shutdown::Shutdown;
pub use signals::Signals;
pub use tasks::{Task, Tasks};
