//! What was found out about an account, by asking the sources of identity.

use alloc::sync::Arc;

use super::grant::Grant;

/// What was found out about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its identity, if it has one.
    pub grant: Option<Arc<Grant>>,
    /// Whether the account exists.
    pub exists: bool,
}

impl From<Grant> for Found {
    fn from(grant: Grant) -> Self {
        Self { grant: Some(Arc::new(grant)), exists: true }
    }
}
