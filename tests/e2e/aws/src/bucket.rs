//! S3's `ListObjectsV2`, by path style: enough for `aws s3 ls`, so that credentials can be tried on something that
//! wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hyper::Method;
use hyper::http::request::Parts;
use serde::Deserialize;

use crate::caller::{self, Caller};
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::sessions::Sessions;
use crate::sigv4::Request;
use crate::xml::Xml;

/// Of every object: they are not written here.
const LAST_MODIFIED: &str = "2026-01-02T03:04:05.000Z";

/// The file of buckets; without it there is no S3.
#[derive(Debug)]
pub struct S3(pub PathBuf);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    /// The roles whose sessions may list it.
    readers: Vec<RoleArn>,
    /// Keys and bytes.
    objects: BTreeMap<String, u64>,
}

/// What is listed of a bucket, and who listed it.
#[derive(Debug)]
pub struct Listing {
    /// The session that signed.
    pub caller: Caller,
    bucket: String,
    prefix: String,
    delimiter: String,
    keys: Vec<(String, u64)>,
    folders: BTreeSet<String>,
}

/// Why nothing is listed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such bucket.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// It is another call.
    #[error("A header you provided implies functionality that is not implemented")]
    NotImplemented,
    /// The session's role is none of its readers.
    #[error(
        "User: {caller} is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::{bucket}\""
    )]
    AccessDenied {
        /// The session.
        caller: String,
        /// The bucket.
        bucket: String,
    },
    /// What STS would refuse as well.
    #[error(transparent)]
    Common(#[from] Refusal),
}

/// The bucket that the path names, if the request is for this service.
#[must_use]
pub fn name(parts: &Parts) -> Option<&str> {
    let path = parts.uri.path().trim_matches('/');
    (!path.is_empty() && !path.starts_with("clusters/")).then_some(path)
}

impl S3 {
    /// Lists a bucket for the session that signed.
    pub fn list(
        &self,
        bucket: &str,
        request: &Request<'_>,
        sessions: &Sessions,
        now: i64,
    ) -> Result<Listing, Refused> {
        let query: BTreeMap<_, _> = form_urlencoded::parse(request.query.as_bytes()).collect();
        let asked = |name: &str| query.get(name).map(|value| value.clone().into_owned()).unwrap_or_default();
        if request.method != Method::GET.as_str() || asked("list-type") != "2" {
            return Err(Refused::NotImplemented);
        }
        let session = caller::identify(request, "s3", sessions, now)?;
        let found = self.read()?.remove(bucket).ok_or(Refused::NoSuchBucket)?;
        if !found.readers.contains(&session.role) {
            let caller = session.caller.arn.clone();
            return Err(Refused::AccessDenied { caller, bucket: bucket.to_owned() });
        }
        let caller = session.caller.clone();
        Ok(Listing::of(found, caller, bucket.to_owned(), asked("prefix"), asked("delimiter")))
    }

    /// Reads the file anew, for a mounted ConfigMap changes.
    fn read(&self) -> Result<BTreeMap<String, Bucket>, Refusal> {
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::Internal(format!("failed to read buckets {}: {error}", self.0.display()))
        };
        let text = std::fs::read(&self.0).map_err(|error| failed(&error))?;
        serde_json::from_slice(&text).map_err(|error| failed(&error))
    }
}

impl Listing {
    /// Keys that have the delimiter after the prefix are rolled up to it.
    fn of(found: Bucket, caller: Caller, bucket: String, prefix: String, delimiter: String) -> Self {
        let (mut keys, mut folders) = (Vec::new(), BTreeSet::new());
        for (key, bytes) in found.objects {
            let Some(rest) = key.strip_prefix(&prefix) else { continue };
            match rest.split_once(&delimiter).filter(|_| !delimiter.is_empty()) {
                Some((folder, _)) => drop(folders.insert(format!("{prefix}{folder}{delimiter}"))),
                None => keys.push((key, bytes)),
            }
        }
        Self { caller, bucket, prefix, delimiter, keys, folders }
    }

    /// The response's body.
    #[must_use]
    pub fn xml(&self) -> String {
        let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        xml.0.push_str("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        xml.text("Name", &self.bucket);
        xml.text("Prefix", &self.prefix);
        xml.text("Delimiter", &self.delimiter);
        xml.text("MaxKeys", "1000");
        xml.text("KeyCount", &(self.keys.len() + self.folders.len()).to_string());
        xml.text("IsTruncated", "false");
        for (key, bytes) in &self.keys {
            xml.nest("Contents", |xml| {
                xml.text("Key", key);
                xml.text("LastModified", LAST_MODIFIED);
                xml.text("Size", &bytes.to_string());
                xml.text("StorageClass", "STANDARD");
            });
        }
        for folder in &self.folders {
            xml.nest("CommonPrefixes", |xml| xml.text("Prefix", folder));
        }
        xml.0.push_str("</ListBucketResult>\n");
        xml.0
    }
}

impl Refused {
    /// What SDKs read as the error's code, and the HTTP status that goes with it.
    #[must_use]
    pub fn code(&self) -> (&'static str, u16) {
        match self {
            Self::NoSuchBucket => ("NoSuchBucket", 404),
            Self::NotImplemented => ("NotImplemented", 501),
            Self::AccessDenied { .. } | Self::Common(Refusal::MissingAuthentication) => ("AccessDenied", 403),
            Self::Common(Refusal::UnknownCredentials) => ("InvalidAccessKeyId", 403),
            Self::Common(Refusal::ExpiredCredentials) => ("ExpiredToken", 400),
            Self::Common(refusal) => (refusal.code(), refusal.status()),
        }
    }

    /// Why, for the log.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Common(refusal) => refusal.reason(),
            told => told.to_string(),
        }
    }

    /// The response's body.
    #[must_use]
    pub fn xml(&self, request_id: &str) -> String {
        let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        xml.nest("Error", |xml| {
            xml.text("Code", self.code().0);
            xml.text("Message", &self.to_string());
            xml.text("RequestId", request_id);
        });
        xml.0
    }
}
