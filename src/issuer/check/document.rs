//! The discovery document, as far as anybody could read it.

use injection::text::Line;
use serde_json::{Map, Value};

use crate::issuer::web::HttpsUrl;
use crate::issuer::web::{Fetched, Reply};

/// Characters that are shown of what is no JSON.
const SHOWN: usize = 60;

/// Why a text is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAnObject {
    #[error("it is empty")]
    Empty,
    #[error("it begins with a byte order mark, which JSON has not")]
    ByteOrderMark,
    #[error("it is a page in HTML, not JSON: {0}")]
    Html(String),
    #[error("it is XML, not JSON: {0}")]
    Xml(String),
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it is JSON, but not an object")]
    Other,
}

/// Reads an object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    let text = String::from_utf8_lossy(bytes);
    let shown = || Line::new(text.trim(), SHOWN).to_string();
    if text.starts_with('\u{feff}') {
        return Err(NotAnObject::ByteOrderMark);
    }
    let start: String = text.trim_start().chars().take(SHOWN).collect::<String>().to_ascii_lowercase();
    if start.is_empty() {
        return Err(NotAnObject::Empty);
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Err(NotAnObject::Html(shown()));
    }
    if start.starts_with('<') {
        return Err(NotAnObject::Xml(shown()));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(NotAnObject::Other),
        Err(error) => Err(NotAnObject::NotJson(error.to_string())),
    }
}

/// Where the keys are that a discovery document names, if AWS could read them there.
pub(super) fn jwks_url(document: &Fetched) -> Option<HttpsUrl> {
    let reply = document.reached.as_ref().ok()?.reply.as_ref().ok()?;
    let Reply { status: 200, body, .. } = reply else { return None };
    let members = object(body).ok()?;
    let url = HttpsUrl::parse(members.get("jwks_uri")?.as_str()?)?;
    (!url.is_internal()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_is_named() {
        for (text, error) in [
            ("", NotAnObject::Empty),
            (" \n", NotAnObject::Empty),
            ("\u{feff}{}", NotAnObject::ByteOrderMark),
            (
                "\n<!DOCTYPE html><title>a</title>",
                NotAnObject::Html("<!DOCTYPE html><title>a</title>".to_owned()),
            ),
            ("<HTML>", NotAnObject::Html("<HTML>".to_owned())),
            ("<Error/>", NotAnObject::Xml("<Error/>".to_owned())),
            ("[]", NotAnObject::Other),
            ("é", NotAnObject::NotJson("expected value at line 1 column 1".to_owned())),
        ] {
            assert_eq!(object(text.as_bytes()), Err(error), "{text:?}");
        }
        assert!(object(b" {\"a\": 1}\n").unwrap().contains_key("a"));
    }
}
