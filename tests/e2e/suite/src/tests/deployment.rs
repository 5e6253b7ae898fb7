//! The main job: a Deployment's pod gets its role, and an AWS SDK in it gets credentials.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::harness::release::REGION;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Test, until, workload};

const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// What the contract's table says, field by field, and in the token that kubelet wrote.
pub async fn pod_has_env_volume_and_token_to_the_letter(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let mut spec = workload::pod_spec("checkout", &workload::report_and_stay(&test.image("client-boto3")?));
    spec["restartPolicy"] = json!("Always");
    let labels = json!({"app": "checkout"});
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    });
    test.apply(&deployment.to_string()).await?;
    let pods: Api<Pod> = test.api();
    let labelled = ListParams::default().labels("app=checkout");
    let pod =
        until("the Deployment has a pod", async || Ok(pods.list(&labelled).await?.items.into_iter().next()));
    let pod = pod.await?;
    let injected = Injected(&pod);
    let token_file = format!("{MOUNT}/token");
    assert_eq!(
        injected.env("main"),
        [
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_REGION", REGION),
            ("AWS_ROLE_ARN", CHECKOUT_ROLE),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token_file.as_str()),
        ]
    );
    assert_eq!(injected.mounts("main", "aws-iam-token"), [(MOUNT, true)]);
    let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"});
    let volume = json!({"name": "aws-iam-token", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": token}]}});
    assert_eq!(injected.volumes("aws-iam-token"), [volume]);

    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let report = test.printed(name, "main").await?;
    assert_eq!(report["env"]["AWS_ROLE_ARN"], json!(CHECKOUT_ROLE));
    let token = &report["tokens"]["AWS_WEB_IDENTITY_TOKEN_FILE"];
    assert_eq!(token["readOnly"], json!(true));
    let claims = &token["claims"];
    assert_eq!(claims["aud"], json!(["sts.amazonaws.com"]));
    assert_eq!(claims["sub"], json!(format!("system:serviceaccount:{}:checkout", test.namespace)));
    ensure!(lifetime(claims) == Some(86400), "the token lasts {:?} s", lifetime(claims));
    Ok(())
}

fn lifetime(claims: &Value) -> Option<i64> {
    Some(claims["exp"].as_i64()? - claims["iat"].as_i64()?)
}
