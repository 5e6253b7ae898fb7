//! URLs of issuers.

use super::super::super::finding::Status;
use super::super::document::difference;
use super::super::issuer_url::judge;
use super::judged;

#[test]
fn each_fault_of_an_issuer_is_named() {
    let (ok, warning, failed) = (Status::Ok, Status::Warning, Status::Failed);
    for (issuer, expected) in [
        ("https://oidc.example.com", vec![(ok, "https, without")]),
        ("https://oidc.example.com/id/ABC", vec![(ok, "https, without")]),
        ("https://oidc.example.com/", vec![(warning, "it ends with a slash")]),
        ("https://Oidc.example.com", vec![(warning, "its host has capital letters")]),
        ("http://oidc.example.com", vec![(failed, "it is http,")]),
        ("HTTPS://oidc.example.com", vec![(failed, "its scheme has capital letters")]),
        ("ftp://oidc.example.com", vec![(failed, "it is not https")]),
        ("oidc.example.com", vec![(failed, "it is not a URL")]),
        ("", vec![(failed, "it is not a URL")]),
        ("https://", vec![(failed, "it is not a valid URL")]),
        ("https://oidc example.com", vec![(failed, "it is not a valid URL")]),
        ("https://oidc.example.com?a=b", vec![(failed, "it has a query")]),
        ("https://oidc.example.com/#a", vec![(failed, "it has a query")]),
        ("https://oidc.example.com:443", vec![(failed, "it has a port")]),
        ("https://me:secret@oidc.example.com", vec![(failed, "it has a user")]),
        (
            "https://oidc.example.com/.well-known/openid-configuration",
            vec![(failed, "it is the URL of the document")],
        ),
        ("https://kubernetes.default.svc", vec![(failed, "its host is of a private network")]),
        (
            "https://10.0.0.1:6443",
            vec![(failed, "it has a port"), (failed, "its host is of a private network")],
        ),
    ] {
        let found = judged(|findings| judge(issuer, findings));
        assert_eq!(found.len(), expected.len(), "{issuer}: {found:?}");
        for ((status, seen), (expected, start)) in found.iter().zip(expected) {
            assert!(*status == expected && seen.starts_with(start), "{issuer}: {found:?}");
        }
    }
}

#[test]
fn it_is_said_in_what_issuers_differ() {
    for (found, what) in [
        ("https://a.example/x/", "has a slash at its end that the issuer has not"),
        ("https://a.example/X", "has other capital and small letters than the issuer"),
        ("http://a.example/x", "has another scheme than the issuer"),
        (" https://a.example/x\n", "has white space around the issuer"),
        ("https://b.example/x", "is another issuer"),
        ("", "is another issuer"),
    ] {
        assert_eq!(difference(found, "https://a.example/x"), what, "{found:?}");
    }
    assert_eq!(difference("https://a.example", "https://a.example/"), "lacks the slash at the issuer's end");
}
