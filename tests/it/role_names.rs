//! Roles that are given by name: where the account comes from, and starts that cannot find it out.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::fake_api::reserve_port;
use crate::support::instance_metadata::{InstanceMetadata, Manner};
use crate::support::process::{Process, Starting};
use crate::support::reviews::{WORLD, body};

const VARIABLE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// An identity document as EC2 has it; most of its members are not read.
const DOCUMENT: &str = r#"{
  "accountId" : "012345678901",
  "architecture" : "x86_64",
  "availabilityZone" : "cn-north-1a",
  "billingProducts" : null,
  "imageId" : "ami-0123456789abcdef0",
  "pendingTime" : "2026-01-01T00:00:00Z",
  "region" : "cn-north-1",
  "version" : "2017-09-30"
}"#;

/// An account beside those of the small world, whose role is given by name.
const ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: named
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: team/app
";

/// The role that a pod of the account gets from a process with these arguments.
async fn role(args: &[&str], metadata: Option<&InstanceMetadata>) -> String {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("account.yaml"), ACCOUNT).unwrap();
    let manifests = format!("--manifests={}", folder.path().display());
    let args = [&[manifests.as_str(), "--compose-role-arn", "--shutdown-delay=0"], args].concat();
    // Nothing listens at an address that must not be asked.
    let nobody = reserve_port();
    let endpoint = metadata.map_or_else(|| nobody.url(), InstanceMetadata::url);
    let process = Process::start_with(&args, &[(VARIABLE, &endpoint)]).await;
    let patch = process.client.post("/mutate", body("named")).await.patch().unwrap();
    let values = patch.as_array().unwrap().iter().flat_map(|operation| match &operation["value"] {
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    });
    let role = values.into_iter().find(|value| value["name"] == "AWS_ROLE_ARN").unwrap();
    role["value"].as_str().unwrap().to_owned()
}

/// The last line of a start that ends with exit code 1.
async fn refused(args: &[&str], endpoint: &str) -> String {
    let args = [&[WORLD, "--compose-role-arn"], args].concat();
    let mut starting = Starting::spawn_with(&args, &[(VARIABLE, endpoint)]);
    assert_eq!(starting.ended().await.code(), Some(1), "{:#?}", starting.log());
    let log = starting.log();
    let last = log.iter().rfind(|line| !line.is_empty()).unwrap();
    last.strip_prefix("pod-identity-webhook: ").expect(last).to_owned()
}

const WHAT_TO_DO: &str = "; on EC2, allow pods two hops (HttpPutResponseHopLimit 2 in the instance's metadata \
                          options), elsewhere give --aws-account-id and --aws-partition";

#[tokio::test]
async fn account_and_partition_are_those_of_the_instance() {
    let metadata = InstanceMetadata::start(Manner::Document(DOCUMENT)).await;
    assert_eq!(role(&[], Some(&metadata)).await, "arn:aws-cn:iam::012345678901:role/team/app");
    // The metadata is asked for once, at start.
    assert_eq!(
        metadata.requests(),
        ["PUT /latest/api/token", "GET /latest/dynamic/instance-identity/document"]
    );
}

#[tokio::test]
async fn what_a_flag_gives_is_not_the_instance_s() {
    let metadata = InstanceMetadata::start(Manner::Document(DOCUMENT)).await;
    let partition = ["--aws-partition=aws-iso-f"];
    assert_eq!(role(&partition, Some(&metadata)).await, "arn:aws-iso-f:iam::012345678901:role/team/app");
    let account = ["--aws-account-id=210987654321"];
    assert_eq!(role(&account, Some(&metadata)).await, "arn:aws-cn:iam::210987654321:role/team/app");
    // The pods' region may be another than the instance's, the account's partition not.
    let region = ["--aws-default-region=eu-west-1"];
    assert_eq!(role(&region, Some(&metadata)).await, "arn:aws-cn:iam::012345678901:role/team/app");
}

#[tokio::test]
async fn nobody_is_asked_where_the_flags_say_everything() {
    let both = ["--aws-account-id=210987654321", "--aws-partition=aws-us-gov"];
    assert_eq!(role(&both, None).await, "arn:aws-us-gov:iam::210987654321:role/team/app");
    let region = ["--aws-account-id=210987654321", "--aws-default-region=eusc-de-east-1"];
    assert_eq!(role(&region, None).await, "arn:aws-eusc:iam::210987654321:role/team/app");
}

#[tokio::test]
async fn a_service_that_comes_up_late_is_asked_again() {
    let metadata = InstanceMetadata::start(Manner::After(2, DOCUMENT)).await;
    assert_eq!(role(&[], Some(&metadata)).await, "arn:aws-cn:iam::012345678901:role/team/app");
    assert_eq!(metadata.requests().len(), 4);
}

#[tokio::test]
async fn a_start_that_cannot_find_the_account_out_ends_and_says_what_to_do() {
    let cases = [
        (Manner::HopTooFar, "no answer to PUT /latest/api/token within 1s"),
        (Manner::Status(403), "PUT /latest/api/token was answered 403 Forbidden"),
        (Manner::Status(404), "PUT /latest/api/token was answered 404 Not Found"),
        (
            Manner::ForgottenToken,
            "GET /latest/dynamic/instance-identity/document was answered 401 Unauthorized",
        ),
        (Manner::GarbageToken, "the answer to PUT /latest/api/token cannot be read"),
    ];
    let garbage =
        ["", "no JSON", "[]", r#"{"accountId":"012345678901"}"#, r#"{"accountId":"","region":"x"}"#].map(
            |document| {
                (
                    Manner::Document(document),
                    "the answer to GET /latest/dynamic/instance-identity/document cannot be read",
                )
            },
        );
    for (manner, reason) in cases.into_iter().chain(garbage) {
        let told = format!("{manner:?}");
        let metadata = InstanceMetadata::start(manner).await;
        let url = metadata.url();
        let expected = format!(
            "failed to ask EC2's instance metadata for what --compose-role-arn needs: {url}: {reason}{WHAT_TO_DO}"
        );
        assert_eq!(refused(&[], &url).await, expected, "{told}");
        let puts = metadata.requests().iter().filter(|request| request.starts_with("PUT")).count();
        assert_eq!(puts, 3, "{told}");
    }
}

#[tokio::test]
async fn a_start_off_ec2_ends_and_says_which_flags_to_give() {
    let nobody = reserve_port();
    for args in [&[][..], &["--aws-account-id=012345678901"]] {
        let line = refused(args, &format!("{}/", nobody.url())).await;
        assert!(line.contains(&format!(" {}: client error (Connect): ", nobody.url())), "{line}");
        assert!(line.contains("Connection refused"), "{line}");
        assert!(line.ends_with(WHAT_TO_DO), "{line}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_named_with_its_variable() {
    for value in ["169.254.169.254", "https://169.254.169.254", "http://", "http://x/latest", "a\nb"] {
        assert_eq!(
            refused(&[], value).await,
            format!(
                "invalid value '{}' of {VARIABLE}: expected a URL such as http://169.254.169.254",
                value.escape_debug()
            )
        );
    }
}
