//! Answers, and where they came from.

use std::time::SystemTime;

use tokio_rustls::rustls::RootCertStore;

use super::super::super::finding::Status;
use super::super::certificate::Certificates;
use super::super::fetched::{Steps, judge};
use super::super::headers;
use super::{fetched, judged, only, seen};
use crate::issuer::web::Authorities;
use crate::issuer::web::HttpsUrl;
use crate::issuer::web::{Fetched, Reply, Unreached};

const URL: &str = "https://oidc.example.com/keys";

#[test]
fn headers_that_keep_a_document_for_long_or_call_it_something_else_are_told() {
    for (content_type, cache_control, told) in [
        (Some("application/json; charset=utf-8"), Some("public, max-age=300"), vec![]),
        (Some("application/jwk-set+json"), Some("MAX-AGE=86400"), vec![]),
        (Some("application/json"), Some("no-store"), vec![]),
        (None, Some("max-age=300"), vec!["the keys: Content-Type is \"\""]),
        (Some("text/html"), Some("max-age=300"), vec!["the keys: Content-Type is \"text/html\""]),
        (Some("application/json"), None, vec!["the keys: no max-age says how long it may be kept"]),
        (
            Some("application/json"),
            Some("max-age=x"),
            vec!["the keys: no max-age says how long it may be kept"],
        ),
        (
            Some("application/json"),
            Some("max-age=86401"),
            vec!["the keys: it may be kept for 86401 s, more than a day"],
        ),
    ] {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let reply = Reply {
            status: 200,
            content_type: text(content_type),
            cache_control: text(cache_control),
            ..Reply::default()
        };
        let seen = seen(None, Some(fetched(URL, Ok(reply))));
        let found = judged(|findings| headers::judge(&seen, findings));
        let warnings: Vec<_> = found.iter().filter(|(status, _)| *status == Status::Warning).collect();
        let warnings: Vec<_> = warnings.iter().map(|(_, seen)| seen.as_str()).collect();
        assert_eq!(warnings, told, "{content_type:?} {cache_control:?}");
    }
}

#[test]
fn a_name_that_is_of_a_private_network_here_has_failed() {
    let mut document = fetched(URL, Ok(Reply::default()));
    document.reached.as_mut().unwrap().address = "10.1.2.3:443".parse().unwrap();
    let found = judged_of(&document);
    assert_eq!(
        found[0],
        (Status::Failed, "oidc.example.com is 10.1.2.3 here, which AWS cannot reach".to_owned())
    );
    document.reached.as_mut().unwrap().is_by_flag = true;
    assert_eq!(judged_of(&document)[0].0, Status::Ok);
}

#[test]
fn a_server_that_is_not_reached_leaves_the_rest_open() {
    let url = HttpsUrl::parse(URL).unwrap();
    let unknown = Unreached::Name("oidc.example.com".to_owned(), "no such host".to_owned());
    let document = Fetched { url, reached: Err(unknown) };
    let statuses: Vec<_> = judged_of(&document).into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, [Status::Failed, Status::Skipped, Status::Skipped]);
}

#[test]
fn headers_of_no_document_are_skipped() {
    let finding = only(|findings| headers::judge(&seen(None, None), findings));
    assert_eq!(finding.status, Status::Skipped);
}

fn judged_of(document: &Fetched) -> Vec<(Status, String)> {
    let authorities = Authorities { public: RootCertStore::empty(), own: None };
    let certificates = Certificates { authorities: &authorities, now: SystemTime::now() };
    judged(|findings| {
        judge(document, Steps::DOCUMENT, &certificates, None, findings);
    })
}
