//! What users steer by annotations: seen in the stored pod, and from inside its containers.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::harness::injected::{MOUNT, TOKEN_FILE, VOLUME};
use crate::harness::release::REGION;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Report, Test, workload};

const ROLE: (&str, &str) = ("AWS_ROLE_ARN", CHECKOUT_ROLE);
const TOKEN: (&str, &str) = ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE);

/// All that a container gets from the shared release.
const ALL: [(&str, &str); 4] = [("AWS_DEFAULT_REGION", REGION), ("AWS_REGION", REGION), ROLE, TOKEN];

/// This is set by `audience` of the ServiceAccount.
pub async fn audience_of_the_account_is_the_tokens(test: Test) -> Result<()> {
    let audience = "sts.e2e.example.com";
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE), ("audience", audience)]).await?;
    let pod = test.create(reporting(&test, &json!({}))?).await?;
    assert_eq!(source(&pod)["audience"], audience);
    let report = Report::of(&test, "reporting", "main").await?;
    assert_eq!(report.token()?.claim("aud"), &json!([audience]));
    Ok(())
}

/// This is set by `token-expiration` of the ServiceAccount.
pub async fn token_lives_as_long_as_the_account_says(test: Test) -> Result<()> {
    token_lives(&test, "7200", &json!({}), 7200).await
}

/// The pod's `token-expiration` comes before the account's.
pub async fn token_lives_as_long_as_the_pod_says_rather_than_the_account(test: Test) -> Result<()> {
    token_lives(&test, "7200", &json!({"eks.amazonaws.com/token-expiration": "3600"}), 3600).await
}

/// Kubernetes refuses less, and would refuse the pod.
pub async fn token_lives_ten_minutes_at_least(test: Test) -> Result<()> {
    token_lives(&test, "7200", &json!({"eks.amazonaws.com/token-expiration": "60"}), 600).await
}

async fn token_lives(test: &Test, account: &str, annotations: &Value, seconds: i64) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE), ("token-expiration", account)]).await?;
    let pod = test.create(reporting(test, annotations)?).await?;
    assert_eq!(source(&pod)["expirationSeconds"], seconds);
    let report = Report::of(test, "reporting", "main").await?;
    assert_eq!(report.token()?.lifetime(), Some(seconds));
    Ok(())
}

/// `sts-regional-endpoints` of the ServiceAccount, where the release does not set it.
pub async fn account_asks_for_regional_sts_endpoints(test: Test) -> Result<()> {
    let annotations = [("role-arn", CHECKOUT_ROLE), ("sts-regional-endpoints", "true")];
    test.account("checkout", &annotations).await?;
    let pod = test.create(reporting(&test, &json!({}))?).await?;
    let env: Vec<_> = [("AWS_STS_REGIONAL_ENDPOINTS", "regional")].into_iter().chain(ALL).collect();
    assert_eq!(Injected(&pod).env("main"), env);
    let report = Report::of(&test, "reporting", "main").await?;
    assert!(report.env().contains(&env[0]), "{:?}", report.env());
    Ok(())
}

/// `skip-containers` of the pod: a CSV record, here with quotes and blanks.
pub async fn skipped_containers_have_neither_variables_nor_mount(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let skip = json!({"eks.amazonaws.com/skip-containers": "\"proxy\", log-router ,setup "});
    let mut pod = reporting(&test, &skip)?;
    let others = ["proxy", "log-router"];
    for name in others {
        add(&mut pod, "containers", container(&test, name)?);
    }
    add(&mut pod, "initContainers", container(&test, "setup")?);
    let pod = test.create(pod).await?;
    let injected = Injected(&pod);
    assert_eq!(injected.env("main"), ALL);
    assert_eq!(injected.mounts("main", VOLUME), [(MOUNT, true)]);
    let report = Report::of(&test, "reporting", "main").await?;
    assert_eq!(report.env(), ALL);
    for name in others.into_iter().chain(["setup"]) {
        assert_eq!(injected.env(name), [], "{name}");
        assert_eq!(injected.mounts(name, VOLUME), [], "{name}");
        assert_eq!(Report::of(&test, "reporting", name).await?.env(), [], "{name}");
    }
    Ok(())
}

/// `inject-containers` of the pod: the others are skipped.
pub async fn only_containers_that_are_to_be_injected_are(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut pod = reporting(&test, &json!({"eks.amazonaws.com/inject-containers": "proxy"}))?;
    add(&mut pod, "containers", container(&test, "proxy")?);
    let pod = test.create(pod).await?;
    let injected = Injected(&pod);
    assert_eq!((injected.env("main"), injected.mounts("main", VOLUME)), (vec![], vec![]));
    assert_eq!(
        (injected.env("proxy"), injected.mounts("proxy", VOLUME)),
        (ALL.to_vec(), vec![(MOUNT, true)])
    );
    assert_eq!(Report::of(&test, "reporting", "main").await?.env(), []);
    assert_eq!(Report::of(&test, "reporting", "proxy").await?.env(), ALL);
    Ok(())
}

/// What runs before the main container has its identity too, and a token that can be read by then.
pub async fn init_container_and_native_sidecar_read_the_token(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut pod = reporting(&test, &json!({}))?;
    add(&mut pod, "initContainers", container(&test, "setup")?);
    let mut sidecar = container(&test, "sidecar")?;
    sidecar["command"] = workload::report_and_stay("")["command"].take();
    sidecar["restartPolicy"] = json!("Always");
    add(&mut pod, "initContainers", sidecar);
    let pod = test.create(pod).await?;
    let restart =
        pod.spec.as_ref().and_then(|spec| spec.init_containers.as_ref()?.get(1)?.restart_policy.as_deref());
    assert_eq!(restart, Some("Always"));
    for name in ["setup", "sidecar", "main"] {
        assert_eq!(Injected(&pod).env(name), ALL, "{name}");
        assert_eq!(Injected(&pod).mounts(name, VOLUME), [(MOUNT, true)], "{name}");
        let report = Report::of(&test, "reporting", name).await?;
        assert_eq!(report.env(), ALL, "{name}");
        let subject = format!("system:serviceaccount:{}:checkout", test.namespace);
        assert_eq!(report.token()?.claim("sub"), &json!(subject), "{name}");
    }
    Ok(())
}

/// The release's region is for containers that name none; the two names are one setting.
pub async fn container_keeps_a_region_of_its_own(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut pod = reporting(&test, &json!({}))?;
    let regions = [("own", "AWS_REGION"), ("old", "AWS_DEFAULT_REGION")];
    for (name, variable) in regions {
        let mut container = container(&test, name)?;
        container["env"] = json!([{"name": variable, "value": "us-west-2"}]);
        add(&mut pod, "containers", container);
    }
    let pod = test.create(pod).await?;
    assert_eq!(Injected(&pod).env("main"), ALL);
    for (name, variable) in regions {
        let env = [(variable, "us-west-2"), ROLE, TOKEN];
        assert_eq!(Injected(&pod).env(name), env, "{name}");
        assert_eq!(Report::of(&test, "reporting", name).await?.env(), env, "{name}");
    }
    Ok(())
}

/// A pod of the account `checkout` whose container reports.
fn reporting(test: &Test, annotations: &Value) -> Result<Value> {
    let mut pod = workload::pod("reporting", "checkout", &workload::report(&test.image("client-boto3")?));
    pod["metadata"]["annotations"] = annotations.clone();
    Ok(pod)
}

/// A container that reports.
fn container(test: &Test, name: &str) -> Result<Value> {
    Ok(workload::container(name, &workload::report(&test.image("client-boto3")?)))
}

/// Adds a container to a pod's list of this name.
fn add(pod: &mut Value, list: &str, container: Value) {
    let list = &mut pod["spec"][list];
    match list.as_array_mut() {
        Some(list) => list.push(container),
        None => *list = json!([container]),
    }
}

/// What the injected volume asks kubelet for.
fn source(pod: &Pod) -> Value {
    let [volume] = &mut Injected(pod).volumes(VOLUME)[..] else { return Value::Null };
    volume["projected"]["sources"][0]["serviceAccountToken"].take()
}
