//! `AssumeRole` by the SDK, with credentials that a token was given for: what a second hop may do and what not.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use aws_sdk_sts::operation::RequestId as _;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::Tag;
use serde_json::{Value, json};

use crate::issuer::{claims, claims_with};
use crate::world::{World, checkout, element, trusting};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
const EXTERNAL_ID: &str = "eu-west-1/111122223333/cluster-1/shop/checkout";

fn arn(role: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{role}")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// The pod's role, and roles that trust it: with tags and an external id, without tags, and not at all.
async fn world(flags: &[&str]) -> World {
    let world = World::start_with(flags).await;
    let both = || json!(["sts:AssumeRole", "sts:TagSession"]);
    let roles = trusting(&[
        checkout("shop"),
        (
            "target",
            json!({"AWS": arn("checkout")}),
            both(),
            json!({
                "StringEquals": {"sts:ExternalId": EXTERNAL_ID},
                "StringLike": {"aws:RequestTag/kubernetes-namespace": "sho?"},
            }),
        ),
        ("untagged", json!({"AWS": "arn:aws:iam::111122223333:root"}), json!("sts:AssumeRole"), json!({})),
        ("others", json!({"AWS": arn("somebody")}), both(), json!({})),
        ("next", json!({"AWS": [arn("target"), arn("next")]}), both(), json!({})),
    ]);
    world.write("roles.json", &roles.to_string());
    world
}

/// A call that is allowed.
fn good(world: &World, credentials: &Credentials) -> AssumeRoleFluentBuilder {
    world
        .sts(credentials.clone())
        .assume_role()
        .role_arn(arn("target"))
        .role_session_name("second")
        .external_id(EXTERNAL_ID)
        .tags(tag("kubernetes-namespace", "shop"))
        .tags(tag("team", "red + blué"))
        .transitive_tag_keys("kubernetes-namespace")
}

/// The status and the code of a refusal; 200 without one.
async fn outcome(call: AssumeRoleFluentBuilder) -> (u16, String) {
    match call.send().await {
        Ok(_) => (200, String::new()),
        Err(error) => {
            let status = error.raw_response().map_or(0, |response| response.status().as_u16());
            (status, error.code().unwrap_or_default().to_owned())
        }
    }
}

async fn second(world: &World) -> Credentials {
    let got = good(world, &world.session().await).send().await.unwrap();
    as_credentials(got.credentials().unwrap())
}

fn as_credentials(got: &aws_sdk_sts::types::Credentials) -> Credentials {
    Credentials::new(got.access_key_id(), got.secret_access_key(), Some(got.session_token().into()), None, "")
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[tokio::test]
async fn gives_a_session_another_role_with_tags_and_an_external_id() {
    let world = world(&[]).await;
    let first = world.session().await;
    let before = now();
    let got = good(&world, &first).duration_seconds(1800).policy(POLICY).send().await.unwrap();
    let session = "arn:aws:sts::111122223333:assumed-role/target/second";
    assert_eq!(got.request_id().map(str::len), Some(32));
    let user = got.assumed_role_user().unwrap();
    assert_eq!(user.arn(), session);
    assert!(user.assumed_role_id().starts_with("AROA") && user.assumed_role_id().ends_with(":second"));
    let credentials = got.credentials().unwrap();
    assert!((before + 1800..=now() + 1800).contains(&credentials.expiration().secs()));

    let line = world.line(2).await;
    for (member, value) in [
        ("action", json!("AssumeRole")),
        ("status", json!(200)),
        ("role", json!(arn("target"))),
        ("caller", json!("arn:aws:sts::111122223333:assumed-role/checkout/loopback")),
        ("arn", json!(session)),
        ("externalId", json!(EXTERNAL_ID)),
        ("policy", json!(true)),
        ("tags", json!({"kubernetes-namespace": "shop", "team": "red + blué"})),
        ("transitiveTags", json!(["kubernetes-namespace"])),
        ("code", Value::Null),
    ] {
        assert_eq!(line[member], value, "{member}");
    }

    let identity = world.sts(as_credentials(credentials)).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some(session));
    let line = world.line(3).await;
    assert_eq!(line["tags"], json!({"kubernetes-namespace": "shop", "team": "red + blué"}));
    let lines = world.lines(3).await;
    for secret in [
        first.secret_access_key(),
        first.session_token().unwrap(),
        credentials.secret_access_key(),
        credentials.session_token(),
    ] {
        assert!(lines.iter().all(|line| !line.contains(secret)));
    }
}

#[tokio::test]
async fn refuses_each_flaw_of_a_second_hop_with_its_code() {
    let world = world(&[]).await;
    let first = world.session().await;
    let good = || good(&world, &first);
    let untagged = || good().role_arn(arn("untagged")).set_tags(None).set_transitive_tag_keys(None);
    let many = |count: usize| (0..count).map(|number| tag(&format!("key-{number}"), "")).collect();
    let cases = vec![
        ("good", good(), 200, ""),
        ("no tags, and none allowed", untagged(), 200, ""),
        ("tags, and none allowed", untagged().tags(tag("a", "b")), 403, "AccessDenied"),
        ("no external id", good().set_external_id(None), 403, "AccessDenied"),
        (
            "another external id",
            good().external_id(EXTERNAL_ID.replace("shop", "other")),
            403,
            "AccessDenied",
        ),
        (
            "another tag",
            good().set_tags(Some(vec![tag("kubernetes-namespace", "other")])),
            403,
            "AccessDenied",
        ),
        ("a role of others", good().role_arn(arn("others")), 403, "AccessDenied"),
        ("a role that is not there", good().role_arn(arn("nowhere")), 403, "AccessDenied"),
        ("a role that trusts tokens alone", good().role_arn(arn("checkout")), 403, "AccessDenied"),
        ("an hour", good().duration_seconds(3600), 200, ""),
        ("more than an hour", good().duration_seconds(3601), 400, "ValidationError"),
        ("less than a quarter", good().duration_seconds(899), 400, "ValidationError"),
        ("a short external id", good().external_id("x"), 400, "ValidationError"),
        ("an external id with spaces", good().external_id("a b"), 400, "ValidationError"),
        ("no policy", good().policy("{"), 400, "MalformedPolicyDocument"),
        ("a long policy", good().policy(format!("{POLICY}{}", " ".repeat(2048))), 400, "ValidationError"),
        ("fifty-one tags", good().set_tags(Some(many(51))), 400, "ValidationError"),
        ("a long key", good().tags(tag(&"k".repeat(129), "")), 400, "ValidationError"),
        ("a long value", good().tags(tag("k", &"v".repeat(257))), 400, "ValidationError"),
        ("another character", good().tags(tag("k", "red & blue")), 400, "ValidationError"),
        ("one key twice", good().tags(tag("TEAM", "")), 400, "InvalidParameterValue"),
        ("a transitive key of no tag", good().transitive_tag_keys("x"), 400, "InvalidParameterValue"),
    ];
    for (flaw, call, status, code) in cases {
        assert_eq!(outcome(call).await, (status, code.to_owned()), "{flaw}");
    }
    let forged =
        Credentials::new(first.access_key_id(), "forged", first.session_token().map(Into::into), None, "");
    let call = self::good(&world, &forged);
    assert_eq!(outcome(call).await, (403, "SignatureDoesNotMatch".to_owned()));
    let forged = Credentials::new("ASIANOTAREALKEY00000", "forged", None, None, "");
    let call = self::good(&world, &forged);
    assert_eq!(outcome(call).await, (403, "InvalidClientTokenId".to_owned()));
    let unsigned =
        format!("Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=xx", arn("untagged"));
    let (status, code, _) = world.post(unsigned).await;
    assert_eq!((status, code.as_str()), (403, "MissingAuthenticationToken"));
}

#[tokio::test]
async fn tells_who_may_not_do_what() {
    let world = world(&[]).await;
    let first = world.session().await;
    let error = good(&world, &first).role_arn(arn("untagged")).send().await.unwrap_err();
    assert_eq!(
        error.message(),
        Some(
            "User: arn:aws:sts::111122223333:assumed-role/checkout/loopback is not authorized to perform: \
             sts:TagSession on resource: arn:aws:iam::111122223333:role/untagged"
        )
    );
    let line = world.line(2).await;
    assert_eq!((&line["code"], &line["status"]), (&json!("AccessDenied"), &json!(403)));
    assert_eq!(line["externalId"], EXTERNAL_ID, "what was asked is told of a refusal as well");
    assert_eq!(line["transitiveTags"], json!(["kubernetes-namespace"]));
}

#[tokio::test]
async fn further_sessions_inherit_transitive_tags() {
    let world = world(&[]).await;
    let second = second(&world).await;
    let third = |key: &str| {
        let call = world.sts(second.clone()).assume_role().role_arn(arn("next")).role_session_name("third");
        call.tags(tag(key, "x"))
    };
    let got = third("own").send().await.unwrap();
    world.sts(as_credentials(got.credentials().unwrap())).get_caller_identity().send().await.unwrap();
    let line = world.line(4).await;
    assert_eq!(
        line["tags"],
        json!({"kubernetes-namespace": "shop", "own": "x"}),
        "`team` was not transitive"
    );
    assert_eq!(line["transitiveTags"], json!(["kubernetes-namespace"]));
    let (status, code) = outcome(third("Kubernetes-Namespace")).await;
    assert_eq!((status, code.as_str()), (400, "InvalidParameterValue"), "nobody changes what was inherited");

    let untagged =
        world.sts(second.clone()).assume_role().role_arn(arn("untagged")).role_session_name("third");
    let error = untagged.send().await.unwrap_err();
    assert!(
        error.message().unwrap().contains("sts:TagSession"),
        "inherited tags need the right too: {error:?}"
    );
}

#[tokio::test]
async fn takes_a_policy_with_a_token() {
    let world = world(&[]).await;
    let sign = |claims: &Value| world.key.sign(claims);
    let form = |token: &str, name: &str, value: &str| {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &arn("checkout"))
            .append_pair("RoleSessionName", "loopback")
            .append_pair("WebIdentityToken", token)
            .append_pair(name, value)
            .finish()
    };
    let good = sign(&claims());
    assert_eq!(world.post(form(&good, "Policy", POLICY)).await.0, 200);
    assert_eq!(world.line(1).await["policy"], json!(true));
    let refused = sign(&claims_with("sub", "system:serviceaccount:shop:other"));
    assert_eq!(world.post(form(&refused, "Policy", POLICY)).await.1, "AccessDenied");
    assert_eq!(world.line(2).await["policy"], json!(true), "of a refusal as well");
    assert_eq!(world.post(form(&good, "Policy", "text")).await.1, "MalformedPolicyDocument");
    assert_eq!(world.post(form(&good, "DurationSeconds", "900")).await.0, 200);
    assert_eq!(world.post(form(&good, "DurationSeconds", "899")).await.1, "ValidationError");
}

#[tokio::test]
async fn credentials_live_as_long_as_they_are_told_to() {
    let world = world(&["--shortest-duration", "5"]).await;
    let first = world.session().await;
    assert_eq!(outcome(good(&world, &first).duration_seconds(5)).await.0, 200);
    assert_eq!(outcome(good(&world, &first).duration_seconds(4)).await.1, "ValidationError");

    let world = self::world(&["--credential-lifetime", "2"]).await;
    let (_, _, body) = world.assume(&world.key.sign(&claims())).await;
    let expiration = element(&body, "Expiration");
    let first = world.session().await;
    let got = good(&world, &first).duration_seconds(3600).send().await.unwrap();
    let chained = got.credentials().unwrap();
    assert!(chained.expiration().secs() <= now() + 2, "{expiration}");
    let client = world.sts(as_credentials(chained));
    let began = std::time::Instant::now();
    let error = loop {
        match client.get_caller_identity().send().await {
            Err(error) => break error,
            Ok(_) => assert!(began.elapsed().as_secs() < 30, "they do not end"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(error.code(), Some("ExpiredToken"));
    // These are older.
    assert_eq!(outcome(good(&world, &first)).await, (403, "ExpiredToken".to_owned()));
}
