//! What the discovery document says.

use injection::text::Quoted;
use serde_json::{Map, Value};

use super::super::document::{NotAnObject, object};
use super::super::finding::{Findings, PodSees, Step};
use crate::issuer::web::{HTTPS, HttpsUrl};

/// Characters of somebody else's text that are shown.
const SHOWN: usize = 200;

/// How the document that `issuer publish` writes is had.
const PUBLISH: &str = "Publish the document that 'pod-identity-webhook issuer publish' makes.";

/// What to do about what is no JSON.
pub(super) fn to_be_json(why: &NotAnObject) -> &'static str {
    match why {
        NotAnObject::Html(_) => {
            "Have the server answer this path with the file itself: a page that answers every path, a login or an error page stands \
             in its place."
        }
        NotAnObject::ByteOrderMark => {
            "Write the file as UTF-8 without a byte order mark: its first byte has to be a brace."
        }
        NotAnObject::Empty | NotAnObject::Xml(_) | NotAnObject::NotJson(_) | NotAnObject::Other => {
            "Publish what 'pod-identity-webhook issuer publish' makes, and change nothing of it on the way."
        }
    }
}

/// Judges the document, if it could be read; says whether it names keys that AWS could read.
pub(super) fn judge(body: Option<&[u8]>, issuer: &str, findings: &mut Findings) -> bool {
    let rest = [Step::Issuer, Step::Members, Step::JwksUri];
    let Some(body) = body else {
        for step in [Step::Document].into_iter().chain(rest) {
            findings.skip(step, "there is no document");
        }
        return false;
    };
    let members = match object(body) {
        Ok(members) => members,
        Err(why) => {
            findings.fail(Step::Document, why.to_string(), PodSees::NoKey, to_be_json(&why));
            for step in rest {
                findings.skip(step, "there is no document");
            }
            return false;
        }
    };
    findings.ok(Step::Document, "a JSON object");
    judge_issuer(&members, issuer, findings);
    judge_members(&members, findings);
    judge_keys_url(&members, issuer, findings)
}

fn judge_issuer(members: &Map<String, Value>, issuer: &str, findings: &mut Findings) {
    let step = Step::Issuer;
    let Some(found) = members.get("issuer").and_then(Value::as_str) else {
        let fix = format!("Write the member issuer, which has to be exactly {issuer}.");
        return findings.fail(step, "the document has no issuer", PodSees::NoKey, fix);
    };
    if found == issuer {
        return findings.ok(step, "exactly the URL");
    }
    let what = difference(found, issuer);
    let seen = format!("the document's is {}, which {what}", Quoted::new(found, SHOWN));
    let fix = format!(
        "Have the document say exactly \"issuer\": {}, if that is what tokens have in iss. If the document is right, give its issuer \
         as --issuer, to IAM, and first in --service-account-issuer of the API servers.",
        Quoted::new(issuer, SHOWN)
    );
    findings.fail(step, seen, PodSees::NoKey, fix);
}

/// In what an issuer differs from the one that was expected.
pub(super) fn difference(found: &str, expected: &str) -> &'static str {
    let is_same_but_slash = found.trim_end_matches('/') == expected.trim_end_matches('/');
    let bare = |issuer: &str| issuer.split_once("://").map_or(issuer, |(_, rest)| rest).to_owned();
    if is_same_but_slash && found.ends_with('/') {
        "has a slash at its end that the issuer has not"
    } else if is_same_but_slash {
        "lacks the slash at the issuer's end"
    } else if found.eq_ignore_ascii_case(expected) {
        "has other capital and small letters than the issuer"
    } else if bare(found) == bare(expected) {
        "has another scheme than the issuer"
    } else if found.trim() == expected {
        "has white space around the issuer"
    } else {
        "is another issuer"
    }
}

fn judge_members(members: &Map<String, Value>, findings: &mut Findings) {
    let lists = [
        ("response_types_supported", "id_token"),
        ("subject_types_supported", "public"),
        ("id_token_signing_alg_values_supported", ""),
    ];
    let has = |name: &str, value: &str| {
        let list = members.get(name).and_then(Value::as_array);
        list.is_some_and(|list| {
            list.iter().any(|one| one.as_str().is_some_and(|one| value.is_empty() || one == value))
        })
    };
    let missing: Vec<_> =
        lists.into_iter().filter(|(name, value)| !has(name, value)).map(|(name, _)| name).collect();
    if missing.is_empty() {
        return findings.ok(Step::Members, "those that OpenID Connect asks for");
    }
    let seen = format!("these lists are missing or lack what they need: {}", missing.join(", "));
    findings.warn(Step::Members, seen, format!("OpenID Connect asks for them, and AWS may. {PUBLISH}"));
}

fn judge_keys_url(members: &Map<String, Value>, issuer: &str, findings: &mut Findings) -> bool {
    let step = Step::JwksUri;
    let Some(found) = members.get("jwks_uri").and_then(Value::as_str) else {
        let fix = "Write the member jwks_uri: the https URL where the keys are.";
        findings.fail(step, "the document does not say where the keys are", PodSees::NoKey, fix);
        return false;
    };
    let shown = Quoted::new(found, SHOWN).to_string();
    let Some(url) = HttpsUrl::parse(found) else {
        let fix = "Write an https URL into jwks_uri, where the keys are.";
        findings.fail(step, format!("{shown} is not an https URL"), PodSees::NoKey, fix);
        return false;
    };
    if url.is_internal() {
        let fix = "Publish the keys at the issuer, and write that URL into jwks_uri, not the API server's own: \
                   'pod-identity-webhook issuer publish' does both. (The API servers' --service-account-jwks-uri is for their own \
                   document.)";
        findings.fail(
            step,
            format!("{shown} is in a private network, which AWS cannot reach"),
            PodSees::NoKey,
            fix,
        );
        return false;
    }
    let is_elsewhere = HttpsUrl::of_document(issuer).is_none_or(|document| document.host != url.host);
    if url.port != HTTPS {
        let fix = "Serve the keys at port 443, as AWS documents no other, and leave the port out.";
        findings.warn(step, format!("{shown} has the port {}", url.port), fix);
    } else if is_elsewhere {
        let fix = "This is allowed. Whoever can write there can be any pod, and a thumbprint in IAM has to be that of this host.";
        findings.warn(step, format!("{shown} is on another host than the issuer"), fix);
    } else {
        findings.ok(step, shown);
    }
    true
}
