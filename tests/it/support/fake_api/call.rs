//! From an HTTP request to what it asks, or to the reason why it is refused.

use hyper::header::ACCEPT;
use hyper::{Method, Request};

use super::traffic::{GetRequest, ListRequest, WatchRequest};

/// What is asked.
pub(super) enum Call {
    List(ListRequest),
    Watch(WatchRequest),
    Get(GetRequest),
}

/// What the fake does not serve.
pub(super) struct Refused {
    pub(super) code: u16,
    pub(super) message: String,
}

pub(super) fn parse<B>(request: &Request<B>) -> Result<Call, Refused> {
    let query = Query(request.uri().query().unwrap_or_default());
    let segments: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["api", "v1", "serviceaccounts"]) => match query.get("watch") {
            Some("true" | "1") => parse_watch(request, &query),
            _ => parse_list(request, &query),
        },
        (&Method::GET, ["api", "v1", "namespaces", namespace, "serviceaccounts", name]) => {
            Ok(Call::Get(GetRequest {
                metadata_only: metadata_only(request, "PartialObjectMetadata")?,
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                resource_version: query.get("resourceVersion").map(str::to_owned),
            }))
        }
        _ => Err(refused(404, "the server could not find the requested resource")),
    }
}

fn refused(code: u16, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into() }
}

fn parse_list<B>(request: &Request<B>, query: &Query<'_>) -> Result<Call, Refused> {
    query.refuse_selectors()?;
    Ok(Call::List(ListRequest {
        metadata_only: metadata_only(request, "PartialObjectMetadataList")?,
        limit: query.number("limit")?,
        continue_token: query.get("continue").map(str::to_owned),
        resource_version: query.get("resourceVersion").map(str::to_owned),
        query: query.0.to_owned(),
    }))
}

fn parse_watch<B>(request: &Request<B>, query: &Query<'_>) -> Result<Call, Refused> {
    query.refuse_selectors()?;
    if query.get("sendInitialEvents").is_some() {
        return Err(refused(422, "the fake has no streaming lists"));
    }
    let resource_version = query.number("resourceVersion")?.filter(|&version| version > 0);
    Ok(Call::Watch(WatchRequest {
        metadata_only: metadata_only(request, "PartialObjectMetadata")?,
        resource_version: resource_version
            .ok_or_else(|| refused(400, "the fake watches only from the version of a list"))?,
        timeout_seconds: query.number("timeoutSeconds")?,
        bookmarks: query.get("allowWatchBookmarks") == Some("true"),
        query: query.0.to_owned(),
    }))
}

/// Takes the first acceptable media type, as kube-apiserver does; `kind` is what `as=` may name here.
fn metadata_only<B>(request: &Request<B>, kind: &str) -> Result<bool, Refused> {
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

/// A query string whose values of interest need no decoding: numbers, `true`, and our own tokens.
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

    fn refuse_selectors(&self) -> Result<(), Refused> {
        match self.get("labelSelector").or_else(|| self.get("fieldSelector")) {
            None | Some("") => Ok(()),
            Some(_) => Err(refused(400, "the fake does not select")),
        }
    }
}
