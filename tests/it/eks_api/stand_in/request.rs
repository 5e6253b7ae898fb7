//! What a request has to be: signed as `SigV4` wants it, with the parameters of the service model.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;

use super::{CLUSTER, KEYS, REGION, SESSION};

/// A `ListPodIdentityAssociations` that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    pub cluster: String,
    pub namespace: Option<String>,
    pub service_account: Option<String>,
    pub max_results: usize,
    /// How many entries come before this page.
    pub offset: usize,
    /// Whose credentials signed it.
    pub key: String,
}

/// The page that begins there, as a client has to pass it on: with what a URL must escape.
pub(super) fn token(offset: usize) -> String {
    STANDARD.encode(format!("??>>page~{offset}"))
}

/// The name of the cluster in a path of the API.
pub(super) fn cluster(path: &str) -> Option<&str> {
    path.strip_prefix("/clusters/")?.strip_suffix("/pod-identity-associations")
}

impl ListRequest {
    pub(super) fn new(cluster: &str, query: &str, key: &str) -> Result<Self, String> {
        let mut list = Self {
            cluster: cluster.to_owned(),
            namespace: None,
            service_account: None,
            max_results: 100,
            offset: 0,
            key: key.to_owned(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(pair)?;
            let value = unescaped(value);
            match name {
                "namespace" => list.namespace = Some(value),
                "serviceAccount" => list.service_account = Some(value),
                "maxResults" => {
                    let results = value.parse().ok().filter(|results| (1..=100).contains(results));
                    list.max_results = results.ok_or(value)?;
                }
                "nextToken" => list.offset = offset(&value).ok_or(value)?,
                _ => return Err(format!("unknown parameter {name}")),
            }
        }
        Ok(list)
    }

    pub(super) fn is_of_the_cluster(&self) -> bool {
        self.cluster == CLUSTER
    }
}

fn offset(token: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    text.strip_prefix("??>>page~")?.parse().ok()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The access key of a well-formed `Authorization: AWS4-HMAC-SHA256 …`, or what is wrong with it.
pub(super) fn signer(headers: &HeaderMap) -> Result<String, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let authorization = header("authorization");
    let wrong = |what: &str| Err(format!("{what}: {authorization}"));
    let Some(parts) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return wrong("not SigV4");
    };
    let part = |name: &str| {
        parts
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
    };
    let date = header("x-amz-date");
    let is_date = date.len() == 16 && date.as_bytes()[8] == b'T' && date.ends_with('Z');
    let [key, day, REGION, "eks", "aws4_request"] = *part("Credential").split('/').collect::<Vec<_>>() else {
        return wrong("another scope");
    };
    if !is_date || !date.starts_with(day) {
        return wrong("another day");
    }
    if !["host", "x-amz-date"]
        .iter()
        .all(|name| part("SignedHeaders").split(';').any(|signed| signed == *name))
    {
        return wrong("too few signed headers");
    }
    let signature = part("Signature");
    if signature.len() != 64 || !signature.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return wrong("no signature");
    }
    if !KEYS.contains(&key) || header("x-amz-security-token") != SESSION {
        return wrong("unknown credentials");
    }
    Ok(key.to_owned())
}
