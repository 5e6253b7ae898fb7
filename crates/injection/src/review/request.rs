//! Reads the `request` of a review: what it is about, and the pods in it.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::super::annotation::Prefix;
use super::super::json::{Fold, Judge, Object, Text, skip};
use super::super::pod::Pod;
use super::{ApiVersion, Review, ReviewError, Subject};

/// The `request` of a review.
pub(super) struct Request<'a, 'p> {
    prefix: &'p Prefix,
    pub(super) uid: Cow<'a, str>,
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
    /// The members that decide have not come yet.
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
    /// The object is absent, null, or not needed.
    None,
    Pod(Box<Pod<'a>>),
    /// The object is set aside, because it came before the members that decide.
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
    pub(super) fn new(prefix: &'p Prefix) -> Self {
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

    /// The review of this version, with its objects read by their type.
    pub(super) fn finish(self, version: ApiVersion) -> Result<Review<'a>, ReviewError> {
        let Self { prefix, uid, namespace, resource, sub_resource, operation, object, old_object } = self;
        let subject = match Target::of(resource, operation, sub_resource) {
            Target::Pod => match object.into_pod(prefix)? {
                Some(pod) => Some(Subject::Pod(Box::new(pod))),
                None => return Err(ReviewError::Missing("request.object")),
            },
            Target::Ephemeral => match (object.into_pod(prefix)?, old_object.into_pod(prefix)?) {
                (Some(pod), Some(old)) => Some(Subject::Ephemeral { pod: Box::new(pod), old: Box::new(old) }),
                (None, _) => return Err(ReviewError::Missing("request.object")),
                (_, None) => return Err(ReviewError::Missing("request.oldObject")),
            },
            Target::Undecided | Target::Other => None,
        };
        Ok(Review { version, uid, namespace, subject })
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
            // A created pod has no old object: whatever is here is not read.
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
