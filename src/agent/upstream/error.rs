//! What AWS says when it gives no credentials, and what that means to a pod.

use std::error::Error;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use injection::text::Line;

use crate::agent::failure::Failure;
use crate::agent::failure::FailureKind::{self, Passing, Refused, Throttled};
use crate::kubernetes::chain;

/// The longest text of AWS that is passed on, in characters.
const LONGEST: usize = 500;

/// An error's code, and what to do about it.
struct Rule {
    code: &'static str,
    kind: FailureKind,
    hint: &'static str,
}

/// STS' and EKS Auth's errors. Only what decides against the pod is refused: what is not among them, such as a wrong clock
/// of the node, its own credentials or a proxy between, takes no credentials that are held.
const RULES: [Rule; 17] = [
    Rule { code: "IDPCommunicationError", kind: Passing, hint: "STS could not reach the cluster's issuer" },
    Rule {
        code: "InvalidIdentityToken",
        // STS says so too where it could not fetch the issuer's keys; AWS's SDK for Go tries it again.
        kind: Passing,
        hint: "is the cluster's issuer an identity provider in IAM, with this audience as a client id, and are its keys published?",
    },
    // The token's time is over, of which the node's clock need not know; the pod's next one may be good.
    Rule { code: "ExpiredTokenException", kind: Passing, hint: "" },
    Rule { code: "IDPRejectedClaim", kind: Refused, hint: "" },
    Rule {
        code: "AccessDenied",
        kind: Refused,
        hint: "does the role's trust policy allow the ServiceAccount, and did it a minute ago?",
    },
    Rule { code: "MalformedPolicyDocument", kind: Refused, hint: "the association's policy is wrong" },
    Rule { code: "PackedPolicyTooLarge", kind: Refused, hint: "the association's policy is too long" },
    Rule { code: "RegionDisabledException", kind: Refused, hint: "STS is not active in this region" },
    Rule { code: "ValidationError", kind: Refused, hint: "" },
    Rule { code: "Throttling", kind: Throttled, hint: "" },
    Rule { code: "ThrottlingException", kind: Throttled, hint: "" },
    Rule { code: "ResourceNotFoundException", kind: Refused, hint: "" },
    Rule { code: "InternalServerException", kind: Passing, hint: "" },
    Rule { code: "ServiceUnavailableException", kind: Passing, hint: "" },
    Rule {
        code: "AccessDeniedException",
        kind: Refused,
        hint: "does the node's role allow eks-auth:AssumeRoleForPodIdentity?",
    },
    Rule { code: "InvalidTokenException", kind: Refused, hint: "" },
    Rule { code: "InvalidRequestException", kind: Refused, hint: "" },
];

/// The failure that an error of AWS is to a pod. Its text holds what AWS says, and no request.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + RequestId + Error + 'static,
{
    let Some(service) = error.as_service_error() else {
        let status = if matches!(error, SdkError::TimeoutError(_)) { 504 } else { 500 };
        let why = Line::new(&chain(error), LONGEST).to_string();
        return Failure::passing(status, format!("AWS could not be asked: {why}"));
    };
    let status = error.raw_response().map_or(500, |response| response.status().as_u16());
    let code = service.code().unwrap_or("Unknown");
    let rule = RULES.iter().find(|rule| rule.code == code);
    let kind = rule.map_or(if status == 429 { Throttled } else { Passing }, |rule| rule.kind);
    let fault = if status >= 500 { "server" } else { "client" };
    let message = Line::new(service.message().unwrap_or_default(), LONGEST).to_string();
    let hint = rule.map(|rule| rule.hint).filter(|hint| !hint.is_empty());
    let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let id = service.request_id().unwrap_or("no request id");
    let code = Line::new(code, LONGEST).to_string();
    let text = format!("[{id}]: ({code}): {message}{hint}, fault: {fault}");
    Failure { status, text: text.into(), kind, code: code.into() }
}
