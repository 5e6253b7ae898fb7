use std::time::{Duration, UNIX_EPOCH};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method};

use super::*;

/// 2015-08-30T12:36:00Z.
const NOW: u64 = 1_440_938_160;
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SIGNED: &str = "content-type;host;x-amz-date";

fn verifier() -> Verifier {
    Verifier::new(AccessKey::new("AKIAEXAMPLEEXAMPLE23", "secret"), "eu-west-1")
}

/// A request as it is sent.
#[derive(Clone)]
struct Sent {
    method: Method,
    path: &'static str,
    query: Option<&'static str>,
    headers: HeaderMap,
    body: &'static [u8],
}

impl Sent {
    fn unsigned() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:4000"));
        headers.insert(DATE, HeaderValue::from_static("20150830T123600Z"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (path, query) = ("/tags/arn%3Aaws", Some("tagKeys=b&tagKeys=a"));
        Self { method: Method::POST, path, query, headers, body: b"{}" }
    }

    fn signed() -> Self {
        Self::unsigned().sign()
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    fn appended(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    /// Signed by the verifier's own key for its own scope, without `Content-Type` if that is not there.
    fn sign(self) -> Self {
        let list = if self.headers.contains_key(CONTENT_TYPE) { SIGNED } else { "host;x-amz-date" };
        self.sign_list(list)
    }

    fn sign_list(self, list: &str) -> Self {
        let scope = "20150830/eu-west-1/eks/aws4_request";
        let header = |signature: &str| {
            let credential = format!("AKIAEXAMPLEEXAMPLE23/{scope}");
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={list}, Signature={signature}")
        };
        let unsigned = self.with("authorization", &header("0"));
        let signature = {
            let authorization = Authorization::read(&unsigned.headers).unwrap();
            let hash = sha256_hex(unsigned.body);
            let signed = &authorization.signed_headers;
            let canonical = canonical::request(&unsigned.request(), signed, &hash).unwrap();
            verifier().signature(&RequestDate::read(&unsigned.headers).unwrap(), &canonical)
        };
        unsigned.with("authorization", &header(&signature))
    }

    fn request(&self) -> SignedRequest<'_> {
        let Self { method, path, query, headers, body } = self;
        SignedRequest { method, path, query: *query, headers, body }
    }

    fn verified(&self) -> Result<(), ServiceError> {
        verifier().verify(&self.request(), UNIX_EPOCH + Duration::from_secs(NOW))
    }

    fn refused(&self, name: ErrorName, message: &str) {
        let error = self.verified().unwrap_err();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.contains(message), "{error}");
    }

    /// The request with its header `Authorization` changed.
    fn authorization(self, from: &str, to: &str) -> Self {
        let header = self.headers[AUTHORIZATION].to_str().unwrap().to_owned();
        assert!(header.contains(from), "{header} has no {from}");
        self.with("authorization", &header.replace(from, to))
    }
}

#[test]
fn a_request_that_was_signed_is_taken_with_any_space_between_parameters() {
    assert_eq!(Sent::signed().verified(), Ok(()));
    for separator in [",", " ,", ",  ", " , ,"] {
        assert_eq!(Sent::signed().authorization(", ", separator).verified(), Ok(()), "{separator}");
    }
}

#[test]
fn what_was_not_signed_may_change_and_what_was_may_not() {
    let unrecognized = |sent: Sent| sent.refused(ErrorName::UnrecognizedClient, "is invalid");
    assert_eq!(Sent::signed().with("user-agent", "x").verified(), Ok(()));
    unrecognized(Sent { method: Method::PUT, ..Sent::signed() });
    unrecognized(Sent { path: "/tags/arn:aws", ..Sent::signed() });
    unrecognized(Sent { path: "/tags/arn%3aaws", ..Sent::signed() });
    unrecognized(Sent { path: "//tags/arn%3Aaws", ..Sent::signed() });
    unrecognized(Sent { query: Some("tagKeys=b&tagKeys=a&tagKeys="), ..Sent::signed() });
    unrecognized(Sent { query: None, ..Sent::signed() });
    unrecognized(Sent { body: b"{ }", ..Sent::signed() });
    unrecognized(Sent::signed().with("host", "127.0.0.1:4001"));
    unrecognized(Sent::signed().with("x-amz-date", "20150830T123601Z"));
    unrecognized(Sent::signed().appended("content-type", "text/plain"));
    assert_eq!(Sent { query: Some("tagKeys=a&tagKeys=%62"), ..Sent::signed() }.verified(), Ok(()));
}

/// RFC 9110, section 5.2: a header that is sent twice is one with a list.
#[test]
fn values_of_one_header_are_a_list() {
    let two = Sent::unsigned().with("content-type", "a").appended("content-type", " b").sign();
    assert_eq!(two.verified(), Ok(()));
    assert_eq!(two.clone().with("content-type", "a,b").verified(), Ok(()));
    for other in ["ab", "a, b", "b,a"] {
        let sent = two.clone().with("content-type", other);
        sent.refused(ErrorName::UnrecognizedClient, "is invalid");
    }
}

#[test]
fn unknown_key_and_wrong_signature_say_the_same() {
    let unknown = Sent::signed().authorization("AKIAEXAMPLEEXAMPLE23", "AKIAEXAMPLEEXAMPLE22");
    let shorter = Sent::signed().authorization("AKIAEXAMPLEEXAMPLE23", "A");
    let wrong = Sent { body: b"", ..Sent::signed() };
    let cut = Sent::signed();
    let header = cut.headers[AUTHORIZATION].to_str().unwrap().to_owned();
    let cut = cut.with("authorization", &header[..header.len() - 1]);
    let upper = header.rsplit_once('=').unwrap().1;
    let upper = Sent::signed().authorization(upper, &upper.to_uppercase());
    let error = unknown.verified().unwrap_err();
    assert_eq!(error.name, ErrorName::UnrecognizedClient);
    assert!(error.message.starts_with("The security token included in the request is invalid."), "{error}");
    for sent in [shorter, wrong, cut, upper] {
        assert_eq!(sent.verified(), Err(error.clone()));
    }
}

#[test]
fn unsigned_requests_are_told_so() {
    let unsigned = Sent::unsigned();
    unsigned.refused(ErrorName::MissingAuthenticationToken, "Missing Authentication Token");
}

#[test]
fn malformed_headers_are_told_what_they_lack() {
    for (from, to, message) in [
        ("AWS4-HMAC-SHA256 ", "Bearer ", "must be one of AWS4-HMAC-SHA256"),
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256", "must be one of AWS4-HMAC-SHA256"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "4a is not taken"),
        (", Signature=", ", Signature=0, Signature=", "'Signature' twice"),
        (", Signature=", ", Other=", "unknown parameter 'Other'"),
        (", SignedHeaders=", ", SignedHeaders", "missing equal-sign"),
        ("/aws4_request", "", "exactly 5 slash-delimited elements"),
        ("/aws4_request", "/aws4_request/x", "exactly 5 slash-delimited elements"),
        ("/aws4_request", "/aws4", "valid terminator: 'aws4_request', not 'aws4'"),
        (SIGNED, "host;content-type;x-amz-date", "in alphabetical order"),
        (SIGNED, "host;host;x-amz-date", "each header once"),
        (SIGNED, "Content-Type;host;x-amz-date", "in lower case"),
    ] {
        Sent::signed().authorization(from, to).refused(ErrorName::IncompleteSignature, message);
    }
    let all = "requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization \
               header requires 'SignedHeaders' parameter.";
    for header in ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=,SignedHeaders="] {
        Sent::signed().with("authorization", header).refused(ErrorName::IncompleteSignature, all);
    }
    let two = Sent::signed().appended("authorization", "x");
    two.refused(ErrorName::IncompleteSignature, "more than one Authorization header");
    let mut opaque = Sent::signed();
    opaque.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"AWS4-HMAC-SHA256 \xff").unwrap());
    opaque.refused(ErrorName::IncompleteSignature, "not ASCII");
}

#[test]
fn credentials_of_another_kind_are_not_quoted() {
    let error = Sent::signed().with("authorization", "Bearer hunter2").verified().unwrap_err();
    assert!(!error.message.contains("hunter2"), "{error}");
    let error = Sent::signed().with("authorization", "hunter2").verified().unwrap_err();
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[test]
fn scope_of_another_region_service_or_day_is_told_which_one_is_right() {
    for (from, to, message) in [
        ("/eu-west-1/", "/us-east-1/", "valid region: 'eu-west-1', not 'us-east-1'"),
        ("/eks/", "/sts/", "correct service: 'eks', not 'sts'"),
        ("/20150830/", "/20150829/", "'20150829' != '20150830', from '20150830T123600Z'"),
    ] {
        Sent::signed().authorization(from, to).refused(ErrorName::InvalidSignature, message);
    }
}

#[test]
fn host_and_date_must_be_signed_and_what_is_signed_must_be_there() {
    for (list, message) in [
        ("content-type;x-amz-date", "'host' must be a 'SignedHeader'"),
        ("content-type;host", "'x-amz-date' must be a 'SignedHeader'"),
        ("content-type;host;x-amz-date;x-missing", "'x-missing' is signed and was not sent"),
        ("content-type;host;no name;x-amz-date", "'no name' is signed and was not sent"),
        (";host;x-amz-date", "'' is signed and was not sent"),
    ] {
        Sent::signed().authorization(SIGNED, list).refused(ErrorName::InvalidSignature, message);
    }
}

#[test]
fn date_must_be_one_and_near() {
    let mut undated = Sent::signed();
    undated.headers.remove(DATE);
    undated.refused(ErrorName::IncompleteSignature, "requires existence of one 'X-Amz-Date'");
    let twice = Sent::signed().appended("x-amz-date", "20150830T123600Z");
    twice.refused(ErrorName::IncompleteSignature, "requires existence of one 'X-Amz-Date'");
    let other = Sent::signed().with("x-amz-date", "Sun, 30 Aug 2015");
    other.refused(ErrorName::IncompleteSignature, "'basic format'. Got 'Sun, 30 Aug 2015'");
    for seconds in [301, -301] {
        let now = UNIX_EPOCH + Duration::from_secs(NOW.checked_add_signed(seconds).unwrap());
        let error = verifier().verify(&Sent::signed().request(), now).unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidSignature, "{error}");
    }
}

#[test]
fn session_token_is_refused_whether_it_is_signed_or_not() {
    let sent = Sent::signed().with("x-amz-security-token", "token");
    sent.refused(ErrorName::UnrecognizedClient, "AWS_SESSION_TOKEN");
    let signed = Sent::unsigned().with("x-amz-security-token", "token");
    let signed = signed.sign_list("host;x-amz-date;x-amz-security-token");
    signed.refused(ErrorName::UnrecognizedClient, "AWS_SESSION_TOKEN");
}

#[test]
fn digest_that_is_declared_must_be_the_body_s() {
    let hash = sha256_hex(b"{}");
    let list = "content-type;host;x-amz-content-sha256;x-amz-date";
    let declared = |text: &str| Sent::unsigned().with("x-amz-content-sha256", text).sign_list(list);
    assert_eq!(declared(&hash).verified(), Ok(()));
    for other in ["", &hash.to_uppercase(), &sha256_hex(b"")] {
        declared(other).refused(ErrorName::InvalidSignature, "does not match what was computed");
    }
    let twice = declared(&hash).appended("x-amz-content-sha256", &sha256_hex(b""));
    twice.refused(ErrorName::InvalidSignature, "does not match what was computed");
    for other in
        ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
    {
        declared(other).refused(ErrorName::InvalidSignature, "must be signed as a whole");
    }
}

#[test]
fn presigned_requests_are_refused_with_or_without_a_header() {
    for query in
        ["X-Amz-Signature=0", "a=1&x-amz-signature=0", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Signature"]
    {
        for sent in [Sent::signed(), Sent::unsigned()] {
            let presigned = Sent { query: Some(query), ..sent };
            presigned.refused(ErrorName::IncompleteSignature, "Presigned");
        }
    }
    let named = Sent { query: Some("a=X-Amz-Signature"), ..Sent::unsigned() }.sign();
    assert_eq!(named.verified(), Ok(()));
}

/// The head has 16 KiB at most: as many names, values and pairs as fit, in the worst order.
#[test]
fn work_for_the_largest_head_is_small() {
    let mut sent = Sent::unsigned();
    let names: Vec<_> = (0..1000).map(|number| format!("a{number:03}")).collect();
    for name in &names {
        let name = HeaderName::try_from(name.as_str()).unwrap();
        sent.headers.append(name, HeaderValue::from_static("v   v"));
    }
    let list = format!("{};host;x-amz-date", names.join(";"));
    let query: Vec<_> = (0..4000).rev().map(|number| format!("{number:x}")).collect();
    sent.query = Some(query.join("&").leak());
    let sent = sent.sign_list(&list);
    let begun = std::time::Instant::now();
    assert_eq!(sent.verified(), Ok(()));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
