//! Reads an `AdmissionReview` of `admission.k8s.io`, `v1` and `v1beta1`, in one pass.
//!
//! Go's encoder writes what decides (resource, operation) before the objects, so a pod is read
//! where it stands; in any other order the objects are set aside and read afterwards.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};
use serde_json::value::RawValue;

use super::annotation::Prefix;
use super::json::{Fold, Judge, Object, Slot, Text, once, skip};
use super::pod::Pod;

/// Version of the review; the answer bears the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersion {
    /// `admission.k8s.io/v1`.
    V1,
    /// `admission.k8s.io/v1beta1`: what the Go webhook's own manifest registers.
    V1Beta1,
}

impl ApiVersion {
    /// As in `apiVersion`.
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
    /// The call's id: the answer bears it.
    pub uid: Cow<'a, str>,
    /// Where the object lives; rules over the object's own.
    pub namespace: Cow<'a, str>,
    /// What the call is about.
    pub subject: Subject<'a>,
}

/// What a call is about.
#[derive(Debug)]
pub enum Subject<'a> {
    /// A pod is being made.
    Pod(Box<Pod<'a>>),
    /// Ephemeral containers are being added to a running pod.
    Ephemeral {
        /// The pod as it would be; its volumes are what the user sent, which the API server drops.
        pod: Box<Pod<'a>>,
        /// The pod as it is.
        old: Box<Pod<'a>>,
    },
    /// Anything else: allowed, untouched.
    Other,
}

/// Why a request is no review that we can read. Its text never holds what was sent: that may be a
/// secret. Answered with 400; not retried by the API server.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Not the text that JSON is made of.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("the body is not valid JSON: line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON whose fields have other types than Kubernetes gives them.
    #[error(
        "the review does not have the shape of Kubernetes' API: {expected} at line {line}, column {column}"
    )]
    Shape {
        /// What was expected there, in our words.
        expected: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Another API than the one we speak.
    #[error("not an AdmissionReview of admission.k8s.io/v1 or v1beta1")]
    Unsupported,
    /// No `request`, or one without `uid`.
    #[error("the AdmissionReview has no {0}")]
    Missing(&'static str),
}

impl From<serde_json::Error> for ReviewError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if !error.is_data() {
            return Self::Syntax { line, column };
        }
        // serde's message quotes the value that it found, which may read like a message itself; only
        // what follows its last words is ours.
        let text = error.to_string();
        let expected = text
            .rsplit_once(", expected ")
            .and_then(|(_, rest)| rest.split(" at line ").next())
            .map_or_else(|| "a member stands twice".to_owned(), |what| format!("expected {what}"));
        Self::Shape { expected, line, column }
    }
}

impl<'a> Review<'a> {
    /// Reads a review; annotations of the pod are those of `prefix`.
    pub fn decode(body: &'a [u8], prefix: &Prefix) -> Result<Self, ReviewError> {
        // Once over the whole body: the parser then takes every string as it is.
        let text = std::str::from_utf8(body).map_err(|_| ReviewError::NotUtf8)?;
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
        let Request { prefix, uid, namespace, resource, sub_resource, operation, object, old_object } =
            self.request;
        let subject = match Target::of(resource, operation, sub_resource) {
            Target::Pod => match object.into_pod(prefix)? {
                Some(pod) => Subject::Pod(Box::new(pod)),
                None => return Err(ReviewError::Missing("request.object")),
            },
            Target::Ephemeral => match (object.into_pod(prefix)?, old_object.into_pod(prefix)?) {
                (Some(pod), Some(old)) => Subject::Ephemeral { pod: Box::new(pod), old: Box::new(old) },
                (None, _) => return Err(ReviewError::Missing("request.object")),
                (_, None) => return Err(ReviewError::Missing("request.oldObject")),
            },
            Target::Undecided | Target::Other => Subject::Other,
        };
        Ok(Review { version, uid, namespace, subject })
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

struct Request<'a, 'p> {
    prefix: &'p Prefix,
    uid: Cow<'a, str>,
    namespace: Cow<'a, str>,
    resource: Option<Resource>,
    sub_resource: SubResource,
    operation: Option<Operation>,
    object: Payload<'a>,
    old_object: Payload<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Resource {
    Pods,
    Other,
}

#[derive(Clone, Copy, PartialEq, Default)]
enum SubResource {
    #[default]
    None,
    EphemeralContainers,
    Other,
}

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Create,
    Update,
    Other,
}

/// What the objects of a request have to be read as.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Pod,
    Ephemeral,
    Other,
    /// What decides has not come yet.
    Undecided,
}

impl Target {
    fn of(resource: Option<Resource>, operation: Option<Operation>, sub_resource: SubResource) -> Self {
        match (resource, operation, sub_resource) {
            (Some(Resource::Other), ..) | (_, Some(Operation::Other), _) | (.., SubResource::Other) => {
                Self::Other
            }
            (Some(Resource::Pods), Some(Operation::Create), SubResource::None) => Self::Pod,
            (Some(Resource::Pods), Some(Operation::Update), SubResource::EphemeralContainers) => {
                Self::Ephemeral
            }
            _ => Self::Undecided,
        }
    }
}

/// One of the request's objects.
enum Payload<'a> {
    /// Absent, null, or of no interest.
    None,
    Pod(Box<Pod<'a>>),
    /// Set aside: it came before what decides.
    Raw(&'a RawValue),
}

impl<'a> Payload<'a> {
    fn into_pod(self, prefix: &Prefix) -> Result<Option<Pod<'a>>, serde_json::Error> {
        match self {
            Self::None => Ok(None),
            Self::Pod(pod) => Ok(Some(*pod)),
            Self::Raw(raw) if raw.get() == "null" => Ok(None),
            Self::Raw(raw) => Pod::decode(raw.get(), prefix).map(Some),
        }
    }
}

impl<'a, 'p> Request<'a, 'p> {
    fn new(prefix: &'p Prefix) -> Self {
        Self {
            prefix,
            uid: Cow::default(),
            namespace: Cow::default(),
            resource: None,
            sub_resource: SubResource::default(),
            operation: None,
            object: Payload::None,
            old_object: Payload::None,
        }
    }

    fn payload<A: MapAccess<'a>>(&self, map: &mut A, target: Target) -> Result<Payload<'a>, A::Error> {
        match target {
            Target::Pod | Target::Ephemeral => {
                let pod = map.next_value_seed(Pod::seed(self.prefix))?;
                Ok(pod.map_or(Payload::None, |pod| Payload::Pod(Box::new(pod))))
            }
            Target::Undecided => map.next_value().map(Payload::Raw),
            Target::Other => skip(map).map(|()| Payload::None),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RequestField {
    Uid,
    Resource,
    SubResource,
    Namespace,
    Operation,
    Object,
    OldObject,
    #[serde(other)]
    Other,
}

impl<'a> Fold<'a> for Request<'a, '_> {
    const WHAT: &'static str = "an admission request";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(field) = map.next_key()? else {
            return Ok(false);
        };
        let target = Target::of(self.resource, self.operation, self.sub_resource);
        match field {
            RequestField::Uid => self.uid = map.next_value_seed(Text)?,
            RequestField::Namespace => self.namespace = map.next_value_seed(Text)?,
            RequestField::Resource => {
                let mut resource = ResourceFold::default();
                map.next_value_seed(Object(&mut resource))?;
                self.resource = Some(resource.finish());
            }
            RequestField::SubResource => {
                self.sub_resource = map.next_value_seed(Judge::by(|name| match name {
                    "" => SubResource::None,
                    "ephemeralcontainers" => SubResource::EphemeralContainers,
                    _ => SubResource::Other,
                }))?;
            }
            RequestField::Operation => {
                self.operation = map.next_value_seed(Judge::by(|name| {
                    Some(match name {
                        "CREATE" => Operation::Create,
                        "UPDATE" => Operation::Update,
                        _ => Operation::Other,
                    })
                }))?;
            }
            RequestField::Object => self.object = self.payload(map, target)?,
            // A pod that is made has no old self: whatever stands here is not read.
            RequestField::OldObject if target == Target::Pod => skip(map)?,
            RequestField::OldObject => self.old_object = self.payload(map, target)?,
            RequestField::Other => skip(map)?,
        }
        Ok(true)
    }
}

#[derive(Default)]
struct ResourceFold {
    is_core: bool,
    is_v1: bool,
    is_pods: bool,
}

impl ResourceFold {
    fn finish(&self) -> Resource {
        if self.is_core && self.is_v1 && self.is_pods { Resource::Pods } else { Resource::Other }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ResourceField {
    Group,
    Version,
    Resource,
    #[serde(other)]
    Other,
}

impl<'a> Fold<'a> for ResourceFold {
    const WHAT: &'static str = "a resource's name";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ResourceField::Group) => self.is_core = map.next_value_seed(Judge::by(str::is_empty))?,
            Some(ResourceField::Version) => {
                self.is_v1 = map.next_value_seed(Judge::by(|version| version == "v1"))?;
            }
            Some(ResourceField::Resource) => {
                self.is_pods = map.next_value_seed(Judge::by(|name| name == "pods"))?;
            }
            Some(ResourceField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

impl Subject<'_> {
    /// The pod whose account, annotations and volumes count: of an ephemeral container's pod, the
    /// one that runs.
    #[must_use]
    pub fn pod(&self) -> Option<&Pod<'_>> {
        match self {
            Self::Pod(pod) => Some(pod),
            Self::Ephemeral { old, .. } => Some(old),
            Self::Other => None,
        }
    }
}
