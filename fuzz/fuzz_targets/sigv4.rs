//! Any request: no signature is right without the key, whether the text is a whole request or only what a
//! well-formed signature is of; and whatever is refused is told on one short line.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::eks_endpoint::error::{ErrorName, ServiceError};
use pod_identity_webhook::eks_endpoint::sigv4::{AccessKey, SignedRequest, Verifier};

const ID: &str = "AKIAEXAMPLEEXAMPLE23";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");

fuzz_target!(|bytes: &[u8]| {
    let verifier = Verifier::new(AccessKey::new(ID, "secret"), "eu-west-1");
    // A line with method, path and query, lines of headers, and after an empty one the body.
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Ok(line) = std::str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let (method, uri) = line.split_once(' ').unwrap_or(("GET", line));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    let mut headers = HeaderMap::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = HeaderValue::from_bytes(value.strip_prefix(b":").unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            headers.append(name, value);
        }
    }
    let body = lines.collect::<Vec<_>>().join(&b'\n');
    let request = SignedRequest { method: &method, path, query, headers: &headers, body: &body };
    refused(&verifier.verify(&request, now()).unwrap_err());

    let mut headers = headers.clone();
    headers.remove("x-amz-security-token");
    headers.remove("x-amz-content-sha256");
    headers.insert(HOST, HeaderValue::from_static("127.0.0.1:4000"));
    headers.insert(DATE, HeaderValue::from_static("20150830T123600Z"));
    headers.remove(AUTHORIZATION);
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ID}/20150830/eu-west-1/eks/aws4_request, SignedHeaders={}, Signature={}",
        names.join(";"),
        "0".repeat(64),
    );
    headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization).unwrap());
    let error = verifier.verify(&SignedRequest { headers: &headers, ..request }, now()).unwrap_err();
    refused(&error);
    // Nothing is wrong with it but the signature, or where it is.
    let is_presigned = error.name == ErrorName::IncompleteSignature && error.message.starts_with("Presigned");
    assert!(error.name == ErrorName::UnrecognizedClient || is_presigned, "{error}");
});

/// When the second request was signed.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn refused(error: &ServiceError) {
    assert_eq!(error.name.status().as_u16(), 403);
    assert!(error.message.chars().count() < 400 && !error.message.contains(char::is_control), "{error:?}");
}
