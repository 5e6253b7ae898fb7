//! Where the real binary finds region, credentials and roots, and what it says where there are none.

use std::path::Path;
use std::sync::Arc;

use pod_identity_webhook::certificates::{Authority, Store};
use pod_identity_webhook::server::tls;
use tempfile::TempDir;

use super::stand_in::{Fault, KEYS, SECRET, SESSION, StandIn};
use super::{CLUSTER, REGION};
use crate::support::process::Process;
use crate::support::server::settings;
use crate::support::wait::until;

/// The binary with the region and these variables, and nothing else to find.
async fn start(variables: &[(&str, &str)]) -> Process {
    let cluster = format!("--eks-cluster-name={CLUSTER}");
    let flags = ["--watch-eks-api", cluster.as_str(), "--shutdown-delay=0"];
    let hermetic = [("AWS_EC2_METADATA_DISABLED", "true")];
    Process::start_with(&flags, &[&hermetic, variables].concat()).await
}

/// Credentials in variables.
const VARIABLES: [(&str, &str); 4] = [
    ("AWS_REGION", REGION),
    ("AWS_ACCESS_KEY_ID", KEYS[0]),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_SESSION_TOKEN", SESSION),
];

/// A file with a token, as Kubernetes projects it.
fn token(folder: &TempDir) -> String {
    let path = folder.path().join("token");
    std::fs::write(&path, "the.projected.token").unwrap();
    path.display().to_string()
}

/// Whose credentials signed all that was asked, once the first set is there.
async fn signer(eks: &StandIn, process: &Process) -> String {
    process.logged("source read for the first time").await;
    let lists = eks.lists();
    assert!(lists.iter().all(|list| list.key == lists[0].key));
    lists[0].key.clone()
}

#[tokio::test]
async fn takes_the_credentials_of_a_web_identity() {
    let (eks, folder) = (StandIn::start().await, TempDir::new().unwrap());
    let process = start(&[
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_EKS", &eks.url()),
        ("AWS_ENDPOINT_URL_STS", &eks.url()),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/webhook"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token(&folder)),
    ])
    .await;
    assert_eq!(signer(&eks, &process).await, "ASIAWEBIDENTITY");
}

#[tokio::test]
async fn takes_the_credentials_of_pod_identity() {
    let (eks, folder) = (StandIn::start().await, TempDir::new().unwrap());
    let process = start(&[
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_EKS", &eks.url()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/credentials", eks.url())),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token(&folder)),
    ])
    .await;
    assert_eq!(signer(&eks, &process).await, "ASIACONTAINER");
}

#[tokio::test]
async fn takes_region_and_credentials_of_a_profile() {
    let (eks, folder) = (StandIn::start().await, TempDir::new().unwrap());
    let profile = format!(
        "[default]\nregion = {REGION}\naws_access_key_id = {}\naws_secret_access_key = {SECRET}\n\
         aws_session_token = {SESSION}\n",
        KEYS[0]
    );
    let path = folder.path().join("config");
    std::fs::write(&path, profile).unwrap();
    let process =
        start(&[("AWS_CONFIG_FILE", path.to_str().unwrap()), ("AWS_ENDPOINT_URL_EKS", &eks.url())]).await;
    assert_eq!(signer(&eks, &process).await, KEYS[0]);
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_token_is_told_of_once() {
    let (eks, folder) = (StandIn::start().await, TempDir::new().unwrap());
    eks.set_fault(Fault::Denied);
    let process = start(&[
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_EKS", &eks.url()),
        ("AWS_ENDPOINT_URL_STS", &eks.url()),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/webhook"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token(&folder)),
    ])
    .await;
    let errors = "pod_identity_webhook_source_errors_total{source=\"eks-api\"}";
    let several = async || process.metric(errors).await.filter(|errors| *errors >= 3.0);
    until("three polls have failed", several).await;
    process.logged("cannot be read").await;
    let log = process.log();
    let told: Vec<_> = log.iter().filter(|line| line.contains("cannot be read")).collect();
    let why = "the AWS credentials could not be loaded: STS refuses them with AccessDenied: Not authorized to \
               perform sts:AssumeRoleWithWebIdentity; check ";
    assert!(told.len() == 1 && told[0].contains(why), "{told:#?}");
}

#[tokio::test]
async fn says_where_it_looks_for_credentials_where_there_are_none() {
    let eks = StandIn::start().await;
    let process = start(&[("AWS_REGION", REGION), ("AWS_ENDPOINT_URL_EKS", &eks.url())]).await;
    let line = process.logged("cannot be read").await;
    assert!(line.contains("no AWS credentials were found: give the webhook's pods some by "), "{line}");
    assert!(line.contains("AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, "), "{line}");
    assert_eq!(eks.lists(), []);
}

#[tokio::test]
async fn says_what_is_wrong_with_the_credentials_that_it_was_given() {
    let process = start(&[
        ("AWS_REGION", REGION),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/webhook"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"),
    ])
    .await;
    let line = process.logged("cannot be read").await;
    assert!(line.contains("the AWS credentials could not be loaded: "), "{line}");
    assert!(line.contains("No such file or directory"), "{line}");
}

#[tokio::test]
async fn says_that_there_is_no_region() {
    let process = start(&VARIABLES[1..]).await;
    let line = process.logged("cannot be read").await;
    assert!(line.contains("no region is configured: set AWS_REGION to the cluster's"), "{line}");
}

/// A stand-in over TLS, and a file with its authority.
async fn over_tls(folder: &Path) -> (StandIn, String) {
    let authority = Authority::new().unwrap();
    let pair = authority.leaf(&["localhost".to_owned()]).unwrap().pair().unwrap();
    let acceptor = tls::acceptor(&settings(["--manifests=x"]).tls, Arc::new(Store::new(pair)), None).unwrap();
    let path = folder.join("ca.crt");
    std::fs::write(&path, authority.certificate_pem()).unwrap();
    (StandIn::start_tls(acceptor).await, path.display().to_string())
}

#[tokio::test]
async fn trusts_the_roots_that_it_is_given() {
    let folder = TempDir::new().unwrap();
    let (eks, authority) = over_tls(folder.path()).await;
    let url = format!("https://localhost:{}", eks.address.port());
    let trust = [("AWS_ENDPOINT_URL_EKS", url.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    let process = start(&[VARIABLES.as_slice(), &trust].concat()).await;
    assert_eq!(signer(&eks, &process).await, KEYS[0]);
}

#[tokio::test]
async fn trusts_the_public_roots_where_the_host_has_none() {
    let folder = TempDir::new().unwrap();
    let (eks, _) = over_tls(folder.path()).await;
    let url = format!("https://localhost:{}", eks.address.port());
    let nowhere = folder.path().join("none").display().to_string();
    let trust = [
        ("AWS_ENDPOINT_URL_EKS", url.as_str()),
        ("SSL_CERT_FILE", nowhere.as_str()),
        ("SSL_CERT_DIR", nowhere.as_str()),
    ];
    let process = start(&[VARIABLES.as_slice(), &trust].concat()).await;
    // Roots were there to judge by, and this authority is not one of them.
    let line = process.logged("cannot be read").await;
    assert!(line.contains("failed to reach EKS: ") && line.contains("UnknownIssuer"), "{line}");
    assert_eq!(process.admin("/livez").await.status, 200);
}
