//! Verifies a request's AWS Signature Version 4, as it stands in the `Authorization` header.
//!
//! Written from the IAM guide ("Create a signed AWS API request"), not with the SDK's own signer: the
//! SDKs are what is tested.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest, hmac};
use hyper::HeaderMap;
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::refusal::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the client's clock may be off.
const WINDOW_SECONDS: i64 = 900;

/// What a signature covers.
#[derive(Debug)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// What follows the question mark, as sent.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// The `Authorization` header, taken apart.
#[derive(Debug)]
pub struct Authorization<'a> {
    /// The access key that signed.
    pub access_key_id: &'a str,
    /// The region that the signature is for.
    pub region: &'a str,
    date: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads the header; without one the signature is missing, not incomplete.
    pub fn parse(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let header = header(headers, "authorization").ok_or(Refusal::MissingAuthentication)?;
        let parts =
            header.strip_prefix(ALGORITHM).ok_or_else(|| incomplete("an algorithm other than", ALGORITHM))?;
        let find = |name| {
            parts
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .ok_or_else(|| incomplete("no", name))
        };
        let scope: Vec<_> = find("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = scope[..] else {
            return Err(incomplete("no scope in", "Credential"));
        };
        Ok(Self {
            access_key_id,
            region,
            date,
            service,
            signed_headers: find("SignedHeaders")?.split(';').collect(),
            signature: find("Signature")?,
        })
    }

    /// Whether the secret made this signature of this request, lately, for this service.
    pub fn verify(
        &self,
        request: &Request<'_>,
        service: &str,
        secret: &str,
        now: i64,
    ) -> Result<(), Refusal> {
        if self.service != service {
            return Err(mismatch(&format!("Credential should be scoped to correct service: '{service}'.")));
        }
        self.check_signed_headers(request.headers)?;
        let timestamp = header(request.headers, "x-amz-date").unwrap_or_default();
        self.check_time(timestamp, now)?;
        let expected = self.sign(request, timestamp, secret)?;
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes()).map_err(|_| {
            mismatch("The request signature we calculated does not match the signature you provided.")
        })
    }

    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let must = |name: &str| name == "host" || name.starts_with("x-amz-");
        let mut names = headers.keys().map(hyper::header::HeaderName::as_str).filter(|name| must(name));
        match names.find(|name| !self.signed_headers.contains(name)) {
            Some(name) => Err(mismatch(&format!("'{name}' must be a signed header"))),
            None if self.signed_headers.contains(&"host") => Ok(()),
            None => Err(mismatch("'host' must be a signed header")),
        }
    }

    fn check_time(&self, timestamp: &str, now: i64) -> Result<(), Refusal> {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let time = PrimitiveDateTime::parse(timestamp, format)
            .map_err(|_| incomplete("no time in", "X-Amz-Date"))?
            .assume_utc()
            .unix_timestamp();
        if !timestamp.starts_with(self.date) || self.date.len() != 8 {
            return Err(mismatch("Date in Credential scope does not match X-Amz-Date."));
        }
        if (now - time).abs() > WINDOW_SECONDS {
            return Err(mismatch(&format!("Signature expired: {timestamp} is too far from now")));
        }
        Ok(())
    }

    fn sign(&self, request: &Request<'_>, timestamp: &str, secret: &str) -> Result<String, Refusal> {
        let Self { date, region, service, .. } = self;
        let canonical = hex(digest::digest(&digest::SHA256, self.canonical(request)?.as_bytes()).as_ref());
        let to_sign =
            format!("{ALGORITHM}\n{timestamp}\n{date}/{region}/{service}/aws4_request\n{canonical}");
        let steps = [*date, *region, *service, "aws4_request", &to_sign];
        let signature = steps
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, text| hmac_sha256(&key, text.as_bytes()));
        Ok(hex(&signature))
    }

    fn canonical(&self, request: &Request<'_>) -> Result<String, Refusal> {
        let path = if self.service == "s3" { request.path.to_owned() } else { canonical_path(request.path) };
        let query = canonical_query(request.query);
        let mut text = format!("{}\n{path}\n{query}\n", request.method);
        for name in &self.signed_headers {
            let values: Result<Vec<_>, _> =
                request.headers.get_all(*name).iter().map(|value| value.to_str()).collect();
            let values = values.map_err(|_| mismatch(&format!("'{name}' is not ASCII")))?;
            if values.is_empty() {
                return Err(mismatch(&format!("'{name}' is signed and absent")));
            }
            let values: Vec<_> = values.into_iter().map(single_spaced).collect();
            text.extend([name, ":", &values.join(","), "\n"]);
        }
        let body = hex(digest::digest(&digest::SHA256, request.body).as_ref());
        text.extend(["\n", &self.signed_headers.join(";"), "\n", &body]);
        Ok(text)
    }
}

/// A header's first value.
#[must_use]
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The path as sent, its segments encoded once more, as all services but S3 want it. S3's is signed as sent.
fn canonical_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// The query's parameters, decoded, encoded anew and sorted.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").unwrap_or_default(),
        }
        encoded
    })
}

fn single_spaced(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

fn incomplete(what: &str, name: &str) -> Refusal {
    Refusal::IncompleteSignature(format!("Authorization header has {what} {name}"))
}

fn mismatch(message: &str) -> Refusal {
    Refusal::SignatureMismatch(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The key, request and signature that AWS publishes in its guide to Signature Version 4.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const PUBLISHED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                             SignedHeaders=content-type;host;x-amz-date, \
                             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    const TIME: i64 = 1_440_938_160;

    fn headers(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", PUBLISHED),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ]
        .iter()
        .chain(changes)
        {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn request(headers: &HeaderMap) -> Request<'_> {
        Request { method: "GET", path: "/", query: "Version=2010-05-08&Action=ListUsers", headers, body: b"" }
    }

    /// The published example for the service `sts`, signed here.
    fn verify(
        change: impl FnOnce(&mut Request<'_>),
        changes: &[(&'static str, &str)],
        now: i64,
    ) -> &'static str {
        let scoped = PUBLISHED.replace("/iam/", "/sts/");
        let headers_before = headers(&[("authorization", &scoped)]);
        let authorization = Authorization::parse(&headers_before).unwrap();
        let signature = authorization.sign(&request(&headers_before), "20150830T123600Z", SECRET).unwrap();
        let signed = scoped.replace(authorization.signature, &signature);
        let headers: HeaderMap = {
            let mut all = vec![("authorization", signed.as_str())];
            all.extend(changes);
            headers(&all)
        };
        let mut request = request(&headers);
        change(&mut request);
        let authorization = Authorization::parse(&headers).unwrap();
        authorization.verify(&request, "sts", SECRET, now).map_or_else(|refusal| refusal.code(), |()| "")
    }

    #[test]
    fn makes_the_published_signature() {
        let headers = headers(&[]);
        let authorization = Authorization::parse(&headers).unwrap();
        let signature = authorization.sign(&request(&headers), "20150830T123600Z", SECRET).unwrap();
        assert_eq!(signature, authorization.signature);
    }

    #[test]
    fn takes_the_signed_request_and_no_other() {
        assert_eq!(verify(|_| {}, &[], TIME), "");
        let refused = "SignatureDoesNotMatch";
        assert_eq!(verify(|request| request.method = "POST", &[], TIME), refused);
        assert_eq!(verify(|request| request.body = b"x", &[], TIME), refused);
        assert_eq!(verify(|request| request.query = "Action=DeleteUser", &[], TIME), refused);
        assert_eq!(verify(|_| {}, &[("host", "other.amazonaws.com")], TIME), refused);
        assert_eq!(verify(|_| {}, &[("x-amz-target", "unsigned")], TIME), refused);
    }

    #[test]
    fn takes_it_for_a_quarter_of_an_hour() {
        assert_eq!(verify(|_| {}, &[], TIME + 900), "");
        assert_eq!(verify(|_| {}, &[], TIME + 901), "SignatureDoesNotMatch");
        assert_eq!(verify(|_| {}, &[], TIME - 901), "SignatureDoesNotMatch");
        assert_eq!(
            verify(|_| {}, &[("x-amz-date", "20150831T123600Z")], TIME + 86_400),
            "SignatureDoesNotMatch"
        );
        assert_eq!(verify(|_| {}, &[("x-amz-date", "yesterday")], TIME), "IncompleteSignature");
    }

    #[test]
    fn refuses_another_services_signature() {
        let headers = headers(&[]);
        let authorization = Authorization::parse(&headers).unwrap();
        let verify = |service| authorization.verify(&request(&headers), service, SECRET, TIME);
        assert_eq!(verify("iam"), Ok(()));
        for service in ["sts", "eks-auth"] {
            assert_eq!(verify(service).unwrap_err().code(), "SignatureDoesNotMatch", "{service}");
        }
    }

    #[test]
    fn encodes_a_path_once_more() {
        assert_eq!(canonical_path("/"), "/");
        assert_eq!(canonical_path("/clusters/one-1_a/x"), "/clusters/one-1_a/x");
        assert_eq!(canonical_path("/clusters/a%20b"), "/clusters/a%2520b");
    }

    #[test]
    fn tells_an_incomplete_header_from_none() {
        let code = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", text.parse().unwrap());
            Authorization::parse(&headers).unwrap_err().code()
        };
        assert_eq!(Authorization::parse(&HeaderMap::new()).unwrap_err().code(), "MissingAuthenticationToken");
        for text in ["Bearer x", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x"] {
            assert_eq!(code(text), "IncompleteSignature", "{text}");
        }
        for part in ["Credential", "SignedHeaders", "Signature"] {
            assert_eq!(
                code(&PUBLISHED.replace(&format!("{part}="), "Other=")),
                "IncompleteSignature",
                "{part}"
            );
        }
    }
}
