//! Why an authority of the Secret cannot be used.

/// Why what was read is no authority to sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// There is no certificate.
    #[error("its certificate cannot be read: {0}")]
    Certificate(String),
    /// There is no key.
    #[error("its key cannot be read")]
    Key,
    /// Certificate and key are not of the same authority.
    #[error("its key belongs to another certificate")]
    Mismatch,
    /// It was not made by this program, or for another Service.
    #[error("it is not an authority of pod-identity-webhook for {0}")]
    Foreign(String),
    /// Its life is over.
    #[error("it expired {0} s ago")]
    Expired(i64),
    /// Its life has not begun: it was made by a clock that is ahead.
    #[error("it is not valid for another {0} s")]
    NotYetValid(i64),
}

impl AuthorityError {
    /// Every word that [`AuthorityError::reason`] has.
    pub(super) const REASONS: [&str; 4] = ["corrupt", "foreign", "expired", "not_yet_valid"];

    /// The error in one word, for a metric.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Certificate(_) | Self::Key | Self::Mismatch => "corrupt",
            Self::Foreign(_) => "foreign",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
        }
    }
}
