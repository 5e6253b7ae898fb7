//! The names in a call that are read before anything is looked up.

use super::error::{ErrorName, Quoted, ServiceError};
use crate::association::{ArnError, AssociationArn};

/// Reads the ARN of a call about tags. One of anything else is not found, because nothing else has tags here.
pub(super) fn tagged(text: &str) -> Result<AssociationArn, ServiceError> {
    AssociationArn::read(text).map_err(|error| match error {
        ArnError::NotAnArn => ErrorName::BadRequest.error(format!("'{}' is not an ARN.", Quoted(text))),
        ArnError::Other => ErrorName::NotFound.error(format!(
            "'{}' is not the ARN of a pod identity association: only these have tags here.",
            Quoted(text)
        )),
    })
}
