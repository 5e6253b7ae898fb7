//! The main job: a Deployment's pod gets its role, and an AWS SDK in it gets credentials.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::injected::{MOUNT, TOKEN_FILE, VOLUME};
use crate::harness::release::REGION;
use crate::harness::test::{CHECKOUT_ROLE, STS_URL};
use crate::harness::{Injected, Report, Test, workload};

/// A container of each SDK, by their names.
const SDKS: [&str; 2] = ["rust", "boto3"];

/// What the contract's table says, field by field, and in the token that kubelet wrote.
pub async fn pod_has_env_volume_and_token_to_the_letter(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let spec = workload::pod_spec("checkout", &workload::report_and_stay(&test.image("client-boto3")?));
    test.apply(&workload::controller("Deployment", "checkout", spec).to_string()).await?;
    let pod = test.made("app=checkout").await?;
    let injected = Injected(&pod);
    let env = [
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_ROLE_ARN", CHECKOUT_ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE),
    ];
    assert_eq!(injected.env("main"), env);
    assert_eq!(injected.mounts("main", VOLUME), [(MOUNT, true)]);
    let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"});
    let volume = json!({"name": VOLUME, "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": token}]}});
    assert_eq!(injected.volumes(VOLUME), [volume]);

    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let report = Report::of(&test, name, "main").await?;
    assert_eq!(report.env(), env);
    let token = report.token()?;
    assert!(token.is_read_only());
    assert_eq!(token.claim("aud"), &json!(["sts.amazonaws.com"]));
    assert_eq!(token.claim("sub"), &json!(format!("system:serviceaccount:{}:checkout", test.namespace)));
    assert_eq!(token.lifetime(), Some(86400));
    Ok(())
}

/// The whole way: the SDKs' default chains, and an STS that checks signature, audience and subject.
pub async fn both_sdks_get_credentials_of_the_role(test: Test) -> Result<()> {
    test.start_sts().await?;
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let spec = clients(&test, "checkout", &json!([{"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL}]))?;
    test.apply(&workload::controller("Deployment", "checkout", spec).to_string()).await?;
    let pod = test.made("app=checkout").await?;
    for sdk in SDKS {
        let mut line = test.printed(pod.metadata.name.as_deref().unwrap_or_default(), sdk).await?;
        let session = line["arn"].take();
        let role = "arn:aws:sts::111122223333:assumed-role/e2e-checkout/";
        assert!(session.as_str().is_some_and(|arn| arn.starts_with(role)), "{session} of {line}");
        let expected = json!({
            "ok": true, "sdk": sdk, "arn": null, "account": "111122223333", "accessKeyIdPrefix": "ASIA",
            "error": null, "message": null,
        });
        assert_eq!(line, expected);
    }
    Ok(())
}

/// The pod's SDKs find no other identity either.
pub async fn pod_of_an_account_without_a_role_gets_nothing(test: Test) -> Result<()> {
    test.account("plain", &[]).await?;
    let pod = workload::of_spec("plain", &clients(&test, "plain", &json!([]))?);
    let pod = test.create(pod).await?;
    assert!(Injected(&pod).is_bare(), "{}", json!(pod));
    for sdk in SDKS {
        assert_eq!(refusal(&test, "plain", sdk).await?, "NoCredentials");
    }
    Ok(())
}

/// The webhook gives what the annotation says; the role's trust policy decides if the account may have it.
pub async fn role_that_trusts_another_account_is_refused_by_sts(test: Test) -> Result<()> {
    test.start_sts().await?;
    test.account("billing", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let sts = json!([{"name": "AWS_ENDPOINT_URL_STS", "value": STS_URL}]);
    let pod = test.create(workload::of_spec("billing", &clients(&test, "billing", &sts)?)).await?;
    for sdk in SDKS {
        assert_eq!(Injected(&pod).value(sdk, "AWS_ROLE_ARN"), Some(CHECKOUT_ROLE));
        assert_eq!(refusal(&test, "billing", sdk).await?, "AccessDenied");
    }
    Ok(())
}

/// A pod of both SDKs' clients, with these variables.
fn clients(test: &Test, account: &str, env: &Value) -> Result<Value> {
    let container = |sdk| -> Result<Value> {
        let image = test.image(&format!("client-{sdk}"))?;
        Ok(workload::container(sdk, &json!({"image": image, "env": env})))
    };
    let mut spec = workload::pod_spec(account, &json!({}));
    spec["containers"] = SDKS.map(container).into_iter().collect::<Result<_>>()?;
    Ok(spec)
}

/// Why an SDK got no credentials.
async fn refusal(test: &Test, pod: &str, sdk: &str) -> Result<String> {
    let line = test.printed(pod, sdk).await?;
    assert_eq!((&line["ok"], &line["sdk"]), (&json!(false), &json!(sdk)), "{line}");
    Ok(line["error"].as_str().unwrap_or_default().to_owned())
}
