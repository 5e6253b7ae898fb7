//! Writes the `AdmissionReview` that answers a request's.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::decide::Decision;
use super::patch::string;
use super::review::Review;
use super::warning::Warning;

/// The API server cuts every warning at 256 characters once one answer's warnings exceed this
/// many together; the webhook stops before.
const WARNINGS_LIMIT: usize = 4096;

impl Decision<'_> {
    /// The answer to a review, as JSON.
    #[must_use]
    pub fn answer(&self, review: &Review<'_>) -> Vec<u8> {
        let patch = self.patch();
        let mut out = Vec::with_capacity(320 + patch.map_or(0, |patch| patch.len() * 4 / 3));
        out.extend_from_slice(br#"{"apiVersion":"#);
        string(&mut out, review.version.as_str());
        out.extend_from_slice(br#","kind":"AdmissionReview","response":{"uid":"#);
        string(&mut out, &review.uid);
        out.extend_from_slice(br#","allowed":"#);
        if let Self::Refused { message, .. } = self {
            out.extend_from_slice(br#"false,"status":{"code":403,"reason":"Forbidden","message":"#);
            string(&mut out, message);
            out.push(b'}');
        } else {
            out.extend_from_slice(b"true");
        }
        if let Some(patch) = patch {
            out.extend_from_slice(br#","patchType":"JSONPatch","patch":""#);
            base64(&mut out, patch);
            out.push(b'"');
        }
        if !self.warnings().is_empty() {
            out.extend_from_slice(br#","warnings":["#);
            write_warnings(&mut out, self.warnings());
            out.push(b']');
        }
        // The API server puts the webhook's name before the key.
        out.extend_from_slice(br#","auditAnnotations":{"outcome":"#);
        string(&mut out, self.outcome().label());
        // The audit log does not show warnings.
        if let Some((role_arn, why)) = self.forbidden() {
            out.extend_from_slice(br#","role-policy":"#);
            string(&mut out, &format!("{role_arn}: {why}"));
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
    use super::super::reason::Reason;
    use super::super::review::ApiVersion;
    use super::*;

    #[test]
    fn warnings_stay_below_the_limit_of_the_api_server() {
        let warning = Warning::AccountMissing { account: "x".repeat(60) };
        let warnings = vec![warning; 200];
        let review =
            Review { version: ApiVersion::V1, uid: "u".into(), namespace: "n".into(), subject: None };
        let decision = Decision::Untouched { reason: Reason::AccountMissing, warnings };
        let value: serde_json::Value = serde_json::from_slice(&decision.answer(&review)).unwrap();
        let texts = value["response"]["warnings"].as_array().unwrap();
        let total: usize = texts.iter().map(|text| text.as_str().unwrap().len()).sum();
        assert!(total <= WARNINGS_LIMIT, "{total}");
        assert!(texts.last().unwrap().as_str().unwrap().ends_with("more warnings"));
    }
}
