//! Reads an `AdmissionReview` of `admission.k8s.io`, `v1` and `v1beta1`, in one pass.
//!
//! Go's encoder writes what decides (resource, operation) before the objects, so a pod is read
//! where it stands; in any other order the objects are set aside and read afterwards.

mod request;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};

use super::annotation::Prefix;
use super::json::{self, Fold, Judge, Object, Slot, once, skip};
use super::pod::Pod;

use request::Request;

/// Version of the review; the answer has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersion {
    /// `admission.k8s.io/v1`.
    V1,
    /// `admission.k8s.io/v1beta1`, which the Go webhook's own manifest registers.
    V1Beta1,
}

impl ApiVersion {
    /// The value of `apiVersion`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1Beta1 => "admission.k8s.io/v1beta1",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::V1, Self::V1Beta1].into_iter().find(|version| version.as_str() == text)
    }
}

/// One call of the API server.
#[derive(Debug)]
pub struct Review<'a> {
    /// The version to answer in.
    pub version: ApiVersion,
    /// The call's id, which the answer repeats.
    pub uid: Cow<'a, str>,
    /// The request's namespace, which takes precedence over the object's own.
    pub namespace: Cow<'a, str>,
    /// The pod that the call is about; `None` if it is about anything else, which is allowed unchanged.
    pub subject: Option<Subject<'a>>,
}

/// A pod in a call.
#[derive(Debug)]
pub enum Subject<'a> {
    /// A pod is being created.
    Pod(Box<Pod<'a>>),
    /// Ephemeral containers are being added to a running pod.
    Ephemeral {
        /// The pod as it would be; its volumes are what the user sent, which the API server drops.
        pod: Box<Pod<'a>>,
        /// The pod as it is now.
        old: Box<Pod<'a>>,
    },
}

/// Why a request is not a valid review. The text never holds what was sent, which may be a
/// secret. The answer is 400, and the API server does not retry.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The body is not UTF-8, as JSON has to be.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body is not JSON.
    #[error("the body is not valid JSON: line {line}, column {column}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// The fields of the JSON have other types than in Kubernetes.
    #[error(
        "the review does not have the shape of Kubernetes' API: {expected} at line {line}, column {column}"
    )]
    Shape {
        /// What was expected there, in the webhook's own words.
        expected: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// The body is an object of another API.
    #[error("not an AdmissionReview of admission.k8s.io/v1 or v1beta1")]
    Unsupported,
    /// There is no `request`, or it has no `uid`.
    #[error("the AdmissionReview has no {0}")]
    Missing(&'static str),
}

impl From<serde_json::Error> for ReviewError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match json::expected(&error) {
            None => Self::Syntax { line, column },
            Some(expected) => Self::Shape { expected, line, column },
        }
    }
}

impl<'a> Review<'a> {
    /// Reads a review; the pod's annotations are those with `prefix`.
    pub fn decode(body: &'a [u8], prefix: &Prefix) -> Result<Self, ReviewError> {
        // The whole body is checked once, so that the parser need not check every string.
        let text = core::str::from_utf8(body).map_err(|_| ReviewError::NotUtf8)?;
        let mut fold = ReviewFold {
            version: None,
            is_review: false,
            request_slot: Slot::Absent,
            request: Request::new(prefix),
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Object(&mut fold).deserialize(&mut deserializer)?;
        deserializer.end()?;
        fold.finish()
    }
}

struct ReviewFold<'a, 'p> {
    version: Option<ApiVersion>,
    is_review: bool,
    request_slot: Slot,
    request: Request<'a, 'p>,
}

impl<'a> ReviewFold<'a, '_> {
    fn finish(self) -> Result<Review<'a>, ReviewError> {
        let version = self.version.filter(|_| self.is_review).ok_or(ReviewError::Unsupported)?;
        if !self.request_slot.is_present() {
            return Err(ReviewError::Missing("request"));
        }
        if self.request.uid.is_empty() {
            return Err(ReviewError::Missing("request.uid"));
        }
        self.request.finish(version)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ReviewField {
    ApiVersion,
    Kind,
    Request,
    #[serde(other)]
    Other,
}

impl<'a> Fold<'a> for ReviewFold<'a, '_> {
    const WHAT: &'static str = "an AdmissionReview";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ReviewField::ApiVersion) => self.version = map.next_value_seed(Judge::by(ApiVersion::of))?,
            Some(ReviewField::Kind) => {
                self.is_review = map.next_value_seed(Judge::by(|kind| kind == "AdmissionReview"))?;
            }
            Some(ReviewField::Request) => {
                once(self.request_slot, "request")?;
                self.request_slot = map.next_value_seed(Object(&mut self.request))?;
            }
            Some(ReviewField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

impl<'a> Subject<'a> {
    /// The pod whose account, annotations and volumes count: of an ephemeral container's pod, the
    /// one that runs.
    #[must_use]
    pub fn pod(&self) -> &Pod<'a> {
        match self {
            Self::Pod(pod) => pod,
            Self::Ephemeral { old, .. } => old,
        }
    }

    /// How many containers of it may get something.
    #[must_use]
    pub fn containers(&self) -> usize {
        match self {
            Self::Pod(pod) | Self::Ephemeral { pod, .. } => pod.containers.len(),
        }
    }

    /// The bytes of memory that it takes, beside those that it borrows.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Pod(pod) => pod.weight(),
            Self::Ephemeral { pod, old } => pod.weight() + old.weight(),
        }
    }
}
