//! The test suite for Signature Version 4 that AWS publishes, read where cargo has unpacked the crate `aws-sigv4`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::tz::Offset;
use pod_identity_webhook::eks_endpoint::error::ServiceError;
use pod_identity_webhook::eks_endpoint::sigv4::{AccessKey, SignedRequest, Verifier};
use serde_json::Value;

const CRATE: &str = "aws-sigv4";

/// One request of the suite, and who signed it when and for what.
pub struct Case {
    pub request: Request,
    pub verifier: Verifier,
    pub date: SystemTime,
}

/// A request as the suite says that it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    /// In the order in which they are sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Case {
    /// Reads a case. Those that do not say how they were signed are read as signed with the key of the others, for
    /// what they say themselves.
    pub fn read(folder: &Path) -> Self {
        let request = Request::read(folder);
        let [_, _, region, service, _] = *request.credential().split('/').collect::<Vec<_>>() else {
            panic!()
        };
        let context = [folder.to_owned(), folder.with_file_name("get-vanilla")];
        let context =
            context.iter().find_map(|folder| std::fs::read(folder.join("context.json")).ok()).unwrap();
        let context: Value = serde_json::from_slice(&context).unwrap();
        let text = |pointer| context.pointer(pointer).and_then(Value::as_str).unwrap();
        let key = AccessKey::new(text("/credentials/access_key_id"), text("/credentials/secret_access_key"));
        let date = DateTime::strptime("%Y%m%dT%H%M%SZ", request.header("x-amz-date")).unwrap();
        let date = Offset::UTC.to_timestamp(date).unwrap().as_second().unsigned_abs();
        Self {
            verifier: Verifier::of_service(key, region, service),
            date: UNIX_EPOCH + Duration::from_secs(date),
            request,
        }
    }

    /// Whether the verifier takes a request at the moment when the case's was signed.
    pub fn takes(&self, request: &Request) -> bool {
        request.verified(&self.verifier, self.date).is_ok()
    }
}

impl Request {
    /// Reads the signed request of a case.
    pub fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("header-signed-request.txt")).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        let target = target.strip_suffix(" HTTP/1.1").unwrap_or(target);
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            // A value that goes on, which HTTP/1.1 no longer allows: whoever still reads it puts a space there.
            if let (Some(rest), Some((_, value))) = (line.strip_prefix(' '), headers.last_mut()) {
                value.extend([" ", rest]);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = body.trim_end_matches('\n').as_bytes().to_vec();
        let method = method.parse().unwrap();
        Self { method, path: path.to_owned(), query: query.map(str::to_owned), headers, body }
    }

    /// The value of a header that is sent once.
    fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        header.unwrap().1.trim()
    }

    /// Who signed it for what.
    fn credential(&self) -> &str {
        let header = self.header("authorization").split_once("Credential=").unwrap().1;
        header.split_once(',').unwrap().0
    }

    /// What a verifier says of the request.
    pub fn verified(&self, verifier: &Verifier, now: SystemTime) -> Result<(), ServiceError> {
        let Self { method, path, query, headers, body } = self;
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.trim()).unwrap())
            })
            .collect();
        let request = SignedRequest { method, path, query: query.as_deref(), headers: &headers, body };
        verifier.verify(&request, now)
    }
}

/// The cases' folders, by name.
pub fn cases() -> Vec<(String, PathBuf)> {
    let suite = crate_folder().join("aws-signing-test-suite/v4");
    let folders = suite.read_dir().unwrap_or_else(|error| panic!("{}: {error}", suite.display()));
    let folders = folders.map(|entry| entry.unwrap().path());
    folders.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// Where cargo has the crate's files: it says so itself, and has fetched what this test is built from.
fn crate_folder() -> PathBuf {
    let offline = metadata(&["--offline"]);
    let output = if offline.status.success() { offline } else { metadata(&[]) };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let manifest =
        packages.iter().find(|package| package["name"] == CRATE).unwrap()["manifest_path"].as_str();
    Path::new(manifest.unwrap()).parent().unwrap().to_owned()
}

fn metadata(offline: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO");
    let mut command = Command::new(cargo.as_deref().unwrap_or(OsStr::new("cargo")));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Only this machine's crates need be there.
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "host-tuple"]);
    command.args(offline).output().unwrap()
}
