//! A kind of objects at its place in the API: what is asked for, and what an answer has to be.

use kube::Resource;
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ApiError;

/// What the API server calls metadata that it was asked for alone.
const METADATA: (&str, &str) = ("meta.k8s.io/v1", "PartialObjectMetadata");

/// The objects of a kind, all or those of a namespace.
#[derive(Debug, Clone)]
pub struct Collection {
    path: String,
    api_version: String,
    kind: String,
    form: Form,
}

/// How much of every object is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// The metadata alone: the API server then does not send the rest.
    Metadata,
}

/// The members that every object and every list has.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Head {
    api_version: String,
    kind: String,
    metadata: HeadMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HeadMetadata {
    resource_version: Option<String>,
}

impl Head {
    pub(super) fn of(object: &RawValue) -> Result<Self, ApiError> {
        serde_json::from_str(object.get()).map_err(ApiError::unreadable)
    }

    /// The version of the object, or of the whole list.
    pub(super) fn into_version(self) -> Option<String> {
        self.metadata.resource_version
    }
}

impl Collection {
    /// The objects of a kind; `namespace` is `None` for those of all.
    #[must_use]
    pub fn of<K: Resource>(kind: &K::DynamicType, namespace: Option<&str>) -> Self {
        Self {
            path: K::url_path(kind, namespace),
            api_version: K::api_version(kind).into_owned(),
            kind: K::kind(kind).into_owned(),
            form: Form::Whole,
        }
    }

    /// The same objects, of which only the metadata is asked for.
    #[must_use]
    pub fn metadata(self) -> Self {
        Self { form: Form::Metadata, ..self }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Builds requests for this collection.
    pub(super) fn requests(&self) -> Request {
        Request::new(self.path.as_str())
    }

    /// Checks an object that came alone or with an event.
    pub(super) fn check(&self, head: &Head) -> Result<(), ApiError> {
        self.check_kind(&head.api_version, &head.kind, "")
    }

    /// Checks an object of a list. Objects of the core group do not repeat their kind there.
    pub(crate) fn check_item(&self, api_version: &str, kind: &str) -> Result<(), ApiError> {
        if api_version.is_empty() && kind.is_empty() {
            Ok(())
        } else {
            self.check_kind(api_version, kind, "")
        }
    }

    /// Checks an object of a list or of an event, and reads it.
    ///
    /// # Errors
    /// It is of another kind, or not of the shape of a `K`.
    pub fn read<K: DeserializeOwned>(&self, object: &RawValue) -> Result<K, ApiError> {
        let head = Head::of(object)?;
        self.check_item(&head.api_version, &head.kind)?;
        serde_json::from_str(object.get()).map_err(ApiError::unreadable)
    }

    pub(super) fn check_list(&self, api_version: &str, kind: &str) -> Result<(), ApiError> {
        self.check_kind(api_version, kind, "List")
    }

    fn check_kind(&self, api_version: &str, kind: &str, suffix: &str) -> Result<(), ApiError> {
        let own = (self.api_version.as_str(), self.kind.as_str());
        let metadata = (self.form == Form::Metadata).then_some(METADATA);
        let is =
            |(version, name): (&str, &str)| version == api_version && kind.strip_suffix(suffix) == Some(name);
        if is(own) || metadata.is_some_and(is) {
            return Ok(());
        }
        let (version, name) = metadata.unwrap_or(own);
        Err(ApiError::foreign(format_args!("{name}{suffix} of {version}"), api_version, kind))
    }
}
