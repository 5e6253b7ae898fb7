//! Credentials from STS by the pod's own token: what is asked, and what its errors are to a pod.

use std::sync::Arc;
use std::time::Duration;

use pod_identity_webhook::agent::args::UpstreamKind;
use pod_identity_webhook::agent::cache::{Ask, Fetch, Token};
use pod_identity_webhook::agent::metrics::Metrics;
use pod_identity_webhook::agent::settings::UpstreamSettings;
use pod_identity_webhook::agent::trust::Subject;
use pod_identity_webhook::agent::upstream::connect;
use pod_identity_webhook::agent::{Failure, FailureKind};
use pod_identity_webhook::association::Terms;
use pod_identity_webhook::aws::ClusterName;
use pod_identity_webhook::telemetry::Registry;

use super::ROLE;
use super::sts::Sts;

const TARGET: &str = "arn:aws:iam::210987654321:role/target";
const UID: &str = "0f0e0d0c-1111-2222-3333-444455556666";

async fn upstream(sts: &Sts, duration: Duration) -> Fetch {
    let settings = UpstreamSettings {
        kind: UpstreamKind::WebIdentity,
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(sts.url.clone()),
        cluster: ClusterName::new("prod").unwrap(),
        duration,
    };
    connect(settings, Arc::new(Metrics::new(&Registry::new().unwrap()).unwrap())).await.unwrap()
}

fn terms() -> Terms {
    Terms {
        id: "a-1".into(),
        role_arn: ROLE.into(),
        target_role_arn: None,
        disable_session_tags: false,
        policy: None,
        external_id: None,
    }
}

fn ask(terms: Terms) -> Ask {
    let subject = Subject {
        namespace: "shop".into(),
        service_account: "orders".into(),
        account_uid: "account".into(),
        pod_name: "orders-7d9c6b8f5-x2x4z".into(),
        pod_uid: UID.into(),
        expires: 4_102_444_800,
    };
    let token = Token::new("a.pods.token", 4_102_444_800);
    Ask { subject: Arc::new(subject), token, terms: Some(Arc::new(terms)) }
}

#[tokio::test]
async fn the_role_is_assumed_by_the_pods_own_token_and_without_a_signature() {
    let sts = Sts::start().await;
    let fetch = upstream(&sts, Duration::from_hours(2)).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let credentials = fetch(ask(Terms { policy: Some(policy.into()), ..terms() })).await.unwrap();
    assert_eq!(credentials.access_key_id, "ASIAAssumeRoleWithWebIdentity");
    assert_eq!(credentials.account_id, "123456789012");
    assert_eq!(credentials.expiration.to_string(), "2100-01-02T03:04:05Z");
    assert_eq!(credentials.longest, Duration::from_hours(2));
    let calls = sts.calls();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(call.authorization, None);
    assert_eq!(call.get("Action"), Some("AssumeRoleWithWebIdentity"));
    assert_eq!(call.get("RoleArn"), Some(ROLE));
    assert_eq!(call.get("WebIdentityToken"), Some("a.pods.token"));
    assert_eq!(call.get("DurationSeconds"), Some("7200"));
    assert_eq!(call.get("Policy"), Some(policy));
    let name = call.get("RoleSessionName").unwrap();
    assert!(name.starts_with("eks-prod-orders-7d9c") && name.ends_with(&format!("-{UID}")), "{name}");
    assert_eq!(name.len(), 64);
}

#[tokio::test]
async fn a_target_role_is_assumed_with_the_first_and_has_ekss_six_tags() {
    let sts = Sts::start().await;
    let fetch = upstream(&sts, Duration::from_hours(2)).await;
    let chained = Terms { target_role_arn: Some(TARGET.into()), external_id: Some("e-1".into()), ..terms() };
    let credentials = fetch(ask(chained)).await.unwrap();
    assert_eq!(credentials.access_key_id, "ASIAAssumeRole");
    assert_eq!(credentials.account_id, "210987654321");
    assert_eq!(credentials.longest, Duration::from_hours(1));
    let calls = sts.calls();
    let [first, second] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((first.get("RoleArn"), second.get("RoleArn")), (Some(ROLE), Some(TARGET)));
    let signed = second.authorization.as_deref().unwrap();
    assert!(signed.contains("Credential=ASIAAssumeRoleWithWebIdentity/"), "{signed}");
    // A chained session lasts an hour at most.
    assert_eq!((first.get("DurationSeconds"), second.get("DurationSeconds")), (Some("7200"), Some("3600")));
    assert_eq!(second.get("ExternalId"), Some("e-1"));
    let expected = [
        ("eks-cluster-arn", "arn:aws:eks:eu-west-1:123456789012:cluster/prod"),
        ("eks-cluster-name", "prod"),
        ("kubernetes-namespace", "shop"),
        ("kubernetes-pod-name", "orders-7d9c6b8f5-x2x4z"),
        ("kubernetes-pod-uid", UID),
        ("kubernetes-service-account", "orders"),
    ];
    assert_eq!(second.tags().into_iter().collect::<Vec<_>>(), expected);
    let transitive = |number| second.get(&format!("TransitiveTagKeys.member.{number}"));
    let mut transitive: Vec<_> = (1..).map_while(transitive).collect();
    transitive.sort_unstable();
    assert_eq!(transitive, expected.map(|(key, _)| key));
}

#[tokio::test]
async fn without_tags_the_policy_is_the_target_sessions() {
    let sts = Sts::start().await;
    let fetch = upstream(&sts, Duration::from_hours(1)).await;
    let chained = Terms {
        target_role_arn: Some(TARGET.into()),
        disable_session_tags: true,
        policy: Some("{}".into()),
        ..terms()
    };
    fetch(ask(chained)).await.unwrap();
    let calls = sts.calls();
    let [first, second] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((first.get("Policy"), second.get("Policy")), (None, Some("{}")));
    assert!(second.tags().is_empty() && second.get("TransitiveTagKeys.member.1").is_none());
    assert_eq!(second.get("ExternalId"), None);
}

#[tokio::test]
async fn errors_of_sts_have_its_status_and_words_and_say_whether_to_try_again() {
    let sts = Sts::start().await;
    let fetch = upstream(&sts, Duration::from_hours(1)).await;
    for (status, code, kind, calls) in [
        (403, "AccessDenied", FailureKind::Refused, 1),
        (400, "InvalidIdentityToken", FailureKind::Passing, 1),
        (400, "ExpiredTokenException", FailureKind::Passing, 1),
        (403, "IDPRejectedClaim", FailureKind::Refused, 1),
        (403, "RegionDisabledException", FailureKind::Refused, 1),
        (400, "PackedPolicyTooLarge", FailureKind::Refused, 1),
        (400, "SomethingNew", FailureKind::Passing, 1),
        (403, "InvalidClientTokenId", FailureKind::Passing, 1),
        // The SDK itself tries again what may pass.
        (400, "IDPCommunicationError", FailureKind::Passing, 3),
        (400, "Throttling", FailureKind::Throttled, 3),
        (503, "SomethingNew", FailureKind::Passing, 3),
    ] {
        sts.refuses(Some((status, code, "why it is so")));
        let before = sts.calls().len();
        let failure = fetch(ask(terms())).await.unwrap_err();
        assert_eq!((failure.status, failure.kind, &*failure.code), (status, kind, code));
        let fault = if status >= 500 { "server" } else { "client" };
        let Failure { text, .. } = &failure;
        assert!(text.starts_with(&format!("[r-1]: ({code}): why it is so")), "{text}");
        assert!(text.ends_with(&format!(", fault: {fault}")), "{text}");
        assert!(!text.contains("a.pods.token"), "{text}");
        assert_eq!(sts.calls().len() - before, calls, "{code}");
    }
}

#[tokio::test]
async fn an_sts_that_is_not_there_is_trouble_that_passes() {
    let sts = Sts::start().await;
    let fetch = upstream(&sts, Duration::from_hours(1)).await;
    drop(sts);
    let failure = fetch(ask(terms())).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Passing);
    assert!(failure.to_string().starts_with("AWS could not be asked: "), "{failure}");
}
