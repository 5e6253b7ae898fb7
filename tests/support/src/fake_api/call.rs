//! From an HTTP request to what it asks, or to the reason why it is refused.

use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request};
use serde_json::Value;

use super::resource;
use super::traffic::{Collection, GetRequest, ListRequest, PatchRequest, WatchRequest};

/// What a request asks for.
pub(super) enum Call {
    List(ListRequest),
    Watch(WatchRequest),
    Get(GetRequest),
    PatchStatus(PatchRequest),
    Patch(PatchRequest),
    /// What a group serves, or one of its versions.
    Discover {
        group: String,
        version: Option<String>,
    },
    /// The Service `kubernetes`.
    Service,
    /// What is said of the tokens that the API server signs, at this path.
    Document(String),
    /// A review of this token, for this audience.
    Review {
        token: String,
        audience: String,
    },
}

/// The paths of what an API server says of its tokens.
const DOCUMENTS: [&str; 2] = ["/.well-known/openid-configuration", "/openid/v1/jwks"];

/// What the fake does not serve.
pub(super) struct Refused {
    pub(super) code: u16,
    pub(super) message: String,
}

pub(super) fn parse(request: &Request<Bytes>) -> Result<Call, Refused> {
    let query = Query(request.uri().query().unwrap_or_default());
    let segments: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
    match *request.method() {
        Method::GET => {}
        Method::PATCH => return parse_patch(request, &segments),
        Method::POST => return parse_review(request, &segments),
        _ => return Err(nowhere()),
    }
    if DOCUMENTS.contains(&request.uri().path()) {
        return Ok(Call::Document(request.uri().path().to_owned()));
    }
    if segments == ["api", "v1", "namespaces", "default", "services", "kubernetes"] {
        return Ok(Call::Service);
    }
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        ["apis", group, rest @ ..] => {
            let version = rest.first().map(|version| (*version).to_owned());
            return Ok(Call::Discover { group: (*group).to_owned(), version });
        }
        _ => return Err(nowhere()),
    };
    let (namespace, plural, name) = match rest {
        [plural] => (None, *plural, None),
        ["nodes", name] => (None, "nodes", Some(*name)),
        ["namespaces", namespace, plural] => (Some((*namespace).to_owned()), *plural, None),
        ["namespaces", namespace, plural, name] => (Some((*namespace).to_owned()), *plural, Some(*name)),
        _ => return Err(nowhere()),
    };
    let collection =
        Collection { resource: resource::name(group, plural), version: version.to_owned(), namespace };
    match (name, query.get("watch")) {
        (Some(name), _) => Ok(Call::Get(GetRequest {
            metadata_only: metadata_only(request, "PartialObjectMetadata")?,
            namespace: collection.namespace.clone().unwrap_or_default(),
            collection,
            name: name.to_owned(),
            resource_version: query.get("resourceVersion").map(str::to_owned),
        })),
        (None, Some("true" | "1")) => parse_watch(request, &query, collection),
        (None, _) => parse_list(request, &query, collection),
    }
}

fn refused(code: u16, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into() }
}

fn nowhere() -> Refused {
    refused(404, "the server could not find the requested resource")
}

/// The writes that are served: a part that is merged into an object's status, and a JSON patch of a node.
fn parse_patch(request: &Request<Bytes>, segments: &[&str]) -> Result<Call, Refused> {
    type Form = (&'static str, fn(PatchRequest) -> Call);
    let merged: Form = ("application/merge-patch+json", Call::PatchStatus);
    let ((form, call), (group, version, namespace, plural, name)) = match segments {
        ["apis", group, version, "namespaces", namespace, plural, name, "status"] => {
            (merged, (*group, *version, Some(*namespace), *plural, *name))
        }
        ["api", version, "nodes", name] => {
            (("application/json-patch+json", Call::Patch as _), ("", *version, None, "nodes", *name))
        }
        _ => return Err(nowhere()),
    };
    if request.headers().get(CONTENT_TYPE).is_none_or(|sent| sent != form) {
        return Err(refused(415, format!("the fake takes {form} alone here")));
    }
    if let Some(query) = request.uri().query() {
        return Err(refused(400, format!("the fake patches without parameters, not with {query}")));
    }
    Ok(call(PatchRequest {
        of: Collection {
            resource: resource::name(group, plural),
            version: version.to_owned(),
            namespace: namespace.map(str::to_owned),
        },
        namespace: namespace.unwrap_or_default().to_owned(),
        name: name.to_owned(),
        part: serde_json::from_slice(request.body()).map_err(|error| refused(400, error.to_string()))?,
    }))
}

/// The one POST that is served: a token, to be told whose it is.
fn parse_review(request: &Request<Bytes>, segments: &[&str]) -> Result<Call, Refused> {
    if segments != ["apis", "authentication.k8s.io", "v1", "tokenreviews"] {
        return Err(nowhere());
    }
    let review: Value =
        serde_json::from_slice(request.body()).map_err(|error| refused(400, error.to_string()))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match (text(&review["spec"]["token"]), text(&review["spec"]["audiences"][0])) {
        (Some(token), Some(audience)) if review["kind"] == "TokenReview" => {
            Ok(Call::Review { token, audience })
        }
        _ => Err(refused(400, "not a TokenReview of a token for an audience")),
    }
}

fn parse_list(request: &Request<Bytes>, query: &Query<'_>, of: Collection) -> Result<Call, Refused> {
    Ok(Call::List(ListRequest {
        of,
        selected: query.selected()?,
        metadata_only: metadata_only(request, "PartialObjectMetadataList")?,
        limit: query.number("limit")?,
        continue_token: query.get("continue").map(str::to_owned),
        resource_version: query.get("resourceVersion").map(str::to_owned),
        query: query.0.to_owned(),
    }))
}

fn parse_watch(request: &Request<Bytes>, query: &Query<'_>, of: Collection) -> Result<Call, Refused> {
    if query.get("sendInitialEvents").is_some() {
        return Err(refused(422, "the fake has no streaming lists"));
    }
    let resource_version = query.number("resourceVersion")?.filter(|&version| version > 0);
    Ok(Call::Watch(WatchRequest {
        of,
        selected: query.selected()?,
        metadata_only: metadata_only(request, "PartialObjectMetadata")?,
        resource_version: resource_version
            .ok_or_else(|| refused(400, "the fake watches only from the version of a list"))?,
        timeout_seconds: query.number("timeoutSeconds")?,
        bookmarks: query.get("allowWatchBookmarks") == Some("true"),
        query: query.0.to_owned(),
    }))
}

/// Takes the first acceptable media type, as kube-apiserver does; `kind` is what `as=` may name here.
fn metadata_only(request: &Request<Bytes>, kind: &str) -> Result<bool, Refused> {
    let accept = match request.headers().get(ACCEPT) {
        Some(accept) => accept.to_str().unwrap_or_default(),
        None => "*/*",
    };
    accept
        .split(',')
        .find_map(|option| {
            let mut parts = option.split(';').map(str::trim);
            let json = matches!(parts.next()?, "application/json" | "application/*" | "*/*");
            let parameters: Vec<&str> = parts.collect();
            match parameters.iter().find_map(|parameter| parameter.strip_prefix("as=")) {
                _ if !json => None,
                None => Some(false),
                Some(named) => {
                    (named == kind && parameters.contains(&"g=meta.k8s.io") && parameters.contains(&"v=v1"))
                        .then_some(true)
                }
            }
        })
        .ok_or_else(|| refused(406, format!("nothing of {accept:?} can be had here")))
}

/// A query string whose values of interest need no decoding: numbers, `true`, and the fake's own tokens.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Refused> {
        self.get(key)
            .map(|value| value.parse().map_err(|_| refused(400, format!("{key}={value} is no number"))))
            .transpose()
    }

    /// The one object that a field selector chooses.
    fn selected(&self) -> Result<Option<String>, Refused> {
        let name = |selector: &str| selector.strip_prefix("metadata.name%3D").map(str::to_owned);
        // All pods of the fake are on the node that is asked for.
        if self.get("fieldSelector").is_some_and(|selector| selector.starts_with("spec.nodeName%3D")) {
            return Ok(None);
        }
        match (self.get("labelSelector"), self.get("fieldSelector")) {
            (None | Some(""), None | Some("")) => Ok(None),
            (None | Some(""), Some(selector)) => name(selector)
                .map(Some)
                .ok_or_else(|| refused(400, "the fake selects by metadata.name alone")),
            (Some(_), _) => Err(refused(400, "the fake does not select by labels")),
        }
    }
}
