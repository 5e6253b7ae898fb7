//! One object of a known name, read and replaced whole, as the JSON that it is: nothing in it is lost because this
//! program does not know it. Replacing goes by the version that was read, so that nobody's change is overwritten.

use std::time::SystemTime;

use http::header::{CONTENT_TYPE, DATE, WARNING};
use http::{HeaderMap, Method, Request};
use kube::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
    /// Whether writes only say what they would do.
    is_dry: bool,
    /// Who hears what the API server warns of.
    warned: Warned,
}

/// Is told a warning of the API server, of at most [`LONGEST_WARNING`] characters; by default nobody is.
#[derive(Clone, Copy, Default)]
struct Warned(Option<fn(&str)>);

/// Warnings of one answer that are passed on, and characters of each: whatever answers may send any number.
const MOST_WARNINGS: usize = 10;
const LONGEST_WARNING: usize = 300;

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
            is_dry: false,
            warned: Warned::default(),
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
            is_dry: false,
            warned: Warned::default(),
        }
    }

    /// A node.
    #[must_use]
    pub fn node(name: &str) -> Self {
        Self {
            collection: "/api/v1/nodes".to_owned(),
            api_version: "v1",
            kind: "Node",
            name: name.to_owned(),
            namespace: None,
            is_dry: false,
            warned: Warned::default(),
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
            is_dry: false,
            warned: Warned::default(),
        }
    }

    /// An object of a namespaced kind that a definition has added.
    #[must_use]
    pub fn custom(
        (api_version, kind, plural): (&'static str, &'static str, &'static str),
        namespace: &str,
        name: &str,
    ) -> Self {
        Self {
            collection: format!("/apis/{api_version}/namespaces/{namespace}/{plural}"),
            api_version,
            kind,
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
            is_dry: false,
            warned: Warned::default(),
        }
    }

    /// The same object, whose writes the API server checks and answers without doing anything.
    #[must_use]
    pub fn dry(self) -> Self {
        Self { is_dry: true, ..self }
    }

    /// The same object; this is told what the API server warns of when it is written.
    #[must_use]
    pub fn warning(self, told: fn(&str)) -> Self {
        Self { warned: Warned(Some(told)), ..self }
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

    /// Reads what a `T` keeps of the object, out of an answer of `limit` bytes at most; `None` if there is none of that
    /// name.
    ///
    /// # Errors
    /// As for [`Address::read`].
    pub async fn part<T: DeserializeOwned>(
        &self,
        client: &Client,
        limit: usize,
    ) -> Result<Option<T>, ApiError> {
        let request = Request::get(self.path()).body(Vec::new());
        let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
        let Some((bytes, _)) = present(self.fetch(client, request, limit).await)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(ApiError::unreadable)
    }

    /// Replaces the object by this one, which holds the version that was read, and gives it as it then is.
    ///
    /// # Errors
    /// As for [`Address::read`]; with code 409 if it was changed since it was read, and 404 if it is gone.
    pub async fn replace(&self, client: &Client, object: &Value) -> Result<Value, ApiError> {
        self.write(client, Method::PUT, self.path(), object).await
    }

    /// Creates the object, which needs no name and kind of its own; of its metadata all but these are kept.
    ///
    /// # Errors
    /// As for [`Address::read`]; with code 409 if there is one of that name.
    pub async fn create(&self, client: &Client, mut object: Map<String, Value>) -> Result<Value, ApiError> {
        object.insert("apiVersion".to_owned(), self.api_version.into());
        object.insert("kind".to_owned(), self.kind.into());
        let mut metadata = match object.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.insert("name".to_owned(), self.name.as_str().into());
        metadata.insert("namespace".to_owned(), self.namespace.clone().into());
        object.insert("metadata".to_owned(), metadata.into());
        self.write(client, Method::POST, self.collection.clone(), &Value::Object(object)).await
    }

    /// Merges this into the object's status; a version in its metadata has to be that of the object.
    ///
    /// # Errors
    /// As for [`Address::replace`].
    pub async fn merge_status(&self, client: &Client, part: &Value) -> Result<Value, ApiError> {
        let path = format!("{}/status", self.path());
        self.patch_at(client, path, "application/merge-patch+json", part).await
    }

    /// Changes the object by these operations of a JSON patch (RFC 6902).
    ///
    /// # Errors
    /// As for [`Address::read`]; with code 422 if a `test` among them fails, and 404 if there is no such object.
    pub async fn patch(&self, client: &Client, operations: &Value) -> Result<Value, ApiError> {
        self.patch_at(client, self.path(), "application/json-patch+json", operations).await
    }

    /// Deletes the object if it is still the one of this UID and version.
    ///
    /// # Errors
    /// As for [`Address::replace`].
    pub async fn delete(&self, client: &Client, uid: &str, version: &str) -> Result<(), ApiError> {
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": version},
        });
        let request = Request::delete(self.written(self.path())).header(CONTENT_TYPE, "application/json");
        let request = request.body(options.to_string().into_bytes());
        let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
        // The answer is a Status, or the object if something holds it: neither is needed.
        let answer = open(client, request).await?;
        self.warned.tell(answer.headers());
        collect(answer.into_body(), LARGEST_ANSWER).await.map(drop)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection, self.name)
    }

    /// The path of a write.
    fn written(&self, path: String) -> String {
        if self.is_dry { path + "?dryRun=All" } else { path }
    }

    async fn write(
        &self,
        client: &Client,
        method: Method,
        path: String,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let request = Request::builder()
            .method(method)
            .uri(self.written(path))
            .header(CONTENT_TYPE, "application/json");
        self.send(client, request.body(object.to_string().into_bytes())).await.map(|(object, _)| object)
    }

    async fn patch_at(
        &self,
        client: &Client,
        path: String,
        form: &str,
        change: &Value,
    ) -> Result<Value, ApiError> {
        let request = Request::patch(self.written(path)).header(CONTENT_TYPE, form);
        self.send(client, request.body(change.to_string().into_bytes())).await.map(|(object, _)| object)
    }

    async fn send(
        &self,
        client: &Client,
        request: Result<Request<Vec<u8>>, http::Error>,
    ) -> Result<(Value, Option<SystemTime>), ApiError> {
        let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
        let (bytes, date) = self.fetch(client, request, LARGEST_ANSWER).await?;
        let object = serde_json::from_slice(&bytes).map_err(ApiError::unreadable)?;
        Ok((object, date))
    }

    /// The text of an answer that is this object, and when it was sent.
    async fn fetch(
        &self,
        client: &Client,
        request: Request<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<u8>, Option<SystemTime>), ApiError> {
        let answer = open(client, request).await?;
        self.warned.tell(answer.headers());
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let bytes = collect(answer.into_body(), limit).await?;
        let Head { api_version, kind, metadata: Name { namespace, name } } =
            serde_json::from_slice(&bytes).map_err(ApiError::unreadable)?;
        if api_version != self.api_version || kind != self.kind {
            let expected = format_args!("{} of {}", self.kind, self.api_version);
            return Err(ApiError::foreign(expected, &api_version, &kind));
        }
        if name != self.name || namespace != self.namespace.clone().unwrap_or_default() {
            return Err(ApiError::other(&self.to_string(), &namespace, &name));
        }
        Ok((bytes, date))
    }
}

impl Warned {
    fn tell(self, headers: &HeaderMap) {
        let Some(told) = self.0 else { return };
        for warning in headers.get_all(WARNING).iter().take(MOST_WARNINGS) {
            if let Some(text) = warning.to_str().ok().and_then(text) {
                told(&text.chars().take(LONGEST_WARNING).collect::<String>());
            }
        }
    }
}

/// What a warning says: `299 AGENT "TEXT"` (RFC 7234, 5.5), with `\\` before quotes and backslashes.
fn text(warning: &str) -> Option<String> {
    let (_, quoted) = warning.strip_prefix("299 ")?.split_once('"')?;
    let mut characters = quoted.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

impl std::fmt::Debug for Warned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Warned").field(&self.0.is_some()).finish()
    }
}

/// Who hears of it makes no other object.
impl PartialEq for Warned {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Warned {}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_what_stands_in_quotes() {
        for (warning, said) in [
            (r#"299 - "the role is not allowed""#, Some("the role is not allowed")),
            (r#"299 - "a \"b\" \\ c" "Mon, 01 Jan 2026 00:00:00 GMT""#, Some(r#"a "b" \ c"#)),
            (r#"110 - "stale""#, None),
            (r#"299 - "never ends"#, None),
            ("299", None),
        ] {
            assert_eq!(text(warning).as_deref(), said, "{warning}");
        }
    }
}
