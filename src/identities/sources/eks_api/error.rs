//! Why associations could not be listed, in words that tell an operator what to do, and that hold
//! nothing of the request: its signature and session token are secrets.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use injection::text::Line;

use crate::aws::ClusterName;
use crate::kubernetes::chain;

/// The longest text of AWS that is quoted, in characters.
const LONGEST: usize = 400;

/// Why associations could not be listed. Every failure is retried, and what is known stays.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ListError {
    #[error("no region is configured: set AWS_REGION to the cluster's")]
    NoRegion,
    #[error(
        "no AWS credentials were found: give the webhook's pods some by AWS_ACCESS_KEY_ID, a profile, \
         AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, AWS_CONTAINER_CREDENTIALS_FULL_URI or the instance's \
         role (which pods see if its metadata option HttpPutResponseHopLimit is 2), looked at in this order"
    )]
    NoCredentials,
    #[error("the AWS credentials could not be loaded: {0}; check what the webhook's pods were given")]
    Credentials(String),
    #[error("EKS does not accept the webhook's credentials ({0}): check them, and the clock")]
    NotAccepted(String),
    #[error(
        "EKS denies the request: allow the webhook's role eks:ListPodIdentityAssociations on cluster {cluster} ({words})"
    )]
    Denied { cluster: ClusterName, words: String },
    #[error("EKS has no cluster {cluster} in {region}: check --eks-cluster-name and AWS_REGION")]
    NoCluster { cluster: ClusterName, region: String },
    #[error("EKS throttles requests: other callers of this AWS account and region count too")]
    Throttled,
    #[error("EKS failed with {0}")]
    Failed(String),
    #[error("EKS refuses the request with {0}")]
    Refused(String),
    #[error("the answer was {0}, without an error code of EKS: is there a proxy in between?")]
    Stranger(u16),
    #[error("no answer from EKS in time")]
    Silent,
    #[error("failed to reach EKS: {0}")]
    Unreachable(String),
    #[error("page {page} of EKS' list could not be read: {reason}")]
    Unreadable { page: usize, reason: String },
    #[error("EKS' list does not end: more than {0} pages")]
    Endless(usize),
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) region: &'a str,
    /// The page, counted from 1.
    pub(super) page: usize,
}

impl Asked<'_> {
    /// The error of the parser, whose words hold at most one character of the answer.
    fn unreadable(self, error: &dyn Error) -> ListError {
        ListError::Unreadable { page: self.page, reason: line(&chain(error)) }
    }

    /// The error for an answer that can be read but has no list of associations.
    pub(super) fn without_associations(self) -> ListError {
        ListError::Unreadable { page: self.page, reason: "it has no member 'associations'".to_owned() }
    }
}

impl ListError {
    /// Whether asking less often helps.
    pub(super) fn is_overload(&self) -> bool {
        matches!(self, Self::Throttled | Self::Failed(_) | Self::Silent)
    }

    /// The reason that an error of the SDK comes to.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>, asked: Asked<'_>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::TimeoutError(_) => Self::Silent,
            SdkError::ServiceError(refusal) if !refusal.raw().status().is_success() => {
                let error = refusal.err();
                let (code, words) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
                Self::of_refusal(refusal.raw().status().as_u16(), &line(code), line(words), asked)
            }
            // The body was cut short.
            SdkError::ResponseError(answer) if !answer.raw().status().is_success() => {
                Self::of_refusal(answer.raw().status().as_u16(), "", String::new(), asked)
            }
            // The SDK's own words for this are only 'unhandled error'.
            SdkError::ServiceError(answer) => asked.unreadable(answer.err().source().unwrap_or(answer.err())),
            SdkError::ResponseError(_) => asked.unreadable(error.source().unwrap_or(error)),
            // The SDK looks for credentials when it sends, so their errors arrive here.
            error => match credentials_error(error) {
                Some(CredentialsError::CredentialsNotLoaded(_)) => Self::NoCredentials,
                Some(error) => Self::Credentials(line(&credentials_chain(error))),
                // The SDK's own words for this are only 'dispatch failure'.
                None => Self::Unreachable(line(&chain(error.source().unwrap_or(error)))),
            },
        }
    }

    fn of_refusal(status: u16, code: &str, words: String, asked: Asked<'_>) -> Self {
        let Asked { cluster, region, page: _ } = asked;
        match (status, code) {
            (429, _) | (_, "ThrottlingException" | "TooManyRequestsException") => Self::Throttled,
            (500.., _) => Self::Failed(format!("{status} {code}").trim_end().to_owned()),
            (_, "ResourceNotFoundException") => {
                Self::NoCluster { cluster: cluster.clone(), region: region.to_owned() }
            }
            (_, "AccessDeniedException" | "AccessDenied") => Self::Denied { cluster: cluster.clone(), words },
            (_, "") => Self::Stranger(status),
            // The words of these quote the request with its session token.
            (401 | 403, _) => Self::NotAccepted(code.to_owned()),
            (_, "InvalidParameterException" | "InvalidRequestException") => {
                Self::Refused(format!("{status} {code}: {words}"))
            }
            // The words about an incomplete signature quote it, and others may do so too.
            _ => Self::Refused(format!("{status} {code}")),
        }
    }
}

/// The error of the credentials, wherever among the causes the SDK has put it.
fn credentials_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CredentialsError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// An error of credentials with its causes. What STS says is quoted without the request's id, which differs
/// each time, so that the same trouble has the same words.
fn credentials_chain(error: &CredentialsError) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(answer) = error.downcast_ref::<ErrorMetadata>() {
            let [code, words] = [answer.code(), answer.message()].map(Option::unwrap_or_default);
            return format!("STS refuses them with {code}: {words}");
        }
        cause = error.source();
    }
    chain(error)
}

/// The first line of a text from outside.
pub(super) fn line(text: &str) -> String {
    Line::new(text.lines().next().unwrap_or_default(), LONGEST).to_string()
}
