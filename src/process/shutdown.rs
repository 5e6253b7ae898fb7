//! The two steps in which the process ends.

use tokio_util::sync::CancellationToken;

/// The two steps of the end: first clients are sent elsewhere, then what is under way is finished.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// The end is near: the process still serves, and every answer closes its connection.
    pub leaving: CancellationToken,
    /// Nothing more is accepted; what is under way is finished.
    pub stopping: CancellationToken,
}
