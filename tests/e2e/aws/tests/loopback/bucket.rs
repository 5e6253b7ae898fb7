//! The AWS CLI lists a bucket with credentials that this process issued, and is refused where it must be.

use aws_sdk_sts::config::Credentials;
use serde_json::json;

use crate::workload::aws_cli;
use crate::world::{ROLE, World};

/// A world whose bucket `reports` the role may list.
async fn world() -> World {
    let objects = json!({"2026/q1.csv": 1200, "2026/q2 <&>.csv": 7, "README": 42});
    let buckets = json!({
        "reports": {"readers": [ROLE], "objects": objects},
        "secret": {"readers": [], "objects": {}},
    });
    let world = World::start().await;
    world.write("buckets.json", &buckets.to_string());
    world
}

/// What `aws s3 ls` prints, and its errors.
async fn list(world: &World, credentials: &Credentials, url: &str) -> (bool, String) {
    let output = aws_cli()
        .args(["s3", "ls", url])
        .env("AWS_ENDPOINT_URL_S3", world.url())
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", credentials.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key())
        .env("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default())
        .env("AWS_MAX_ATTEMPTS", "1")
        // The machine's own ~/.aws must not be read, and times are printed in UTC.
        .env("HOME", world.folder.path())
        .env("TZ", "UTC")
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn aws_cli_lists_what_the_role_may_read() {
    let world = world().await;
    let session = world.session().await;
    let expected = "                           PRE 2026/\n2026-01-02 03:04:05         42 README\n";
    assert_eq!(list(&world, &session, "s3://reports").await, (true, expected.to_owned()));
    let expected = "2026-01-02 03:04:05       1200 q1.csv\n2026-01-02 03:04:05          7 q2 <&>.csv\n";
    assert_eq!(list(&world, &session, "s3://reports/2026/").await, (true, expected.to_owned()));
    let line = world.line(3).await;
    assert_eq!((&line["action"], &line["status"]), (&json!("ListObjectsV2"), &json!(200)), "{line}");
    assert!(line["arn"].as_str().unwrap().ends_with("assumed-role/checkout/loopback"), "{line}");
}

#[tokio::test]
async fn others_are_refused_by_s3s_codes() {
    let world = world().await;
    let session = world.session().await;
    let (key, token) = (session.access_key_id(), session.session_token().map(str::to_owned));
    let forged = Credentials::new(key, "another secret", token, None, "loopback");
    let unknown = Credentials::new("ASIAUNKNOWN", "another secret", None, None, "loopback");
    for (credentials, url, code) in [
        (&session, "s3://secret", "AccessDenied"),
        (&session, "s3://none", "NoSuchBucket"),
        (&forged, "s3://reports", "SignatureDoesNotMatch"),
        (&unknown, "s3://reports", "InvalidAccessKeyId"),
    ] {
        let (is_listed, text) = list(&world, credentials, url).await;
        assert!(!is_listed && text.contains(&format!("({code})")), "{url}: {text}");
    }
    let (status, code, _) = world.get("/reports?list-type=2").await;
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    let (status, code, _) = world.get("/reports/README").await;
    assert_eq!((status, code.as_str()), (501, "NotImplemented"));
}
