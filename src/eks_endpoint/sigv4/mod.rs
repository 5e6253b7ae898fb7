//! Verifies AWS's Signature Version 4 in the `Authorization` header, as EKS does it: a signature proves that its
//! maker has the secret of the one access key that the endpoint takes.
//!
//! The rules are those of "Create a signed AWS API request" in AWS's IAM User Guide. Nothing is decoded or
//! normalised before it is verified: what reads the request afterwards must see what was signed.

mod access_key;
mod authorization;
mod canonical;
mod date;
mod request;

use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use http::HeaderMap;

use super::error::{ErrorName, ServiceError};
use super::hash::{hex, sha256_hex};
use authorization::{ALGORITHM, Authorization, TERMINATOR};
use date::RequestDate;

pub use access_key::AccessKey;
pub use request::SignedRequest;

/// The name under which requests to EKS are signed.
const SERVICE: &str = "eks";

const SECURITY_TOKEN: &str = "x-amz-security-token";
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Query parameters of a presigned request. Either of them makes it one.
const PRESIGNED: [&str; 2] = ["X-Amz-Signature", "X-Amz-Algorithm"];

/// Verifies requests for one service in one region, signed with one access key.
#[derive(Debug, Clone)]
pub struct Verifier {
    access_key: AccessKey,
    region: Box<str>,
    service: Box<str>,
}

impl Verifier {
    /// Takes what is signed for EKS in a region.
    #[must_use]
    pub fn new(access_key: AccessKey, region: &str) -> Self {
        Self::of_service(access_key, region, SERVICE)
    }

    /// Takes what is signed for another service: the requests that AWS publishes for tests are.
    #[must_use]
    pub fn of_service(access_key: AccessKey, region: &str, service: &str) -> Self {
        Self { access_key, region: region.into(), service: service.into() }
    }

    /// Refuses a request that was not signed with the access key, for this service and region, within five minutes
    /// of `now`, as a whole. Nothing of a request that is refused may be used.
    ///
    /// An unknown key and a wrong signature take as long and say the same: nobody learns which of the two it was.
    ///
    /// # Errors
    /// The error to answer with, under AWS's name. Trying again changes nothing, but for a clock that is set.
    pub fn verify(&self, request: &SignedRequest<'_>, now: SystemTime) -> Result<(), ServiceError> {
        refuse_presigned(request.query)?;
        let authorization = Authorization::read(request.headers)?;
        refuse_session(request.headers)?;
        let date = RequestDate::read(request.headers)?;
        authorization.scope.check(&self.region, &self.service, &date)?;
        date.check(now)?;
        let payload = payload_hash(request)?;
        let canonical = canonical::request(request, &authorization.signed_headers, &payload)?;
        let expected = self.signature(&date, &canonical);
        let signature_fits = are_equal(&expected, authorization.signature);
        let key_fits = are_equal(self.access_key.id(), authorization.access_key_id);
        // Not `&&`: both are looked at in either case.
        if signature_fits & key_fits { Ok(()) } else { Err(unrecognized()) }
    }

    /// The signature that the request must have.
    fn signature(&self, date: &RequestDate<'_>, canonical: &[u8]) -> String {
        let Self { access_key, region, service } = self;
        let day = date.day();
        let text = format!(
            "{ALGORITHM}\n{date}\n{day}/{region}/{service}/{TERMINATOR}\n{}",
            sha256_hex(canonical),
            date = date.text(),
        );
        let secret = format!("AWS4{}", access_key.secret());
        let key = hmac_sha256(secret.as_bytes(), day.as_bytes());
        let key = hmac_sha256(key.as_ref(), region.as_bytes());
        let key = hmac_sha256(key.as_ref(), service.as_bytes());
        let key = hmac_sha256(key.as_ref(), TERMINATOR.as_bytes());
        hex(hmac_sha256(key.as_ref(), text.as_bytes()).as_ref())
    }
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

/// Whether two texts are the same, in a time that depends on their length alone.
fn are_equal(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

/// The one answer to an unknown key and to a wrong signature. AWS has a name for each: this is the one of what is
/// far likelier here, the user's own keys of AWS in place of those that the endpoint printed.
fn unrecognized() -> ServiceError {
    ErrorName::UnrecognizedClient.error(
        "The security token included in the request is invalid. Either the access key is not the one that this \
         endpoint was started with, or the signature was not made with that key for this request.",
    )
}

/// No client presigns requests to EKS; a URL that carries its own signature is easily passed on.
fn refuse_presigned(query: Option<&str>) -> Result<(), ServiceError> {
    let is_presigned = |pair: &str| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        PRESIGNED.iter().any(|presigned| name.eq_ignore_ascii_case(presigned))
    };
    if query.unwrap_or_default().split('&').any(is_presigned) {
        let message = "Presigned requests are not taken: sign with the Authorization header.";
        return Err(ErrorName::IncompleteSignature.error(message));
    }
    Ok(())
}

/// The access key is not a session's, so that no session token can be right. The request is refused before its
/// signature is looked at: it is the commonest mistake, a variable of another login that is still set.
fn refuse_session(headers: &HeaderMap) -> Result<(), ServiceError> {
    if headers.contains_key(SECURITY_TOKEN) {
        let message = "The security token included in the request is invalid. The access key of this endpoint has no \
                       session token: unset AWS_SESSION_TOKEN.";
        return Err(ErrorName::UnrecognizedClient.error(message));
    }
    Ok(())
}

/// The digest of the body, which must be the one that the request declares, if it declares any.
fn payload_hash(request: &SignedRequest<'_>) -> Result<String, ServiceError> {
    let hash = sha256_hex(request.body);
    for declared in request.headers.get_all(CONTENT_SHA256) {
        let declared = declared.as_bytes();
        let message = if declared == b"UNSIGNED-PAYLOAD" || declared.starts_with(b"STREAMING-") {
            "The body must be signed as a whole: X-Amz-Content-Sha256 must be its digest."
        } else if declared != hash.as_bytes() {
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        } else {
            continue;
        };
        return Err(ErrorName::InvalidSignature.error(message));
    }
    Ok(hash)
}

#[cfg(test)]
mod tests;
