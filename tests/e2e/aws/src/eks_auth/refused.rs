//! Errors of EKS Auth by its own names and statuses: what the parts that STS has refuse too is translated.

use crate::refusal::Refusal;

/// Why an agent got no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// This process was given no node's key.
    #[error("The security token included in the request is invalid.")]
    NotServed,
    /// The body is no object with a token.
    #[error("The request's body must be a JSON object with a token")]
    NoToken,
    /// The pod's ServiceAccount has no role.
    #[error("No association found for the ServiceAccount {service_account} of the namespace {namespace}")]
    NoAssociation {
        /// The pod's namespace.
        namespace: String,
        /// The pod's ServiceAccount.
        service_account: String,
    },
    /// What STS would refuse as well.
    #[error(transparent)]
    Common(#[from] Refusal),
}

impl Refused {
    /// The error's name, in the header `x-amzn-errortype`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.translated().0
    }

    /// The HTTP status that goes with the name.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.translated().1
    }

    /// Why, for the log.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Common(refusal) => refusal.reason(),
            told => told.to_string(),
        }
    }

    /// The response's body.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::json!({"message": self.to_string()}).to_string()
    }

    fn translated(&self) -> (&'static str, u16) {
        match self {
            Self::NotServed => ("UnrecognizedClientException", 404),
            Self::NoToken => ("InvalidRequestException", 400),
            Self::NoAssociation { .. } => ("ResourceNotFoundException", 404),
            Self::Common(refusal) => match refusal {
                Refusal::OnCue { code, status } => (code, *status),
                Refusal::MissingAuthentication => ("MissingAuthenticationTokenException", 403),
                Refusal::IncompleteSignature(_) => ("IncompleteSignatureException", 400),
                Refusal::UnknownCredentials => ("UnrecognizedClientException", 403),
                Refusal::SignatureMismatch(_) => ("InvalidSignatureException", 403),
                Refusal::InvalidIdentityToken(_) | Refusal::RejectedClaim(_) => {
                    ("InvalidTokenException", 400)
                }
                Refusal::ExpiredToken { .. } => ("ExpiredTokenException", 400),
                Refusal::AccessDenied(_) => ("AccessDeniedException", 400),
                Refusal::Validation(_) => ("InvalidParameterException", 400),
                Refusal::TooLarge(_) => ("InvalidRequestException", 400),
                Refusal::ProviderUnreachable => ("ServiceUnavailableException", 503),
                // The others are of STS' own protocol and parameters, or trouble of this program.
                _ => ("InternalServerException", 500),
            },
        }
    }
}
