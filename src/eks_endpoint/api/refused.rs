//! What the API server's refusals are in AWS's terms: by name, so that SDKs try again what may pass, and nothing else.

use crate::association::{StoreError, Violation, Why};
use crate::eks_endpoint::error::{ErrorName, ServiceError};

/// The error for a refusal of the store.
pub(super) fn refused(error: StoreError) -> ServiceError {
    let StoreError { why, mut message } = error;
    if why == Why::NoNamespace {
        message.push_str(": an association is kept in its namespace, which has to exist");
    }
    let name = match why {
        Why::Forbidden => ErrorName::AccessDenied,
        Why::Undefined => ErrorName::InvalidRequest,
        // Unlike EKS: an object is kept in its namespace.
        Why::NoNamespace | Why::Invalid => ErrorName::InvalidParameter,
        Why::Busy => ErrorName::Throttling,
        Why::Changed | Why::Unavailable => ErrorName::ServiceUnavailable,
    };
    name.error(message)
}

/// The error for a rule that is not kept.
pub(super) fn violated(violation: &Violation) -> ServiceError {
    ErrorName::InvalidParameter.error(violation.to_string())
}

/// The same error as calls about tags name it.
pub(super) fn of_tags(error: ServiceError) -> ServiceError {
    let name = match error.name {
        ErrorName::ResourceNotFound => ErrorName::NotFound,
        ErrorName::InvalidParameter | ErrorName::InvalidRequest => ErrorName::BadRequest,
        other => other,
    };
    ServiceError { name, cluster: None, ..error }
}
