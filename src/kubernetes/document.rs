//! One object of a known name, read and replaced whole, as the JSON that it is: nothing in it is lost because this
//! program does not know it. Replacing goes by the version that was read, so that nobody's change is overwritten.

use std::time::SystemTime;

use http::header::{CONTENT_TYPE, DATE};
use http::{Method, Request};
use kube::Client;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{LARGEST_ANSWER, collect, open, present};
use super::error::ApiError;

/// Where an object is, and what it is. Names are those of flags, which were checked: they need no escaping in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Path of the collection.
    collection: String,
    api_version: &'static str,
    kind: &'static str,
    /// The object's name.
    pub name: String,
    /// Its namespace, if its kind has one.
    pub namespace: Option<String>,
}

/// An object as the API server has it, and what the API server's clock said when it sent it.
#[derive(Debug, Clone)]
pub struct Document {
    /// The object; `None` if there is none of that name.
    pub object: Option<Value>,
    /// The time of the answer, by whole seconds; `None` if something on the way left it out.
    pub date: Option<SystemTime>,
}

/// By what an answer is told from that to another question.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Head {
    api_version: String,
    kind: String,
    metadata: Name,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    namespace: String,
    name: String,
}

impl Address {
    /// A Secret.
    #[must_use]
    pub fn secret(namespace: &str, name: &str) -> Self {
        Self {
            collection: format!("/api/v1/namespaces/{namespace}/secrets"),
            api_version: "v1",
            kind: "Secret",
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// A registration of mutating webhooks.
    #[must_use]
    pub fn mutating_webhook_configuration(name: &str) -> Self {
        Self {
            collection: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations".to_owned(),
            api_version: "admissionregistration.k8s.io/v1",
            kind: "MutatingWebhookConfiguration",
            name: name.to_owned(),
            namespace: None,
        }
    }

    /// An Event in this namespace.
    #[must_use]
    pub fn event(namespace: &str, name: &str) -> Self {
        Self {
            collection: format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events"),
            api_version: "events.k8s.io/v1",
            kind: "Event",
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// Reads the object.
    ///
    /// # Errors
    /// The API server does not answer or refuses, or something else answers in its place.
    pub async fn read(&self, client: &Client) -> Result<Document, ApiError> {
        let request = Request::get(self.path()).body(Vec::new());
        let answer = self.send(client, request).await;
        let Some((object, date)) = present(answer)? else { return Ok(Document { object: None, date: None }) };
        Ok(Document { object: Some(object), date })
    }

    /// Replaces the object by this one, which holds the version that was read, and gives it as it then is.
    ///
    /// # Errors
    /// As for [`Address::read`]; with code 409 if it was changed since it was read, and 404 if it is gone.
    pub async fn replace(&self, client: &Client, object: &Value) -> Result<Value, ApiError> {
        self.write(client, Method::PUT, self.path(), object).await
    }

    /// Creates the object, which needs no name and kind of its own.
    ///
    /// # Errors
    /// As for [`Address::read`]; with code 409 if there is one of that name.
    pub async fn create(&self, client: &Client, mut object: Map<String, Value>) -> Result<Value, ApiError> {
        object.insert("apiVersion".to_owned(), self.api_version.into());
        object.insert("kind".to_owned(), self.kind.into());
        object.insert("metadata".to_owned(), json!({"name": self.name, "namespace": self.namespace}));
        self.write(client, Method::POST, self.collection.clone(), &Value::Object(object)).await
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection, self.name)
    }

    async fn write(
        &self,
        client: &Client,
        method: Method,
        path: String,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        self.send(client, request.body(object.to_string().into_bytes())).await.map(|(object, _)| object)
    }

    async fn send(
        &self,
        client: &Client,
        request: Result<Request<Vec<u8>>, http::Error>,
    ) -> Result<(Value, Option<SystemTime>), ApiError> {
        let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
        let answer = open(client, request).await?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let bytes = collect(answer.into_body(), LARGEST_ANSWER).await?;
        let Head { api_version, kind, metadata: Name { namespace, name } } =
            serde_json::from_slice(&bytes).map_err(ApiError::unreadable)?;
        if api_version != self.api_version || kind != self.kind {
            let expected = format_args!("{} of {}", self.kind, self.api_version);
            return Err(ApiError::foreign(expected, &api_version, &kind));
        }
        if name != self.name || namespace != self.namespace.clone().unwrap_or_default() {
            return Err(ApiError::other(&self.to_string(), &namespace, &name));
        }
        let object = serde_json::from_slice(&bytes).map_err(ApiError::unreadable)?;
        Ok((object, date))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
