//! What S3 answers, and what that means to whoever reads the message.

use http::{HeaderMap, StatusCode};
use injection::text::Line;

/// The longest text of S3 that is passed on, in characters.
const LONGEST: usize = 300;

/// An answer of S3, or of what stands between.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// What an answer says that is no error.
pub(super) enum Verdict {
    Done(Answer),
    /// There is no such object.
    Missing,
    /// The object is not the one that was read.
    Changed,
}

/// Why S3 did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::issuer) enum S3Error {
    #[error(
        "the bucket is in the region {bucket_region}, and {region} was asked: give --region={bucket_region}"
    )]
    OtherRegion { bucket_region: String, region: String },
    #[error(
        "S3 denies it ({0}): the identity needs s3:GetObject and s3:PutObject on the objects, and s3:ListBucket on the bucket, without which S3 says so of an object that does not exist too"
    )]
    Denied(String),
    #[error("there is no such bucket")]
    NoBucket,
    #[error("S3 throttles or fails ({0})")]
    Later(String),
    #[error("S3 cannot be reached: {0}")]
    Unreachable(String),
    #[error("no AWS credentials: {0}")]
    Credentials(String),
    #[error("{0} cannot be used")]
    Unusable(&'static str),
    #[error("S3 answers {0}")]
    Other(String),
}

impl S3Error {
    /// Whether the next try may go better.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Unreachable(_))
    }
}

impl Answer {
    /// Judges it; `region` is the one that was asked.
    pub(super) fn judge(self, region: &str) -> Result<Verdict, S3Error> {
        if self.status.is_success() {
            return Ok(Verdict::Done(self));
        }
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let code = element(&text, "Code").unwrap_or_default();
        let header = self.headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok());
        let bucket_region = header.or_else(|| element(&text, "Region")).filter(|other| *other != region);
        let said = || {
            let message = element(&text, "Message").unwrap_or_default();
            let text = format!("{} {code}: {message}", self.status.as_u16());
            Line::new(text.trim_end_matches([':', ' ']), LONGEST).to_string()
        };
        // A redirect, or a signature that is for another region.
        if let Some(bucket_region) = bucket_region.filter(|_| matches!(self.status.as_u16(), 301 | 307 | 400))
        {
            let bucket_region = Line::new(bucket_region, LONGEST).to_string();
            return Err(S3Error::OtherRegion { bucket_region, region: region.to_owned() });
        }
        match (self.status.as_u16(), code) {
            (404, "NoSuchBucket") => Err(S3Error::NoBucket),
            (404, _) => Ok(Verdict::Missing),
            (412, _) | (409, "ConditionalRequestConflict") => Ok(Verdict::Changed),
            (403, "AccessDenied" | "AllAccessDisabled" | "") => Err(S3Error::Denied(said())),
            (429 | 500..=599, _) | (_, "RequestTimeout") => Err(S3Error::Later(said())),
            _ => Err(S3Error::Other(said())),
        }
    }
}

/// The text of the first element of this name: S3's errors are flat, and only people read what this finds.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text)
}
