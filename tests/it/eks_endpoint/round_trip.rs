//! Requests of any kind, signed by AWS's own signer with the headers that each of the clients signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::Method;
use pod_identity_webhook::eks_endpoint::sigv4::{AccessKey, Verifier};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::published::Request;

const REGION: &str = "eu-west-1";
const ID: &str = "AKIAEXAMPLEEXAMPLE23";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Which headers are signed besides `host` and `x-amz-date`.
#[derive(Debug, Clone, Copy)]
enum Client {
    /// AWS CLI and boto3: the body's type, if there is a body.
    Python,
    /// The SDK for Go: what names the attempt, and the body's length.
    Go,
    /// The SDK for JavaScript: its own name and the body's digest.
    JavaScript,
    /// Some other one, with headers of any values.
    Other,
}

impl Client {
    fn headers(self, body: &[u8], values: &[String]) -> Vec<(String, String)> {
        let has_body = !body.is_empty();
        let of_body = |name: &str, value: String| has_body.then(|| (name.to_owned(), value));
        let length = of_body("content-length", body.len().to_string());
        let kind = of_body("content-type", "application/json".to_owned());
        let attempt = [
            ("amz-sdk-invocation-id", "b5b5b5b5-0000-4000-8000-000000000000"),
            ("amz-sdk-request", "attempt=1; max=3"),
        ];
        let attempt = attempt.map(|(name, value)| (name.to_owned(), value.to_owned()));
        match self {
            Self::Python => kind.into_iter().collect(),
            Self::Go => attempt.into_iter().chain(length).chain(kind).collect(),
            Self::JavaScript => {
                let name = ("x-amz-user-agent".to_owned(), "aws-sdk-js/3.1174.0".to_owned());
                attempt.into_iter().chain(length).chain(kind).chain([name]).collect()
            }
            // The same name twice is one header with two values.
            Self::Other => {
                values.iter().map(|value| ("x-other".to_owned(), value.clone())).chain(kind).collect()
            }
        }
    }

    fn payload(self) -> PayloadChecksumKind {
        match self {
            Self::Python | Self::Go => PayloadChecksumKind::NoHeader,
            Self::JavaScript | Self::Other => PayloadChecksumKind::XAmzSha256,
        }
    }
}

/// The request, signed by AWS's signer.
fn signed(mut request: Request, client: Client, date: SystemTime) -> Request {
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = client.payload();
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let credentials =
        Credentials::builder().access_key_id(ID).secret_access_key(SECRET).provider_name("test");
    let identity = credentials.build().into();
    let params = SigningParams::builder().identity(&identity).region(REGION).name("eks");
    let params = params.time(date).settings(settings).build().unwrap().into();
    let query = request.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
    let uri = format!("http://127.0.0.1:4000{}{query}", request.path);
    request.headers.push(("host".to_owned(), "127.0.0.1:4000".to_owned()));
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Bytes(&request.body);
    let signable = SignableRequest::new(request.method.as_str(), uri, headers, body).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let (added, _) = instructions.into_parts();
    let added = added.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
    request.headers.extend(added);
    request.headers.push(("user-agent".to_owned(), "not signed".to_owned()));
    request
}

fn method() -> impl Strategy<Value = Method> {
    select(vec![Method::GET, Method::POST, Method::DELETE])
}

/// A path of which each segment is encoded by another client, or not at all.
fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        "[A-Za-z0-9._~-]{0,9}",
        "([a-z]|%[0-9A-F]{2}|%[0-9a-f]{2}){0,9}",
        "[a-z:@+,;=!$'()*]{0,9}"
    ];
    prop::collection::vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// A query as clients write it: with escapes for all that is reserved, in any order, names repeated.
fn query() -> impl Strategy<Value = Option<String>> {
    let text = || "([a-cA-C0-9._~-]|%2[0-9A-Fa-f]|%[Cc]3%[Aa]9|[:@/,*!]){0,6}";
    let pair = prop_oneof![text(), (text(), text()).prop_map(|(name, value)| format!("{name}={value}"))];
    prop::option::of(prop::collection::vec(pair, 0..6).prop_map(|pairs| pairs.join("&")))
}

fn request() -> impl Strategy<Value = (Request, Client)> {
    let client = select(vec![Client::Python, Client::Go, Client::JavaScript, Client::Other]);
    let values = prop::collection::vec("[ -~]{0,12}", 1..4);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    (method(), path(), query(), body, client, values).prop_map(
        |(method, path, query, body, client, values)| {
            let headers = client.headers(&body, &values);
            (Request { method, path, query, headers, body }, client)
        },
    )
}

/// What is changed of a request after it was signed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Method,
    Path,
    Query,
    Body,
    Header,
}

impl Change {
    fn apply(self, request: &mut Request, index: Index) {
        match self {
            Self::Method => request.method = Method::PUT,
            Self::Path => request.path.insert(1 + index.index(request.path.len()), '0'),
            Self::Query => {
                let query = request.query.get_or_insert_default();
                query.push_str("&0");
            }
            Self::Body => request.body.insert(index.index(request.body.len() + 1), b'0'),
            Self::Header => {
                let signed = request.headers.iter_mut().filter(|(name, _)| name != "user-agent");
                let mut signed: Vec<_> = signed.collect();
                let index = index.index(signed.len());
                signed[index].1.push('0');
            }
        }
    }
}

fn date() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

fn verifier() -> Verifier {
    Verifier::new(AccessKey::new(ID, SECRET), REGION)
}

proptest! {
    #[test]
    fn what_aws_s_signer_signs_is_taken((request, client) in request(), skew in -300..=300_i64) {
        let now = if skew < 0 { date() - Duration::from_secs(skew.unsigned_abs()) } else { date() + Duration::from_secs(skew.unsigned_abs()) };
        let request = signed(request, client, date());
        prop_assert_eq!(request.verified(&verifier(), now), Ok(()), "{:?}", request);
    }

    #[test]
    fn what_was_changed_after_it_was_signed_is_refused(
        (request, client) in request(),
        change in select(vec![Change::Method, Change::Path, Change::Query, Change::Body, Change::Header]),
        index in any::<Index>(),
    ) {
        let mut request = signed(request, client, date());
        change.apply(&mut request, index);
        prop_assert!(request.verified(&verifier(), date()).is_err(), "{:?}", request);
    }

    #[test]
    fn another_key_region_or_moment_is_refused((request, client) in request(), which in 0..4) {
        let request = signed(request, client, date());
        let (id, secret, region, now) = match which {
            0 => ("AKIAEXAMPLEEXAMPLE22", SECRET, REGION, date()),
            1 => (ID, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ", REGION, date()),
            2 => (ID, SECRET, "eu-west-2", date()),
            _ => (ID, SECRET, REGION, date() + Duration::from_secs(301)),
        };
        let verifier = Verifier::new(AccessKey::new(id, secret), region);
        prop_assert!(request.verified(&verifier, now).is_err());
    }
}
