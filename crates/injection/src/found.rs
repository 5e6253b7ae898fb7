//! What was found out about an account, by asking the sources of identity.

use alloc::sync::Arc;

use super::grant::Grant;
use super::setting::Stray;

/// What was found out about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its identity, if it has one.
    pub grant: Option<Arc<Grant>>,
    /// Whether the account exists.
    pub exists: bool,
    /// Settings on the account that have no effect.
    pub strays: Option<Arc<[Stray]>>,
}

impl Found {
    /// Nothing, of an account that does not exist.
    #[must_use]
    pub fn missing() -> Self {
        Self { grant: None, exists: false, strays: None }
    }
}

impl From<Grant> for Found {
    fn from(grant: Grant) -> Self {
        Self { grant: Some(Arc::new(grant)), exists: true, strays: None }
    }
}
