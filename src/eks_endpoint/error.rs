//! The errors that the endpoint answers with: AWS's names, status codes and, where clients know them, words.

use std::fmt;

use http::StatusCode;

use crate::aws::ClusterName;

/// Most characters of a request that an error quotes.
const QUOTED: usize = 64;

/// The name of an error, as botocore's model of EKS has it, or as AWS names what it refuses before EKS sees it.
///
/// SDKs try again by themselves, twice, after 429, 500 and 503, and after no other of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorName {
    /// Something that the caller sent has a value that it cannot have.
    InvalidParameter,
    /// The request as a whole cannot be taken.
    InvalidRequest,
    /// The caller may not do this.
    Client,
    /// A quota of the cluster is used up.
    ResourceLimitExceeded,
    /// What [`Self::InvalidParameter`] is, from the calls about tags.
    BadRequest,
    /// The resource is in a state in which this cannot be done.
    InvalidState,
    /// The caller is known, or need not be, and may not do this.
    AccessDenied,
    /// There is no such cluster or association.
    ResourceNotFound,
    /// What [`Self::ResourceNotFound`] is, from the calls about tags.
    NotFound,
    /// There is one already.
    ResourceInUse,
    /// Something that was just made is not known everywhere yet.
    ResourcePropagationDelay,
    /// Too many calls. SDKs try again.
    Throttling,
    /// A bug of ours. SDKs try again.
    Server,
    /// What we need does not answer. SDKs try again.
    ServiceUnavailable,
    /// The access key or the session is not known, or the signature is not of that key.
    UnrecognizedClient,
    /// The signature is not for this service, this region or this moment, or not of all that must be signed. SDKs
    /// of some languages correct their clock by the answer's `Date` and then try again.
    InvalidSignature,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// The signature does not have the form of one.
    IncompleteSignature,
    /// The session is over.
    ExpiredToken,
    /// There is no such call.
    UnknownOperation,
}

impl ErrorName {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidRequest => "InvalidRequestException",
            Self::Client => "ClientException",
            Self::ResourceLimitExceeded => "ResourceLimitExceededException",
            Self::BadRequest => "BadRequestException",
            Self::InvalidState => "InvalidStateException",
            Self::AccessDenied => "AccessDeniedException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::NotFound => "NotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::ResourcePropagationDelay => "ResourcePropagationDelayException",
            Self::Throttling => "ThrottlingException",
            Self::Server => "ServerException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::UnknownOperation => "UnknownOperationException",
        }
    }

    /// The status code that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameter
            | Self::InvalidRequest
            | Self::Client
            | Self::ResourceLimitExceeded
            | Self::BadRequest
            | Self::InvalidState => StatusCode::BAD_REQUEST,
            Self::AccessDenied
            | Self::UnrecognizedClient
            | Self::InvalidSignature
            | Self::MissingAuthenticationToken
            | Self::IncompleteSignature
            | Self::ExpiredToken => StatusCode::FORBIDDEN,
            Self::ResourceNotFound | Self::NotFound | Self::UnknownOperation => StatusCode::NOT_FOUND,
            Self::ResourceInUse => StatusCode::CONFLICT,
            Self::ResourcePropagationDelay => StatusCode::PRECONDITION_REQUIRED,
            Self::Throttling => StatusCode::TOO_MANY_REQUESTS,
            Self::Server => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// An error of this name.
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> ServiceError {
        ServiceError { name: self, message: message.into(), cluster: None }
    }
}

/// An error to answer with. Whether it is tried again is [`ErrorName`]'s to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .name.as_str())]
pub struct ServiceError {
    /// What it is called.
    pub name: ErrorName,
    /// What is said to the user, in sentences.
    pub message: String,
    /// The member `clusterName`. Of the members that the model gives to errors it is the one that fits
    /// associations.
    pub cluster: Option<String>,
}

impl ServiceError {
    /// The same error, with the member `clusterName`.
    #[must_use]
    pub fn in_cluster(mut self, cluster: &ClusterName) -> Self {
        self.cluster = Some(cluster.as_str().to_owned());
        self
    }

    /// There is no cluster of this name, in AWS's words.
    #[must_use]
    pub fn no_cluster(name: &str) -> Self {
        ErrorName::ResourceNotFound.error(format!("No cluster found for name: {}.", Quoted(name)))
    }

    /// The cluster has no association with this id.
    #[must_use]
    pub fn no_association(cluster: &ClusterName, id: &str) -> Self {
        let message = format!("No pod identity association found for id: {}.", Quoted(id));
        ErrorName::ResourceNotFound.error(message).in_cluster(cluster)
    }
}

/// What a request said, made fit for one short line of an answer and of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(QUOTED) {
            write!(formatter, "{}", if character.is_control() { '\u{fffd}' } else { character })?;
        }
        if characters.next().is_some() { formatter.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_status_of_the_model() {
        for (name, text, status) in [
            (ErrorName::InvalidParameter, "InvalidParameterException", 400),
            (ErrorName::InvalidRequest, "InvalidRequestException", 400),
            (ErrorName::Client, "ClientException", 400),
            (ErrorName::ResourceLimitExceeded, "ResourceLimitExceededException", 400),
            (ErrorName::BadRequest, "BadRequestException", 400),
            (ErrorName::InvalidState, "InvalidStateException", 400),
            (ErrorName::AccessDenied, "AccessDeniedException", 403),
            (ErrorName::ResourceNotFound, "ResourceNotFoundException", 404),
            (ErrorName::NotFound, "NotFoundException", 404),
            (ErrorName::ResourceInUse, "ResourceInUseException", 409),
            (ErrorName::ResourcePropagationDelay, "ResourcePropagationDelayException", 428),
            (ErrorName::Throttling, "ThrottlingException", 429),
            (ErrorName::Server, "ServerException", 500),
            (ErrorName::ServiceUnavailable, "ServiceUnavailableException", 503),
            (ErrorName::UnrecognizedClient, "UnrecognizedClientException", 403),
            (ErrorName::InvalidSignature, "InvalidSignatureException", 403),
            (ErrorName::MissingAuthenticationToken, "MissingAuthenticationTokenException", 403),
            (ErrorName::IncompleteSignature, "IncompleteSignatureException", 403),
            (ErrorName::ExpiredToken, "ExpiredTokenException", 403),
            (ErrorName::UnknownOperation, "UnknownOperationException", 404),
        ] {
            assert_eq!((name.as_str(), name.status().as_u16()), (text, status));
        }
    }

    #[test]
    fn what_is_not_there_is_named_on_one_short_line() {
        let error = ServiceError::no_cluster("a\nb");
        assert_eq!(error.to_string(), "ResourceNotFoundException: No cluster found for name: a\u{fffd}b.");
        let cluster = ClusterName::new("prod").unwrap();
        let error = ServiceError::no_association(&cluster, &"é".repeat(9000));
        assert_eq!(error.cluster.as_deref(), Some("prod"));
        let quoted = format!("No pod identity association found for id: {}….", "é".repeat(QUOTED));
        assert_eq!(error.message, quoted);
    }
}
