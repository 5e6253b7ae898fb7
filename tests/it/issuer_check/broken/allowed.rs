//! What works, and is worth a warning.

use serde_json::{Value, json};

use super::super::signer::Signer;
use super::super::site::Reply;
use super::super::world::{DOCUMENT, ISSUER, KEYS, document};
use super::Row;

pub(super) const ROWS: [Row; 9] = [
    Row {
        what: "`jwks_uri` is on another host",
        change: |world| {
            let keys = world.reply(KEYS).clone();
            world.site.insert("/keys".to_owned(), keys);
            let mut document = document(ISSUER);
            document["jwks_uri"] = json!("https://keys.example.com/keys");
            world.reply(DOCUMENT).body = document.to_string().into_bytes();
        },
        status: "warning",
        steps: &["jwksUri"],
    },
    Row {
        what: "the issuer ends with a slash, everywhere",
        change: |world| {
            world.issuer = format!("{ISSUER}/");
            world.issue(&world.issuer.clone(), 0);
            world.reply(DOCUMENT).body = document(&world.issuer.clone()).to_string().into_bytes();
        },
        status: "warning",
        steps: &["url"],
    },
    Row {
        what: "the document lacks members of OpenID Connect",
        change: |world| {
            let mut document = document(ISSUER);
            document.as_object_mut().unwrap().remove("subject_types_supported");
            world.reply(DOCUMENT).body = document.to_string().into_bytes();
        },
        status: "warning",
        steps: &["members"],
    },
    Row {
        what: "a key has no `kid`, beside those that have one",
        change: |world| {
            let mut key = Signer::new().key();
            key["kid"] = json!("");
            let keys: Value = json!({ "keys": [world.signer.key(), key] });
            *world.reply(KEYS) = Reply::json(keys.to_string());
        },
        status: "warning",
        steps: &["keys"],
    },
    Row {
        what: "the documents may be kept for a week",
        change: |world| {
            for path in [DOCUMENT, KEYS] {
                world.reply(path).headers[1].1 = String::from("public, max-age=604800");
            }
        },
        status: "warning",
        steps: &["headers", "headers"],
    },
    Row {
        what: "the keys have another Content-Type",
        change: |world| world.reply(KEYS).headers[0].1 = String::from("binary/octet-stream"),
        status: "warning",
        steps: &["headers"],
    },
    Row {
        what: "the user may not create `serviceaccounts/token`",
        change: |world| {
            let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
            world.cluster.insert(path.to_owned(), Reply::status(403, &[], "{}"));
        },
        status: "warning",
        steps: &["token"],
    },
    Row {
        what: "the user may not read the cluster's issuer and keys",
        change: |world| {
            for path in ["/.well-known/openid-configuration", "/openid/v1/jwks"] {
                world.cluster.insert(path.to_owned(), Reply::status(403, &[], "{}"));
            }
        },
        status: "warning",
        steps: &["clusterIssuer", "clusterKeys"],
    },
    Row {
        what: "a key is still published that is said to be withdrawn",
        change: |world| {
            let withdrawn = Signer::new();
            let keys = json!({ "keys": [world.signer.key(), withdrawn.key()] });
            world.publish(&document(ISSUER), &keys);
            world.flags.push(format!("--withdrawn={}", withdrawn.kid()));
        },
        status: "warning",
        steps: &["clusterKeys"],
    },
];
