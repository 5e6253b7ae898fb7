//! Every way in which a call is refused: its code, its HTTP status and its words.
//!
//! Documented for `AssumeRole` is `MalformedPolicyDocument` 400; of tags that do not go together STS says
//! `InvalidParameterValue`. Documented for `AssumeRoleWithWebIdentity` are `IDPRejectedClaim` 403, `IDPCommunicationError`,
//! `InvalidIdentityToken` and `ExpiredTokenException` 400; the others are common to all calls. Which
//! flaw of a token gives which of them is not documented: expired is `ExpiredTokenException`, not yet
//! valid is `IDPRejectedClaim`, all else is `InvalidIdentityToken`.

/// Why a call got no credentials, or no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such call in this version.
    #[error("Could not find operation {action} for version {version}")]
    InvalidAction {
        /// `Action` as it was sent.
        action: String,
        /// `Version` as it was sent.
        version: String,
    },
    /// A parameter that the call needs is absent.
    #[error("The request must contain the parameter {0}")]
    MissingParameter(&'static str),
    /// A parameter breaks its limits.
    #[error("{0}")]
    Validation(String),
    /// Parameters that do not go together.
    #[error("{0}")]
    InvalidParameterValue(&'static str),
    /// The session's policy is none.
    #[error("{0}")]
    MalformedPolicy(&'static str),
    /// The request's body is larger than any call's parameters.
    #[error("The request body exceeds {0} bytes")]
    TooLarge(usize),
    /// The token could not be validated.
    #[error("{0}")]
    InvalidIdentityToken(String),
    /// The token's `exp` has passed.
    #[error("Token expired: current date/time {now} must be before the expiration date/time {expiration}")]
    ExpiredToken {
        /// Seconds since the epoch.
        now: i64,
        /// The token's `exp`.
        expiration: i64,
    },
    /// A claim of a well-signed token rules its use out now.
    #[error("{0}")]
    RejectedClaim(String),
    /// The issuer's key set could not be read: clients try again.
    #[error("Couldn't retrieve the key set from your identity provider")]
    ProviderUnreachable,
    /// The role does not exist, or its trust policy does not allow this identity.
    #[error("{0}")]
    AccessDenied(String),
    /// The suite wants an error here, whatever was asked.
    #[error("The file of --fail has this call fail")]
    OnCue {
        /// The code, of those in [`crate::cue`].
        code: &'static str,
        /// Its status.
        status: u16,
    },
    /// The request carries no signature.
    #[error("Request is missing Authentication Token")]
    MissingAuthentication,
    /// The `Authorization` header lacks a part.
    #[error("{0}")]
    IncompleteSignature(String),
    /// No credentials of that key and session token were issued here.
    #[error("The security token included in the request is invalid.")]
    UnknownCredentials,
    /// The credentials were issued here and are past their time.
    #[error("The security token included in the request is expired")]
    ExpiredCredentials,
    /// The signature is another than the request's.
    #[error("{0}")]
    SignatureMismatch(String),
    /// Trouble of this program or its files, told in the log.
    #[error("We encountered an internal error. Please try again.")]
    Internal(String),
}

impl Refusal {
    /// What SDKs read as the error's code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidAction { .. } => "InvalidAction",
            Self::MissingParameter(_) => "MissingParameter",
            Self::Validation(_) => "ValidationError",
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::MalformedPolicy(_) => "MalformedPolicyDocument",
            Self::TooLarge(_) => "RequestEntityTooLarge",
            Self::InvalidIdentityToken(_) => "InvalidIdentityToken",
            Self::ExpiredToken { .. } => "ExpiredTokenException",
            Self::RejectedClaim(_) => "IDPRejectedClaim",
            Self::ProviderUnreachable => "IDPCommunicationError",
            Self::AccessDenied(_) => "AccessDenied",
            Self::OnCue { code, .. } => code,
            Self::MissingAuthentication => "MissingAuthenticationToken",
            Self::IncompleteSignature(_) => "IncompleteSignature",
            Self::UnknownCredentials => "InvalidClientTokenId",
            Self::ExpiredCredentials => "ExpiredToken",
            Self::SignatureMismatch(_) => "SignatureDoesNotMatch",
            Self::Internal(_) => "InternalFailure",
        }
    }

    /// The HTTP status that goes with the code.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidAction { .. }
            | Self::MissingParameter(_)
            | Self::Validation(_)
            | Self::InvalidParameterValue(_)
            | Self::MalformedPolicy(_)
            | Self::InvalidIdentityToken(_)
            | Self::ExpiredToken { .. }
            | Self::ProviderUnreachable
            | Self::IncompleteSignature(_) => 400,
            Self::RejectedClaim(_)
            | Self::AccessDenied(_)
            | Self::MissingAuthentication
            | Self::UnknownCredentials
            | Self::ExpiredCredentials
            | Self::SignatureMismatch(_) => 403,
            Self::TooLarge(_) => 413,
            Self::OnCue { status, .. } => *status,
            Self::Internal(_) => 500,
        }
    }

    /// Why, for the log: also what the client is not told.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Internal(reason) => reason.clone(),
            told => told.to_string(),
        }
    }
}
