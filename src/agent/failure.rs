//! Why a request gets no credentials: the status and the words that the SDK is answered.

use std::borrow::Cow;

/// Why there are no credentials, in the words that the pod's SDK shows. It holds no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// The answer's HTTP status.
    pub status: u16,
    /// What is answered, one line.
    pub text: Cow<'static, str>,
    /// Whether asking again may help.
    pub kind: FailureKind,
    /// The error's code as AWS names it, for metrics; empty for our own.
    pub code: Cow<'static, str>,
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Who answers has decided: credentials that are held must not be used any longer either.
    Refused,
    /// Whoever should answer could not: credentials that are held go on while they live.
    Passing,
    /// The same, and it wants to be asked less often.
    Throttled,
}

impl FailureKind {
    /// The label of AWS's metric.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Refused => "NonRecoverable",
            Self::Passing | Self::Throttled => "Recoverable",
        }
    }
}

impl Failure {
    /// A decision against the pod.
    pub(super) fn refused(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into(), kind: FailureKind::Refused, code: "".into() }
    }

    /// Trouble that may be over soon.
    pub(super) fn passing(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into(), kind: FailureKind::Passing, code: "".into() }
    }
}
