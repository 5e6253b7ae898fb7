//! Randomness of the system, for keys and request ids.

use aws_lc_rs::rand::fill;

/// The system has no randomness to give. Nothing can be signed: whoever starts the endpoint stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the system's randomness")]
pub struct RandomnessError;

/// So many random bytes.
pub(super) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], RandomnessError> {
    let mut bytes = [0; LENGTH];
    fill(&mut bytes).map_err(|_| RandomnessError)?;
    Ok(bytes)
}
