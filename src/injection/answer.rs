//! Writes the `AdmissionReview` that answers one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Outcome;
use super::patch::string;
use super::review::ApiVersion;
use super::warning::Warning;

/// The API server cuts every warning at 256 characters once one answer's warnings exceed this
/// many together; we stop before.
const WARNINGS_LIMIT: usize = 4096;

/// An answer; allowed unless it bears a denial.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The version that was asked in.
    pub version: ApiVersion,
    /// The call's id.
    pub uid: &'a str,
    /// How the admission ended.
    pub outcome: Outcome,
    /// The JSON Patch, if anything is added.
    pub patch: Option<&'a [u8]>,
    /// What the user should know.
    pub warnings: &'a [Warning],
    /// Why the pod is refused: policy alone, never our own trouble.
    pub denial: Option<&'a str>,
    /// For the audit log, which has no warnings: the role that the role policy does not allow, and why.
    pub forbidden: Option<&'a str>,
}

impl Answer<'_> {
    /// The answer's JSON.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { version, uid, outcome, patch, warnings, denial, forbidden } = self;
        let mut out = Vec::with_capacity(320 + patch.map_or(0, |patch| patch.len() * 4 / 3));
        out.extend_from_slice(br#"{"apiVersion":"#);
        string(&mut out, version.as_str());
        out.extend_from_slice(br#","kind":"AdmissionReview","response":{"uid":"#);
        string(&mut out, uid);
        out.extend_from_slice(br#","allowed":"#);
        out.extend_from_slice(if denial.is_none() { b"true" } else { b"false" });
        if let Some(message) = denial {
            out.extend_from_slice(br#","status":{"code":403,"reason":"Forbidden","message":"#);
            string(&mut out, message);
            out.push(b'}');
        }
        if let Some(patch) = patch {
            out.extend_from_slice(br#","patchType":"JSONPatch","patch":""#);
            base64(&mut out, patch);
            out.push(b'"');
        }
        if !warnings.is_empty() {
            out.extend_from_slice(br#","warnings":["#);
            write_warnings(&mut out, warnings);
            out.push(b']');
        }
        // The API server puts the webhook's name before the key.
        out.extend_from_slice(br#","auditAnnotations":{"outcome":"#);
        string(&mut out, outcome.label());
        if let Some(forbidden) = forbidden {
            out.extend_from_slice(br#","role-policy":"#);
            string(&mut out, forbidden);
        }
        out.extend_from_slice(b"}}}");
        out
    }
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    let length = bytes.len().div_ceil(3) * 4;
    out.resize(start + length, 0);
    if let Some(place) = out.get_mut(start..) {
        let written = STANDARD.encode_slice(bytes, place);
        debug_assert_eq!(written.ok(), Some(length));
    }
}

fn write_warnings(out: &mut Vec<u8>, warnings: &[Warning]) {
    let mut left = WARNINGS_LIMIT;
    for (place, warning) in warnings.iter().enumerate() {
        let text = warning.to_string();
        if place > 0 {
            out.push(b',');
        }
        // Room for the line that says how many are missing.
        match left.checked_sub(text.len() + 32) {
            Some(rest) => left = rest,
            None => return string(out, &format!("and {} more warnings", warnings.len() - place)),
        }
        string(out, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stay_below_the_limit_of_the_api_server() {
        let warning = Warning::AccountMissing { account: "x".repeat(60) };
        let warnings = vec![warning; 200];
        let answer = Answer {
            version: ApiVersion::V1,
            uid: "u",
            outcome: Outcome::Injected,
            patch: None,
            warnings: &warnings,
            denial: None,
            forbidden: None,
        };
        let value: serde_json::Value = serde_json::from_slice(&answer.write()).unwrap();
        let texts = value["response"]["warnings"].as_array().unwrap();
        let total: usize = texts.iter().map(|text| text.as_str().unwrap().len()).sum();
        assert!(total <= WARNINGS_LIMIT, "{total}");
        assert!(texts.last().unwrap().as_str().unwrap().ends_with("more warnings"));
    }
}
