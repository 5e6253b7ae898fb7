//! EKS Auth by the SDK, signed as a node: which pods get which role, and the name of each refusal.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_eksauth::config::retry::RetryConfig;
use aws_sdk_eksauth::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_eksauth::error::ProvideErrorMetadata as _;
use aws_sdk_eksauth::operation::RequestId as _;
use aws_sdk_eksauth::operation::assume_role_for_pod_identity::builders::AssumeRoleForPodIdentityFluentBuilder;
use serde_json::{Value, json};

use crate::issuer::{SigningKey, claims, claims_with};
use crate::world::{World, checkout, trusting};

const KEY_ID: &str = "AKIANOTAREALKEY00000";
const SECRET: &str = "not-a-real-secret-access-key";
pub const FLAGS: [&str; 4] = ["--node-access-key-id", KEY_ID, "--node-secret-access-key", SECRET];
const POD_ROLE: &str = "arn:aws:iam::111122223333:role/team/pods";

/// Gives the ServiceAccount a role that trusts EKS, and others roles that do not, or not enough.
pub fn associate(world: &World) {
    let service = || json!({"Service": "pods.eks.amazonaws.com"});
    let both = || json!(["sts:AssumeRole", "sts:TagSession"]);
    let only_shop = json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}});
    let roles = trusting(&[
        checkout("shop"),
        ("team/pods", service(), both(), only_shop),
        ("untagged", service(), json!("sts:AssumeRole"), json!({})),
        ("tags", service(), json!("sts:TagSession"), json!({})),
    ]);
    world.write("roles.json", &roles.to_string());
    let association = |namespace: &str, account: &str, role: &str, id: &str| {
        json!({
            "namespace": namespace, "serviceAccount": account, "associationId": id,
            "roleArn": format!("arn:aws:iam::111122223333:role/{role}"),
        })
    };
    let associations = json!([
        association("shop", "other", "checkout", "a-0000000000000000a"),
        association("shop", "checkout", "team/pods", "a-0000000000000000b"),
        association("other", "checkout", "team/pods", "a-0000000000000000c"),
        association("shop", "untagged", "untagged", "a-0000000000000000d"),
        association("shop", "tags", "tags", "a-0000000000000000e"),
    ]);
    world.write("associations.json", &associations.to_string());
}

/// A call that is allowed, once the ServiceAccount has its role.
pub fn good(world: &World) -> AssumeRoleForPodIdentityFluentBuilder {
    let token = world.key.sign(&claims_with("aud", json!(["pods.eks.amazonaws.com"])));
    signed(world, KEY_ID, SECRET).token(token)
}

fn signed(world: &World, key_id: &str, secret: &str) -> AssumeRoleForPodIdentityFluentBuilder {
    let config = aws_sdk_eksauth::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(world.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new(key_id, secret, None, None, "node"));
    let client = aws_sdk_eksauth::Client::from_conf(config.build());
    client.assume_role_for_pod_identity().cluster_name("cluster-1")
}

/// The status and the name of a refusal; 200 without one.
pub async fn outcome(call: AssumeRoleForPodIdentityFluentBuilder) -> (u16, String) {
    match call.send().await {
        Ok(_) => (200, String::new()),
        Err(error) => {
            let status = error.raw_response().map_or(0, |response| response.status().as_u16());
            (status, error.code().unwrap_or_default().to_owned())
        }
    }
}

/// A pod's token, some claims of it changed.
fn token(world: &World, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims_with("aud", "pods.eks.amazonaws.com");
    change(&mut claims);
    world.key.sign(&claims)
}

#[tokio::test]
async fn gives_a_pod_the_role_of_its_association() {
    let world = World::start_with(&FLAGS).await;
    associate(&world);
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let got = good(&world).send().await.unwrap();
    assert_eq!(got.request_id().map(str::len), Some(32));
    let subject = got.subject().unwrap();
    assert_eq!((subject.namespace(), subject.service_account()), ("shop", "checkout"));
    assert_eq!(got.audience(), "pods.eks.amazonaws.com");
    let association = got.pod_identity_association().unwrap();
    assert_eq!(association.association_id(), "a-0000000000000000b");
    assert_eq!(
        association.association_arn(),
        "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/cluster-1/a-0000000000000000b"
    );
    let user = got.assumed_role_user().unwrap();
    let session = "arn:aws:sts::111122223333:assumed-role/pods/eks-cluster-1-checkout-7-";
    assert!(user.arn().starts_with(session), "{}", user.arn());
    assert!(user.assume_role_id().starts_with("AROA"));
    let credentials = got.credentials().unwrap();
    let lifetime = credentials.expiration().secs() - i64::try_from(before).unwrap();
    assert!((21_600..21_610).contains(&lifetime), "six hours: {lifetime}");

    let line = world.line(1).await;
    let tags = json!({
        "eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/cluster-1",
        "eks-cluster-name": "cluster-1",
        "kubernetes-namespace": "shop",
        "kubernetes-service-account": "checkout",
        "kubernetes-pod-name": "checkout-7d4b9",
        "kubernetes-pod-uid": "00000000-0000-4000-8000-000000000001",
    });
    for (member, value) in [
        ("action", json!("AssumeRoleForPodIdentity")),
        ("status", json!(200)),
        ("role", json!(POD_ROLE)),
        ("subject", json!("system:serviceaccount:shop:checkout")),
        ("arn", json!(user.arn())),
        ("tags", tags.clone()),
        ("code", Value::Null),
    ] {
        assert_eq!(line[member], value, "{member}");
    }
    assert_eq!(line["transitiveTags"].as_array().unwrap().len(), 6);

    let own = Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some(credentials.session_token().to_owned()),
        None,
        "",
    );
    let identity = world.sts(own).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some(user.arn()));
    assert_eq!(world.line(2).await["tags"], tags);
    let lines = world.lines(2).await;
    for secret in [credentials.secret_access_key(), credentials.session_token(), SECRET] {
        assert!(lines.iter().all(|line| !line.contains(secret)));
    }
}

#[tokio::test]
async fn refuses_each_flaw_by_its_name() {
    let world = World::start_with(&FLAGS).await;
    associate(&world);
    let now = claims()["iat"].as_i64().unwrap();
    let with = |change: &dyn Fn(&mut Value)| good(&world).token(token(&world, |claims| change(claims)));
    let account =
        |name: &'static str| with(&|claims| claims["kubernetes.io"]["serviceaccount"]["name"] = json!(name));
    let stranger = SigningKey::generate();
    let forged = |id: &str| stranger.sign_as(id, &claims_with("aud", "pods.eks.amazonaws.com"));
    for (flaw, call, status, name) in [
        ("good", good(&world), 200, ""),
        (
            "STS' audience",
            with(&|claims| claims["aud"] = json!("sts.amazonaws.com")),
            400,
            "InvalidTokenException",
        ),
        ("another issuer", with(&|claims| claims["iss"] = json!("https://x")), 400, "InvalidTokenException"),
        ("expired", with(&|claims| claims["exp"] = json!(now - 1)), 400, "ExpiredTokenException"),
        ("not valid yet", with(&|claims| claims["nbf"] = json!(now + 3600)), 400, "InvalidTokenException"),
        ("signed by another", good(&world).token(forged(&world.key.id)), 400, "InvalidTokenException"),
        ("an unknown key", good(&world).token(forged(&stranger.id)), 400, "InvalidTokenException"),
        ("no token", good(&world).token("text"), 400, "InvalidTokenException"),
        ("none at all", good(&world).set_token(None), 400, "InvalidRequestException"),
        ("too long", good(&world).token("x".repeat(200_000)), 400, "InvalidRequestException"),
        (
            "no pod",
            with(&|claims| claims["kubernetes.io"]["pod"] = Value::Null),
            400,
            "InvalidTokenException",
        ),
        ("no association", account("nobody"), 404, "ResourceNotFoundException"),
        (
            "another namespace",
            with(&|claims| claims["kubernetes.io"]["namespace"] = json!("third")),
            404,
            "ResourceNotFoundException",
        ),
        ("a role for tokens", account("other"), 400, "AccessDeniedException"),
        ("a role without tags", account("untagged"), 400, "AccessDeniedException"),
        ("a role for tags alone", account("tags"), 400, "AccessDeniedException"),
        (
            "a role for another namespace",
            with(&|claims| claims["kubernetes.io"]["namespace"] = json!("other")),
            400,
            "AccessDeniedException",
        ),
        ("no cluster's name", good(&world).cluster_name("a.b"), 400, "InvalidParameterException"),
        ("another secret", signed(&world, KEY_ID, "x").token("x"), 403, "InvalidSignatureException"),
        ("another key", signed(&world, "AKIAOTHER", SECRET).token("x"), 403, "UnrecognizedClientException"),
    ] {
        assert_eq!(outcome(call).await, (status, name.to_owned()), "{flaw}");
    }
    let first = world.session().await;
    let session = signed(&world, first.access_key_id(), first.secret_access_key()).token("x");
    assert_eq!(outcome(session).await.1, "UnrecognizedClientException", "a pod's own credentials");
    let path = "/clusters/cluster-1/assume-role-for-pod-identity";
    let (status, body) = world.post_to(path, "{}").await;
    assert_eq!((status, body.as_str()), (403, r#"{"message":"Request is missing Authentication Token"}"#));
}

#[tokio::test]
async fn reads_associations_at_each_call_and_has_none_without_them() {
    let world = World::start_with(&FLAGS).await;
    assert_eq!(outcome(good(&world)).await.1, "InternalServerException", "a file that is not there");
    world.write("associations.json", "[]");
    assert_eq!(outcome(good(&world)).await.1, "ResourceNotFoundException");
    associate(&world);
    assert_eq!(outcome(good(&world)).await.0, 200);
    world.write("associations.json", r#"[{"namespace":"shop"}]"#);
    assert_eq!(outcome(good(&world)).await, (500, "InternalServerException".to_owned()));
}

#[tokio::test]
async fn asks_agents_to_try_again_while_the_key_set_cannot_be_read() {
    let world = World::start_with(&FLAGS).await;
    associate(&world);
    world.write("bearer", "another");
    assert_eq!(outcome(good(&world)).await, (503, "ServiceUnavailableException".to_owned()));
}

#[tokio::test]
async fn is_not_there_without_a_nodes_key() {
    let world = World::start().await;
    associate(&world);
    assert_eq!(outcome(good(&world)).await, (404, "UnrecognizedClientException".to_owned()));
    assert_eq!(world.line(1).await["code"], "UnrecognizedClientException");
}
