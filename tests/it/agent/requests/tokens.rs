//! Requests by their token, in the order in which the agent looks for what is wrong with it.

use serde_json::{Value, json};

use super::{Row, Sent};
use crate::agent::Node;
use crate::agent::issuer::{self, Issuer};

const PARSED: &str = "Service account token cannot be parsed: ";
const CLAIMS: &str = "Service account token failed basic claim validations: ";

/// A token that is none.
const fn parsed(what: &'static str, value: fn(&Node, &str) -> String, ours: &'static str) -> Row {
    Row { what, sent: Sent::Value(value), status: 400, text: [PARSED, ours] }
}

/// A token whose time is not now.
const fn timed(what: &'static str, change: fn(&mut Value), ours: &'static str) -> Row {
    Row { what, sent: Sent::Claims(change), status: 400, text: [CLAIMS, ours] }
}

/// A token that the cluster has signed and that does not count here.
const fn foreign(what: &'static str, change: fn(&mut Value), ours: &'static str) -> Row {
    Row { what, sent: Sent::Claims(change), status: 400, text: ["", ours] }
}

/// A token that the cluster has not signed.
const fn forged(what: &'static str, value: fn(&Node, &str) -> String, ours: &'static str) -> Row {
    Row { what, sent: Sent::Value(value), status: 400, text: ["", ours] }
}

/// A token of a pod of `orders` whose header is this.
fn under(node: &Node, header: &Value) -> String {
    node.issuer.sign_under(header, &issuer::claims("orders", "p1"))
}

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

/// A token of a pod whose account has no association.
fn unassociated(node: &Node, _: &str) -> String {
    let token = node.issuer.sign(&issuer::claims("billing", "p4"));
    node.api.confirm_token(&token, "account-billing", "p4");
    token
}

/// All of them.
pub(super) const TOKENS: [Row; 38] = [
    parsed(
        "`Bearer` before the token",
        |_, good| format!("Bearer {good}"),
        "the token's header is not base64url without padding",
    ),
    parsed("one word", |_, _| "x".to_owned(), "the token does not have three parts with a dot between them"),
    parsed(
        "two parts",
        |_, _| "a.b".to_owned(),
        "the token does not have three parts with a dot between them",
    ),
    parsed(
        "four parts",
        |_, _| "a.b.c.d".to_owned(),
        "the token does not have three parts with a dot between them",
    ),
    parsed(
        "three parts that are nothing",
        |_, _| "a.b.c".to_owned(),
        "the token's header is not base64url without padding",
    ),
    parsed(
        "a token with padding",
        |_, good| format!("{good}="),
        "the token's signature is not base64url without padding",
    ),
    parsed(
        "two tokens",
        |_, good| format!("{good}.{good}"),
        "the token does not have three parts with a dot between them",
    ),
    parsed(
        "a header that is no JSON",
        |_, good| format!("YQ.{}", good.split_once('.').unwrap().1),
        "the token's header is not a JSON object",
    ),
    parsed(
        "12,000 letters",
        |_, _| "t".repeat(12_000),
        "the token does not have three parts with a dot between them",
    ),
    parsed("letters outside ASCII", |_, _| "tökén".to_owned(), "it has bytes that no token has"),
    timed(
        "a token that ended 61 s ago",
        |claims| claims["exp"] = json!(issuer::now() - 61),
        "the token has expired",
    ),
    timed(
        "a token that begins in two minutes",
        |claims| claims["nbf"] = json!(issuer::now() + 120),
        "the token does not count yet: the clocks of this node and the API server may differ",
    ),
    timed(
        "a token that is made in two minutes",
        |claims| claims["iat"] = json!(issuer::now() + 120),
        "the token was made in the future: the clocks of this node and the API server may differ",
    ),
    forged(
        "a token without a signature",
        |_, good| format!("{}.", good.rsplit_once('.').unwrap().0),
        "(InvalidTokenException): the token's signature is not the issuer's, fault: client",
    ),
    forged(
        "half a signature",
        |_, good| good[..good.len() - 66].to_owned(),
        "(InvalidTokenException): the token's signature is not the issuer's, fault: client",
    ),
    forged(
        "the signature of another token",
        |node, good| {
            format!(
                "{}.{}",
                node.issuer.sign(&issuer::claims("orders", "p2")).rsplit_once('.').unwrap().0,
                good.rsplit_once('.').unwrap().1
            )
        },
        "(InvalidTokenException): the token's signature is not the issuer's, fault: client",
    ),
    forged(
        "the signature of another key, under the id of the cluster's",
        |_, _| Issuer::new("key-1").sign(&issuer::claims("orders", "p1")),
        "(InvalidTokenException): the token's signature is not the issuer's, fault: client",
    ),
    forged(
        "a key that the cluster does not publish",
        |_, _| Issuer::new("key-9").sign(&issuer::claims("orders", "p1")),
        "(InvalidTokenException): the token's key is not one that the issuer publishes, fault: client",
    ),
    forged(
        "`alg: none`",
        |node, _| under(node, &json!({ "alg": "none" })),
        "Service account token cannot be parsed: the token is not signed: its algorithm is \"none\"",
    ),
    forged(
        "`alg: HS256`",
        |node, _| under(node, &json!({ "alg": "HS256", "kid": "key-1" })),
        "Service account token cannot be parsed: the token is signed with a shared secret (HS256, HS384 or HS512), not with a key of an API server",
    ),
    forged(
        "`alg: RS256` with a key for ES256",
        |node, _| under(node, &json!({ "alg": "RS256", "kid": "key-1" })),
        "(InvalidTokenException): the token's header says RS256, but its key is for ES256, fault: client",
    ),
    foreign(
        "a token of another issuer",
        |claims| claims["iss"] = json!("https://other.example.com"),
        "(InvalidTokenException): the token is from another issuer than the cluster's, fault: client",
    ),
    foreign(
        "the issuer with a slash too many",
        |claims| claims["iss"] = json!("https://issuer.example.com/"),
        "(InvalidTokenException): the token is from another issuer than the cluster's, fault: client",
    ),
    foreign(
        "the audience of IRSA",
        |claims| claims["aud"] = json!(["sts.amazonaws.com"]),
        "(InvalidTokenException): the token is for another audience, fault: client",
    ),
    foreign(
        "the audience of the API server",
        |claims| claims["aud"] = json!(["https://kubernetes.default.svc"]),
        "(InvalidTokenException): the token is for another audience, fault: client",
    ),
    foreign(
        "no audience",
        |claims| claims["aud"] = json!([]),
        "(InvalidTokenException): the token is for another audience, fault: client",
    ),
    foreign(
        "a token that never ends",
        |claims| remove(claims, "exp"),
        "(InvalidTokenException): the token never expires: it is not one that is made for a pod, fault: client",
    ),
    foreign(
        "a token of no pod",
        |claims| remove(&mut claims["kubernetes.io"], "pod"),
        "(InvalidTokenException): the token is not bound to a pod, fault: client",
    ),
    foreign(
        "a token of a pod without a UID",
        |claims| remove(&mut claims["kubernetes.io"]["pod"], "uid"),
        "(InvalidTokenException): the token does not have its pod's uid, fault: client",
    ),
    foreign(
        "a subject that is another account",
        |claims| claims["sub"] = json!("system:serviceaccount:shop:admin"),
        "(InvalidTokenException): the token's subject is another than its ServiceAccount, fault: client",
    ),
    foreign(
        "another namespace than the subject's",
        |claims| claims["kubernetes.io"]["namespace"] = json!("kube-system"),
        "(InvalidTokenException): the token's subject is another than its ServiceAccount, fault: client",
    ),
    foreign(
        "a node's token",
        |claims| claims["sub"] = json!("system:node:node-1"),
        "(InvalidTokenException): the token's subject is another than its ServiceAccount, fault: client",
    ),
    foreign(
        "a token without claims of Kubernetes",
        |claims| remove(claims, "kubernetes.io"),
        "(InvalidTokenException): the token is not a ServiceAccount's: it has no claims of Kubernetes, fault: client",
    ),
    foreign(
        "a token of a pod of another node",
        |claims| claims["kubernetes.io"]["node"]["name"] = json!("node-2"),
        "(InvalidTokenException): the token is of a pod of another node, fault: client",
    ),
    forged(
        "a token of a pod that is gone",
        |node, _| node.issuer.sign(&issuer::claims("orders", "p3")),
        "(InvalidTokenException): the API server does not take the token: its pod or its ServiceAccount is gone, fault: client",
    ),
    Row {
        what: "a pod that is new, while the API server cannot be asked",
        sent: Sent::Unreviewed,
        status: 503,
        text: ["", "The API server cannot be asked whether this pod exists: ask again in a second"],
    },
    Row {
        what: "an account without an association",
        sent: Sent::Value(unassociated),
        status: 404,
        text: [
            "",
            "(ResourceNotFoundException): No association of ServiceAccount shop/billing is known on this cluster, fault: client",
        ],
    },
    Row {
        what: "a token that ended 30 s ago: clocks may differ by a minute here",
        sent: Sent::Claims(|claims| claims["exp"] = json!(issuer::now() - 30)),
        status: 200,
        text: [CLAIMS, ""],
    },
];
