//! The STS and the workloads as processes over loopback: every flaw of a token has its code, and SDKs of
//! AWS's own get credentials from what the webhook injects, and only from it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, missing_docs, reason = "nobody imports a test")]

mod assume_role;
mod bucket;
mod cue;
mod eks_auth;
mod issuer;
mod workload;
mod world;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use issuer::{SigningKey, claims, claims_with};
use serde_json::{Value, json};
use workload::Sdk;
use world::{ROLE, World, element};

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/checkout/";

#[tokio::test]
async fn refuses_each_flaw_of_a_token_with_its_code() {
    let world = World::start().await;
    let now = claims()["iat"].as_i64().unwrap();
    let good = world.key.sign(&claims());
    let forger = SigningKey::generate();
    let cases = [
        ("good", good.clone(), 200, ""),
        (
            "one audience of several",
            world.key.sign(&claims_with("aud", json!(["x", "sts.amazonaws.com"]))),
            200,
            "",
        ),
        ("wrong signature", forger.sign_as(&world.key.id, &claims()), 400, "InvalidIdentityToken"),
        ("cut signature", good[..good.len() - 4].to_owned(), 400, "InvalidIdentityToken"),
        ("wrong kid", forger.sign(&claims()), 400, "InvalidIdentityToken"),
        (
            "wrong aud",
            world.key.sign(&claims_with("aud", "pods.eks.amazonaws.com")),
            400,
            "InvalidIdentityToken",
        ),
        (
            "wrong iss",
            world.key.sign(&claims_with("iss", "https://other.example")),
            400,
            "InvalidIdentityToken",
        ),
        (
            "iss with a slash",
            world.key.sign(&claims_with("iss", format!("{}/", issuer::ISSUER))),
            400,
            "InvalidIdentityToken",
        ),
        ("expired", world.key.sign(&claims_with("exp", now - 1)), 400, "ExpiredTokenException"),
        ("not yet valid", world.key.sign(&claims_with("nbf", now + 3600)), 403, "IDPRejectedClaim"),
        (
            "wrong sub",
            world.key.sign(&claims_with("sub", "system:serviceaccount:shop:other")),
            403,
            "AccessDenied",
        ),
        ("no token", "not-a-token".to_owned(), 400, "InvalidIdentityToken"),
        ("line break", format!("{good}\n"), 400, "InvalidIdentityToken"),
    ];
    for (flaw, token, status, code) in cases {
        let (got_status, got_code, body) = world.assume(&token).await;
        assert_eq!((got_status, got_code.as_str()), (status, code), "{flaw}: {body}");
    }
    let (status, code, _) = world.assume_role(&format!("{ROLE}-other"), &good).await;
    assert_eq!((status, code.as_str()), (403, "AccessDenied"), "a role that is not there");
}

#[tokio::test]
async fn tells_each_flaw_by_the_words_that_sts_has_for_it() {
    let world = World::start().await;
    let forger = SigningKey::generate();
    for (token, words) in [
        (forger.sign_as(&world.key.id, &claims()), "Token signature invalid"),
        (forger.sign(&claims()), "Couldn&quot;t retrieve verification key"),
        (world.key.sign(&claims_with("aud", "x")), "Incorrect token audience"),
        (
            world.key.sign(&claims_with("iss", "https://x")),
            "No OpenIDConnect provider found in your account for https://x",
        ),
        ("not-a-token".to_owned(), "not a valid JWT"),
    ] {
        let (_, _, body) = world.assume(&token).await;
        let words = words.replace("&quot;", "'");
        assert!(element(&body, "Message").contains(&words), "{words}: {body}");
    }
}

#[tokio::test]
async fn answers_as_sts_does() {
    let world = World::start().await;
    let (_, _, body) = world.assume(&world.key.sign(&claims())).await;
    assert!(body.starts_with(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
    ));
    assert_eq!(element(&body, "SubjectFromWebIdentityToken"), "system:serviceaccount:shop:checkout");
    assert_eq!(element(&body, "Audience"), "sts.amazonaws.com");
    assert_eq!(
        element(&body, "Provider"),
        "arn:aws:iam::111122223333:oidc-provider/issuer.example/cluster-1"
    );
    assert_eq!(element(&body, "Arn"), format!("{SESSION}loopback"));
    assert!(element(&body, "AssumedRoleId").starts_with("AROA"));
    assert!(element(&body, "AccessKeyId").starts_with("ASIA"));
    assert!(element(&body, "Expiration").ends_with('Z'));

    let (status, code, _) = world.get(&format!("/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={ROLE}&RoleSessionName=query&WebIdentityToken={}", world.key.sign(&claims()))).await;
    assert_eq!((status, code.as_str()), (200, ""), "by a query");
    let (status, code, _) = world.post("Action=GetCallerIdentity&Version=2011-06-15".to_owned()).await;
    assert_eq!((status, code.as_str()), (403, "MissingAuthenticationToken"));
    let (status, code, _) = world.post("Action=GetSessionToken&Version=2011-06-15".to_owned()).await;
    assert_eq!((status, code.as_str()), (400, "InvalidAction"));
    let (status, code, _) = world.post("x".repeat(200_000)).await;
    assert_eq!((status, code.as_str()), (413, "RequestEntityTooLarge"));
    assert_eq!(world.get("/healthz").await, (200, String::new(), "ok\n".to_owned()));
}

#[tokio::test]
async fn fetches_the_key_set_once_and_again_for_a_key_that_it_lacks() {
    let world = World::start().await;
    assert_eq!(world.issuer.fetches.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        assert_eq!(world.assume(&world.key.sign(&claims())).await.0, 200);
    }
    assert_eq!(world.issuer.fetches.load(Ordering::SeqCst), 1);
    let next = SigningKey::generate();
    world.issuer.publish(&[&next]);
    assert_eq!(world.assume(&next.sign(&claims())).await.0, 200);
    assert_eq!(world.issuer.fetches.load(Ordering::SeqCst), 2);
    assert_eq!(world.assume(&world.key.sign(&claims())).await.0, 400, "a key that was withdrawn");
}

#[tokio::test]
async fn asks_clients_to_try_again_while_the_key_set_cannot_be_read() {
    let world = World::start().await;
    std::fs::write(world.folder.path().join("bearer"), "another").unwrap();
    let (status, code, _) = world.assume(&world.key.sign(&claims())).await;
    assert_eq!((status, code.as_str()), (400, "IDPCommunicationError"));
    std::fs::write(world.folder.path().join("bearer"), issuer::BEARER).unwrap();
    assert_eq!(world.assume(&world.key.sign(&claims())).await.0, 200);
}

#[tokio::test]
async fn reads_the_roles_at_each_call() {
    let world = World::start().await;
    let token = world.key.sign(&claims());
    assert_eq!(world.assume(&token).await.0, 200);
    world.trust("other");
    assert_eq!(world.assume(&token).await.1, "AccessDenied");
    world.trust("shop");
    assert_eq!(world.assume(&token).await.0, 200);
    std::fs::write(world.folder.path().join("roles.json"), "{").unwrap();
    assert_eq!(world.assume(&token).await.1, "InternalFailure");
}

#[tokio::test]
async fn sdks_get_credentials_from_what_is_injected() {
    let world = World::start().await;
    for sdk in Sdk::all() {
        let (exit, line) = world.run(sdk, &world.injected(&world.key.sign(&claims()))).await;
        assert_eq!((exit, &line["ok"]), (0, &json!(true)), "{sdk:?}: {line}");
        assert!(line["arn"].as_str().unwrap().starts_with(SESSION), "{sdk:?}: {line}");
        assert_eq!(line["account"], "111122223333", "{sdk:?}");
        assert_eq!(line["accessKeyIdPrefix"], "ASIA", "{sdk:?}");
        assert_eq!((&line["error"], &line["message"]), (&Value::Null, &Value::Null), "{sdk:?}");
    }
    let count = 2 * Sdk::all().len();
    let lines = world.lines(count).await;
    assert_eq!(
        lines.len(),
        count,
        "one AssumeRoleWithWebIdentity and one GetCallerIdentity each: {lines:#?}"
    );
}

#[tokio::test]
async fn sdks_tell_the_code_of_a_refusal() {
    let world = World::start().await;
    let now = claims()["iat"].as_i64().unwrap();
    for (claims, code) in [
        (claims_with("aud", "pods.eks.amazonaws.com"), "InvalidIdentityToken"),
        (claims_with("exp", now - 1), "ExpiredTokenException"),
        (claims_with("sub", "system:serviceaccount:shop:other"), "AccessDenied"),
    ] {
        for sdk in Sdk::all() {
            let (exit, line) = world.run(sdk, &world.injected(&world.key.sign(&claims))).await;
            assert_eq!(
                (exit, &line["ok"], &line["error"]),
                (1, &json!(false), &json!(code)),
                "{sdk:?}: {line}"
            );
        }
    }
}

#[tokio::test]
async fn sdks_find_no_credentials_where_nothing_is_injected() {
    let world = World::start().await;
    let region = HashMap::from([
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
    ]);
    for sdk in Sdk::all() {
        for env in [&HashMap::new(), &region] {
            let (exit, line) = world.run(sdk, env).await;
            assert_eq!((exit, &line["error"]), (1, &json!("NoCredentials")), "{sdk:?}: {line}");
        }
        for half in ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"] {
            let mut env = world.injected(&world.key.sign(&claims()));
            env.remove(half);
            let (exit, line) = world.run(sdk, &env).await;
            assert_eq!((exit, &line["ok"]), (1, &json!(false)), "{sdk:?} without {half}: {line}");
        }
        let mut env = world.injected(&world.key.sign(&claims()));
        env.insert("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token".to_owned());
        let (exit, line) = world.run(sdk, &env).await;
        assert_eq!((exit, &line["ok"]), (1, &json!(false)), "{sdk:?} without the file: {line}");
    }
}

#[tokio::test]
async fn takes_requests_that_are_signed_with_what_it_issued_alone() {
    let world = World::start().await;
    let (_, _, body) = world.assume(&world.key.sign(&claims())).await;
    let issued = |name: &str| element(&body, name).to_owned();
    let good = HashMap::from([
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", issued("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", issued("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", issued("SessionToken")),
    ]);
    for sdk in Sdk::all() {
        let (exit, line) = world.run(sdk, &good).await;
        assert_eq!((exit, &line["arn"]), (0, &json!(format!("{SESSION}loopback"))), "{sdk:?}: {line}");
        for (name, code) in [
            ("AWS_ACCESS_KEY_ID", "InvalidClientTokenId"),
            ("AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch"),
            ("AWS_SESSION_TOKEN", "InvalidClientTokenId"),
        ] {
            let mut env = good.clone();
            env.insert(name, "ASIANOTAREALKEY00000".to_owned());
            let (exit, line) = world.run(sdk, &env).await;
            assert_eq!((exit, &line["error"]), (1, &json!(code)), "{sdk:?}: {line}");
        }
    }
}

#[tokio::test]
async fn logs_a_line_a_call_and_never_a_token_or_a_secret() {
    let world = World::start().await;
    let token = world.key.sign(&claims());
    let (_, _, body) = world.assume(&token).await;
    world.assume(&world.key.sign(&claims_with("aud", "x"))).await;
    world.run(Sdk::Rust, &world.injected(&token)).await;
    let lines = world.lines(4).await;
    let logged: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged[0]["subject"], "system:serviceaccount:shop:checkout");
    assert_eq!(
        (&logged[0]["action"], &logged[0]["status"]),
        (&json!("AssumeRoleWithWebIdentity"), &json!(200))
    );
    assert_eq!((&logged[0]["policy"], &logged[0]["tags"]), (&json!(false), &Value::Null));
    assert_eq!(logged[1]["code"], "InvalidIdentityToken");
    assert_eq!(logged[3]["action"], "GetCallerIdentity");
    assert!(logged[3]["userAgent"].as_str().unwrap().starts_with("aws-sdk-rust/"));
    let signature = token.rsplit_once('.').unwrap().1;
    for secret in [signature, element(&body, "SecretAccessKey"), element(&body, "SessionToken")] {
        assert!(lines.iter().all(|line| !line.contains(secret)));
    }
}
