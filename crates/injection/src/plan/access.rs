//! Whether SDKs in a container find the pod's identity.

use super::super::unable::Unable;

/// Whether SDKs in a container find the pod's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The webhook adds the pair.
    Added,
    /// The container sets the pair itself as the webhook would: so at a second admission.
    Present,
    /// The container sets the pair itself, for the pod's token, but for another role or agent.
    Other,
    /// SDKs do not find it.
    None(Unable),
}

/// A pair that a container sets itself, for another role or agent than the pod's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The role, or the agent's URI.
    pub there: &'a str,
    /// Whether the container has a token of its own for it, so that it is so on purpose.
    pub has_own_token: bool,
}

impl Access {
    /// Whether SDKs find the identity that the webhook would inject.
    #[must_use]
    pub fn is_used(self) -> bool {
        matches!(self, Self::Added | Self::Present)
    }

    /// Whether SDKs can get credentials with the pod's token, of whatever role.
    #[must_use]
    pub fn is_usable(self) -> bool {
        !matches!(self, Self::None(_))
    }
}
