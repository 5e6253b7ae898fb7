//! The `Authorization` header taken apart. What it says is believed only once the signature was verified.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::date::RequestDate;
use crate::eks_endpoint::error::{ErrorName, Quoted, ServiceError};

/// The one algorithm that is taken.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The end of every scope.
pub(super) const TERMINATOR: &str = "aws4_request";

/// How the algorithms of Signature Version 4a begin, which sign with a key pair for several regions.
const ASYMMETRIC: &str = "AWS4-ECDSA-";

/// The headers without whose signature a request could be sent to another host, or at another time.
const REQUIRED: [&str; 2] = ["host", "x-amz-date"];

/// What the header says.
#[derive(Debug)]
pub(super) struct Authorization<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) scope: CredentialScope<'a>,
    pub(super) signed_headers: SignedHeaders<'a>,
    pub(super) signature: &'a str,
}

/// What the key was derived for.
#[derive(Debug)]
pub(super) struct CredentialScope<'a> {
    day: &'a str,
    region: &'a str,
    service: &'a str,
}

/// The names of the headers that are signed: in lower case, in order and each once, so that the work for them
/// grows with the request and not with the list.
#[derive(Debug)]
pub(super) struct SignedHeaders<'a>(&'a str);

impl<'a> Authorization<'a> {
    /// Reads the header of a request, which must have one.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, ServiceError> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let Some(header) = sent.next() else {
            return Err(ErrorName::MissingAuthenticationToken.error("Missing Authentication Token"));
        };
        if sent.next().is_some() {
            return Err(incomplete("The request has more than one Authorization header."));
        }
        let header = header.to_str().map_err(|_| incomplete("The Authorization header is not ASCII."))?;
        let (algorithm, parameters) = header.split_once(' ').unwrap_or((header, ""));
        if algorithm.starts_with(ASYMMETRIC) {
            let message = format!("Signature Version 4a is not taken for EKS: sign with {ALGORITHM}.");
            return Err(incomplete(message));
        }
        if algorithm != ALGORITHM {
            // It is not quoted: it may be the password or the token of something else.
            return Err(incomplete(format!("The Authorization header must be one of {ALGORITHM}.")));
        }
        let Parameters { credential, signed_headers, signature } = Parameters::read(parameters)?;
        let (access_key_id, scope) = CredentialScope::read(credential)?;
        Ok(Self { access_key_id, scope, signed_headers: SignedHeaders::read(signed_headers)?, signature })
    }
}

/// The three parameters of the header.
struct Parameters<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Parameters<'a> {
    fn read(text: &'a str) -> Result<Self, ServiceError> {
        let [mut credential, mut signed_headers, mut signature] = [""; 3];
        for parameter in text.split(',').map(str::trim_ascii).filter(|parameter| !parameter.is_empty()) {
            let Some((name, value)) = parameter.split_once('=') else {
                return Err(incomplete(
                    "The Authorization header has a parameter that is not a key=value pair (missing equal-sign).",
                ));
            };
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => {
                    let message =
                        format!("Authorization header has the unknown parameter '{}'.", Quoted(name));
                    return Err(incomplete(message));
                }
            };
            if !place.is_empty() {
                return Err(incomplete(format!("Authorization header has the parameter '{name}' twice.")));
            }
            *place = value;
        }
        let all = [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)];
        let missing = all.iter().filter(|(_, value)| value.is_empty());
        let missing: Vec<_> =
            missing.map(|(name, _)| format!("Authorization header requires '{name}' parameter.")).collect();
        if !missing.is_empty() {
            return Err(incomplete(missing.join(" ")));
        }
        Ok(Self { credential, signed_headers, signature })
    }
}

impl<'a> CredentialScope<'a> {
    /// Reads the parameter `Credential`: the key's id, and the scope.
    fn read(credential: &'a str) -> Result<(&'a str, Self), ServiceError> {
        let mut parts = credential.split('/');
        let all = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(id), Some(day), Some(region), Some(service), Some(terminator), None) = all else {
            let message = format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{}'.",
                Quoted(credential),
            );
            return Err(incomplete(message));
        };
        if terminator != TERMINATOR {
            let message = format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                Quoted(terminator),
            );
            return Err(incomplete(message));
        }
        Ok((id, Self { day, region, service }))
    }

    /// Refuses what was signed for something else, and says what to sign for.
    pub(super) fn check(
        &self,
        region: &str,
        service: &str,
        date: &RequestDate<'_>,
    ) -> Result<(), ServiceError> {
        let message = if self.region != region {
            format!(
                "Credential should be scoped to a valid region: '{region}', not '{}'. Configure the client with this \
                 endpoint's region.",
                Quoted(self.region),
            )
        } else if self.service != service {
            format!(
                "Credential should be scoped to correct service: '{service}', not '{}'.",
                Quoted(self.service)
            )
        } else if self.day != date.day() {
            format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{}', from '{}'.",
                Quoted(self.day),
                date.day(),
                date.text(),
            )
        } else {
            return Ok(());
        };
        Err(ErrorName::InvalidSignature.error(message))
    }
}

impl<'a> SignedHeaders<'a> {
    /// Reads the parameter `SignedHeaders`.
    fn read(list: &'a str) -> Result<Self, ServiceError> {
        let signed = Self(list);
        let is_sorted = signed.names().is_sorted_by(|one, next| one < next);
        if !is_sorted || signed.names().any(|name| name.bytes().any(|c| c.is_ascii_uppercase())) {
            let message =
                "SignedHeaders must name each header once, in lower case and in alphabetical order.";
            return Err(incomplete(message));
        }
        for required in REQUIRED {
            if !signed.names().any(|name| name == required) {
                let message = format!("'{required}' must be a 'SignedHeader' in the AWS Authorization.");
                return Err(ErrorName::InvalidSignature.error(message));
            }
        }
        Ok(signed)
    }

    /// The list as it was sent.
    pub(super) fn as_str(&self) -> &'a str {
        self.0
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.split(';')
    }
}

/// The signature does not have the form of one.
fn incomplete(message: impl Into<String>) -> ServiceError {
    ErrorName::IncompleteSignature.error(message)
}
