//! A bucket of a stand-in, which verifies signatures and knows conditions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use pod_identity_webhook::eks_endpoint::sigv4::{AccessKey, SignedRequest, Verifier};

use super::{DISCOVERY, HISTORY, ISSUER, KEYS, Key, kids, publish, serve, sorted};
use crate::support::program::Run;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Stored>,
    /// Answers that the next requests get in the place of their own.
    next: Vec<(StatusCode, &'static str, Option<&'static str>)>,
    /// What somebody else writes just before the next PUT of this path.
    meanwhile: Option<(String, Vec<u8>)>,
    /// The requests, as `METHOD PATH`.
    calls: Vec<String>,
    /// Headers of the last PUT.
    written: HeaderMap,
}

#[derive(Clone)]
struct Stored {
    bytes: Vec<u8>,
    headers: HeaderMap,
}

#[derive(Clone, Default)]
struct S3(Arc<Mutex<Bucket>>);

fn tag(bytes: &[u8]) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    format!("\"{:?}\"", digest(&SHA256, bytes)).replace("SHA256:", "")
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"))
        .into_response()
}

async fn answer(State(S3(bucket)): State<S3>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let verifier = Verifier::of_service(AccessKey::new("AKIDEXAMPLE", SECRET), "eu-west-1", "s3");
    if verifier.verify(&SignedRequest::new(&head, &body), SystemTime::now()).is_err() {
        return error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    }
    assert!(head.headers.contains_key("x-amz-content-sha256") && head.headers.contains_key(HOST));
    assert!(!head.headers.contains_key("x-amz-acl"));
    let mut bucket = bucket.lock().unwrap();
    let path = head.uri.path().to_owned();
    bucket.calls.push(format!("{} {path}", head.method));
    if let Some((status, code, region)) = bucket.next.pop() {
        let mut response = error(status, code);
        if let Some(region) = region {
            response.headers_mut().insert("x-amz-bucket-region", region.parse().unwrap());
        }
        return response;
    }
    match head.method {
        Method::GET => match bucket.objects.get(&path) {
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some(Stored { bytes, headers }) => {
                let mut response = bytes.clone().into_response();
                response.headers_mut().extend(headers.clone());
                response.headers_mut().insert(ETAG, tag(bytes).parse().unwrap());
                response
            }
        },
        Method::PUT => bucket.put(path, &head.headers, &body),
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

impl Bucket {
    fn put(&mut self, path: String, headers: &HeaderMap, body: &[u8]) -> Response {
        if let Some((_, bytes)) = self.meanwhile.take_if(|(other, _)| *other == path) {
            self.objects.insert(path.clone(), Stored { bytes, headers: kept(headers) });
        }
        let there = self.objects.get(&path).map(|stored| tag(&stored.bytes));
        let condition = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let is_met = match (condition(IF_MATCH), condition(IF_NONE_MATCH)) {
            (Some(tag), None) => there.as_ref() == Some(&tag),
            (None, Some(any)) => any == "*" && there.is_none(),
            _ => panic!("a PUT without a condition: {headers:?}"),
        };
        if !is_met {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        self.written = headers.clone();
        self.objects.insert(path, Stored { bytes: body.to_vec(), headers: kept(headers) });
        StatusCode::OK.into_response()
    }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let kept = [CONTENT_TYPE, CACHE_CONTROL].map(|name| (name.clone(), headers[name].clone()));
    kept.into_iter().collect()
}

impl S3 {
    fn start() -> (Self, String) {
        let s3 = Self::default();
        let url = serve(Router::new().fallback(answer).with_state(s3.clone()));
        (s3, url)
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        self.0.lock().unwrap().objects[&format!("/irsa/prod/{path}")].bytes.clone()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    fn next(&self, status: u16, code: &'static str, region: Option<&'static str>, times: usize) {
        let next = (StatusCode::from_u16(status).unwrap(), code, region);
        self.0.lock().unwrap().next = vec![next; times];
    }
}

fn to_s3(url: &str, flags: &[&str], secret: &str) -> Run {
    let environment = [
        ("AWS_ENDPOINT_URL_S3", url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    publish("s3://irsa/prod", flags, &environment)
}

#[test]
fn the_keys_are_written_before_the_document_each_with_a_condition_and_its_headers() {
    let ((s3, url), key) = (S3::start(), Key::ec());
    to_s3(&url, &["--keys", &key.public()], SECRET).printed();
    let calls = s3.calls();
    let puts: Vec<_> = calls.iter().filter_map(|call| call.strip_prefix("PUT /irsa/prod/")).collect();
    assert_eq!(puts, [HISTORY, KEYS, DISCOVERY], "{calls:?}");
    let headers = s3.0.lock().unwrap().written.clone();
    assert_eq!(
        (&headers[CONTENT_TYPE], &headers[CACHE_CONTROL]),
        (&"application/json".parse().unwrap(), &"public, max-age=300".parse().unwrap(),)
    );
    // Nothing is new.
    to_s3(&url, &["--keys", &key.public()], SECRET).printed();
    assert!(s3.calls().iter().all(|call| call.starts_with("GET ")));
    // How long others keep it is stored with it.
    to_s3(&url, &["--keys", &key.public(), "--max-age=1h"], SECRET).printed();
    assert_eq!(s3.0.lock().unwrap().written[CACHE_CONTROL], "public, max-age=3600");
}

#[test]
fn of_two_publishers_neither_loses_the_others_key() {
    let ((s3, url), mine, theirs) = (S3::start(), Key::ec(), Key::ec());
    to_s3(&url, &["--keys", &theirs.public()], SECRET).printed();
    let with_theirs = s3.bytes(KEYS);
    let (other, other_url) = S3::start();
    drop(to_s3(&other_url, &["--keys", &mine.public()], SECRET).printed());
    // This one has read an empty bucket when the other writes.
    other.0.lock().unwrap().objects.clear();
    other.0.lock().unwrap().meanwhile = Some((format!("/irsa/prod/{KEYS}"), with_theirs));
    to_s3(&other_url, &["--keys", &mine.public()], SECRET).printed();
    assert_eq!(kids(&other.bytes(KEYS)), sorted([&mine, &theirs]));
}

#[test]
fn what_s3_refuses_is_said_with_what_to_do() {
    let ((s3, url), key) = (S3::start(), Key::ec());
    let keys = ["--keys", &key.public()];
    for (status, code, region, said) in [
        (301, "PermanentRedirect", Some("us-east-1"), "give --region=us-east-1"),
        (400, "AuthorizationHeaderMalformed", Some("us-east-1"), "give --region=us-east-1"),
        (403, "AccessDenied", None, "s3:PutObject"),
        (404, "NoSuchBucket", None, "there is no such bucket"),
        (405, "MethodNotAllowed", None, "405 MethodNotAllowed: as the test wants it"),
    ] {
        s3.next(status, code, region, 1);
        let refused = to_s3(&url, &keys, SECRET).refused(1);
        assert!(refused.contains("s3://irsa/prod/") && refused.contains(said), "{refused}");
    }
    let refused = to_s3(&url, &keys, "another").refused(1);
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
    assert!(s3.0.lock().unwrap().objects.is_empty());
}

#[test]
fn a_bucket_that_throttles_is_asked_again() {
    let ((s3, url), key) = (S3::start(), Key::ec());
    s3.next(503, "SlowDown", None, 2);
    to_s3(&url, &["--keys", &key.public()], SECRET).printed();
    assert_eq!(kids(&s3.bytes(KEYS)), [key.kid]);
    assert!(String::from_utf8(s3.bytes(DISCOVERY)).unwrap().contains(ISSUER));
}

#[test]
fn names_that_no_bucket_has_are_refused() {
    for to in ["s3://", "s3://UPPER", "s3://irsa/a//b", "s3://irsa/../x", "gs://irsa", ""] {
        let refused = publish(to, &["--keys=none"], &[]).refused(2);
        assert!(refused.contains("--to"), "{to}: {refused}");
    }
}
