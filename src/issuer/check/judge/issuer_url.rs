//! Whether a URL can be an issuer's. AWS compares it character by character with `iss`, so that what is not usual is told
//! even where it is allowed.

use super::super::finding::{Findings, PodSees, Step};
use crate::issuer::web::HttpsUrl;

/// Judges the issuer's URL; each fault is a finding.
pub(super) fn judge(issuer: &str, findings: &mut Findings) {
    let no_provider = || PodSees::NoProvider(issuer.to_owned());
    let Some((scheme, rest)) = issuer.split_once("://") else {
        let fix = "Give --issuer as the API servers have it, with https://.";
        return findings.fail(Step::Url, "it is not a URL", no_provider(), fix);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    scheme_and_form(issuer, scheme, findings);
    if path.contains(['?', '#']) {
        let fix = "Choose an issuer without them: IAM takes no such provider. A path is allowed.";
        findings.fail(Step::Url, "it has a query or a fragment", no_provider(), fix);
    }
    if path.contains("/.well-known") {
        let fix = "Give --issuer without /.well-known/openid-configuration, which AWS adds.";
        findings.fail(Step::Url, "it is the URL of the document, not of the issuer", no_provider(), fix);
    }
    host(issuer, authority, findings);
    if findings.is_open(Step::Url) && path.ends_with('/') {
        let fix = "Keep it only if tokens have it too: the slash is a part of the issuer, and has to stand in the flag of the \
                   API servers, in the document and in the URL of the IAM provider.";
        findings.warn(Step::Url, "it ends with a slash", fix);
    }
    if findings.is_open(Step::Url) {
        findings.ok(Step::Url, "https, without a port, a query or a slash at its end");
    }
}

fn scheme_and_form(issuer: &str, scheme: &str, findings: &mut Findings) {
    let no_provider = || PodSees::NoProvider(issuer.to_owned());
    match scheme {
        "http" => {
            let fix = "Serve the documents over https, and set --service-account-issuer of the API servers to the https URL; \
                       keep the old issuer as a second flag until its tokens have expired.";
            findings.fail(Step::Url, "it is http, and AWS reads https alone", no_provider(), fix);
        }
        "https" if HttpsUrl::of_document(issuer).is_none() && !issuer.contains(['?', '#', '@']) => {
            let fix = "Give --issuer as the API servers have it: https://HOST, or https://HOST/PATH.";
            findings.fail(Step::Url, "it is not a valid URL", no_provider(), fix);
        }
        "https" => {}
        other if other.eq_ignore_ascii_case("https") => {
            let fix = "Write https in lower case, in --service-account-issuer of the API servers too: AWS compares the issuer \
                       character by character.";
            findings.fail(Step::Url, "its scheme has capital letters", no_provider(), fix);
        }
        _ => {
            let fix = "Choose an issuer whose URL begins with https://.";
            findings.fail(Step::Url, "it is not https, which AWS reads alone", no_provider(), fix);
        }
    }
}

fn host(issuer: &str, authority: &str, findings: &mut Findings) {
    let no_provider = || PodSees::NoProvider(issuer.to_owned());
    if authority.contains('@') {
        let fix = "Choose an issuer without a user and a password: the documents are public.";
        return findings.fail(Step::Url, "it has a user before the host", no_provider(), fix);
    }
    if authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']')) {
        let fix =
            "Serve the documents at port 443, and leave the port out: IAM takes no provider with a port.";
        findings.fail(Step::Url, "it has a port", no_provider(), fix);
    }
    if HttpsUrl::parse(&format!("https://{authority}")).is_some_and(|url| url.is_internal()) {
        let fix = "Choose an issuer on a host that the internet knows, publish the documents there, and set \
                   --service-account-issuer of the API servers to it.";
        findings.fail(
            Step::Url,
            "its host is of a private network, where AWS reads nothing",
            PodSees::NoKey,
            fix,
        );
    }
    if authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let fix = "Write the host in lower case everywhere. If the API servers have it with capital letters, so must the \
                   document and the IAM provider.";
        findings.warn(
            Step::Url,
            "its host has capital letters, and AWS compares character by character",
            fix,
        );
    }
}
