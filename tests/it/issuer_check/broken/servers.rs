//! What is wrong with the URL, the server and its answers.

use super::super::site::{Manner, Reply};
use super::super::world::{DOCUMENT, HOST, KEYS, document};
use super::Row;

pub(super) const ROWS: [Row; 18] = [
    Row {
        what: "the issuer is an `http` URL",
        change: |world| {
            world.issuer = world.issuer.replace("https", "http");
            world.issue(&world.issuer.clone(), 0);
        },
        status: "failed",
        steps: &["url"],
    },
    Row {
        what: "the issuer has a port",
        change: |world| {
            world.issuer = world.issuer.replace(HOST, "oidc.example.com:8443");
            world.issue(&world.issuer.clone(), 0);
            world.reply(DOCUMENT).body = document(&world.issuer.clone()).to_string().into_bytes();
        },
        status: "failed",
        steps: &["url"],
    },
    Row {
        what: "nothing listens",
        change: |world| world.is_up = false,
        status: "failed",
        steps: &["connection"],
    },
    Row {
        what: "the server speaks plain HTTP",
        change: |world| world.has_tls = false,
        status: "failed",
        steps: &["connection"],
    },
    Row {
        what: "the certificate has expired",
        change: |world| world.years = (2020, 2021),
        status: "failed",
        steps: &["certificate"],
    },
    Row {
        what: "the certificate is not valid yet",
        change: |world| world.years = (2098, 2099),
        status: "failed",
        steps: &["certificate"],
    },
    Row {
        what: "the certificate is for another host",
        change: |world| world.names = vec!["www.example.com"],
        status: "failed",
        steps: &["certificate"],
    },
    Row {
        what: "the certificate is from an authority that is not public",
        change: |world| world.is_authority_named = false,
        status: "failed",
        steps: &["certificate"],
    },
    Row {
        what: "the document's URL redirects",
        change: |world| {
            let to = [("Location", "https://www.example.com/prod/.well-known/openid-configuration")];
            *world.reply(DOCUMENT) = Reply::status(301, &to, "");
        },
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the S3 bucket is in another region",
        change: |world| {
            let body = "<Error><Code>PermanentRedirect</Code></Error>";
            let region = [("x-amz-bucket-region", "eu-central-1"), ("Server", "AmazonS3")];
            *world.reply(DOCUMENT) = Reply::status(301, &region, body);
        },
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the object in S3 is not public, or there is none",
        change: |world| {
            let body = "<Error><Code>AccessDenied</Code></Error>";
            *world.reply(DOCUMENT) = Reply::status(403, &[("Server", "AmazonS3")], body);
        },
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the document is forbidden to the public",
        change: |world| *world.reply(DOCUMENT) = Reply::status(403, &[], "{}"),
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "there is no document",
        change: |world| drop(world.site.remove(DOCUMENT)),
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the server has trouble",
        change: |world| *world.reply(DOCUMENT) = Reply::status(502, &[], ""),
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the answer is too slow",
        change: |world| world.reply(DOCUMENT).manner = Manner::Stalled,
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "the answer breaks off",
        change: |world| world.reply(DOCUMENT).manner = Manner::Cut,
        status: "failed",
        steps: &["answer"],
    },
    Row {
        what: "there are no keys at `jwks_uri`",
        change: |world| drop(world.site.remove(KEYS)),
        status: "failed",
        steps: &["keysAnswer"],
    },
    Row {
        what: "the key set is huge",
        change: |world| {
            let padding = " ".repeat((1 << 20) + 1);
            world.reply(KEYS).body.extend_from_slice(padding.as_bytes());
        },
        status: "failed",
        steps: &["keysAnswer"],
    },
];
