//! What is wrong with the documents, or does not fit the cluster.

use serde_json::json;

use super::super::signer::Signer;
use super::super::site::Reply;
use super::super::world::{DOCUMENT, ISSUER, KEYS, World, document};
use super::Row;

pub(super) const ROWS: [Row; 18] = [
    Row {
        what: "an HTML page is in the document's place",
        change: |world| world.reply(DOCUMENT).body = b"<!DOCTYPE html>\n<title>Sign in</title>".to_vec(),
        status: "failed",
        steps: &["document"],
    },
    Row {
        what: "the document begins with a byte order mark",
        change: |world| {
            let body = format!("\u{feff}{}", document(ISSUER));
            world.reply(DOCUMENT).body = body.into_bytes();
        },
        status: "failed",
        steps: &["document"],
    },
    Row {
        what: "the document's issuer has a slash at its end",
        change: |world| issuer(world, &format!("{ISSUER}/")),
        status: "failed",
        steps: &["issuer"],
    },
    Row {
        what: "the document's issuer has other capital letters",
        change: |world| issuer(world, &ISSUER.replace("prod", "Prod")),
        status: "failed",
        steps: &["issuer"],
    },
    Row {
        what: "the document's issuer is another",
        change: |world| issuer(world, "https://kubernetes.default.svc.cluster.local"),
        status: "failed",
        steps: &["issuer"],
    },
    Row {
        what: "`jwks_uri` is the API server's own address",
        change: |world| keys_at(world, "https://10.0.0.1:6443/openid/v1/jwks"),
        status: "failed",
        steps: &["jwksUri"],
    },
    Row {
        what: "`jwks_uri` is an `http` URL",
        change: |world| keys_at(world, "http://oidc.example.com/prod/keys"),
        status: "failed",
        steps: &["jwksUri"],
    },
    Row {
        what: "the key set is empty",
        change: |world| *world.reply(KEYS) = Reply::json(r#"{"keys":[]}"#),
        status: "failed",
        steps: &["keys"],
    },
    Row {
        what: "a private key is published",
        change: |world| {
            let mut key = world.signer.key();
            key["d"] = json!("AAAA");
            publish(world, &[key]);
        },
        status: "failed",
        steps: &["keys"],
    },
    Row {
        what: "two keys have one `kid`",
        change: |world| {
            let (mut other, own) = (Signer::new().key(), world.signer.key());
            other["kid"] = own["kid"].clone();
            publish(world, &[own, other]);
        },
        status: "failed",
        steps: &["keys"],
    },
    Row {
        what: "more than 100 keys of a type are published",
        change: |world| {
            let others = (0..100).map(|_| Signer::new().key());
            let keys: Vec<_> = others.chain([world.signer.key()]).collect();
            publish(world, &keys);
        },
        status: "failed",
        steps: &["keys"],
    },
    Row {
        what: "tokens have another issuer",
        change: |world| world.issue("https://kubernetes.default.svc.cluster.local", 0),
        status: "failed",
        steps: &["clusterIssuer", "token"],
    },
    Row {
        what: "the key that signs is not published",
        change: |world| publish(world, &[Signer::new().key()]),
        status: "failed",
        steps: &["clusterKeys", "signature"],
    },
    Row {
        what: "the key that signs is published under another `kid`",
        change: |world| {
            let mut key = world.signer.key();
            key["kid"] = json!("key-1");
            publish(world, &[key]);
        },
        status: "failed",
        steps: &["clusterKeys", "signature"],
    },
    Row {
        what: "another key is published under the `kid` of the one that signs",
        change: |world| {
            let mut key = Signer::new().key();
            key["kid"] = json!(world.signer.kid());
            publish(world, &[key]);
        },
        status: "failed",
        steps: &["clusterKeys", "signature"],
    },
    Row {
        what: "a key of the API server that does not sign yet is not published",
        change: |world| {
            let keys = json!({ "keys": [world.signer.key(), Signer::new().key()] });
            world.cluster.insert("/openid/v1/jwks".to_owned(), Reply::json(keys.to_string()));
        },
        status: "failed",
        steps: &["clusterKeys"],
    },
    Row {
        what: "tokens are for another audience",
        change: |world| world.flags.push("--token-audience=sts.amazonaws.com.cn".to_owned()),
        status: "failed",
        steps: &["token"],
    },
    Row {
        what: "the API server's clock is ten minutes ahead",
        change: |world| world.issue(ISSUER, 600),
        status: "failed",
        steps: &["clock"],
    },
];

fn issuer(world: &mut World, issuer: &str) {
    world.reply(DOCUMENT).body = document(issuer).to_string().into_bytes();
}

fn keys_at(world: &mut World, url: &str) {
    let mut document = document(ISSUER);
    document["jwks_uri"] = json!(url);
    world.reply(DOCUMENT).body = document.to_string().into_bytes();
}

fn publish(world: &mut World, keys: &[serde_json::Value]) {
    world.publish(&document(ISSUER), &json!({ "keys": keys }));
}
