//! Pods that must not start without an identity: by their own label, and by their namespace's.

use anyhow::{Context, Result, anyhow, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::command::kubectl;
use crate::harness::identity::Identity;
use crate::harness::injected::TOKEN_FILE;
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Report, Test, until, workload};

const LABEL: &str = "eks.amazonaws.com/require-identity";

const SKIP: &str = "eks.amazonaws.com/skip-pod-identity-webhook";

/// A label by which the release keeps pods out.
const UNWANTED: &str = "e2e.test/unwanted";

const ROLE: &str = "arn:aws:iam::111122223333:role/required";

/// How often a pod is asked for right after its account has got a role: what the watch tells of it is on
/// its way then.
const TIMES: usize = 10;

/// What an API server says to the user who makes a pod.
type Refusal = (u16, String, String);

/// A release for the pods of these namespaces alone, ready and asked.
async fn install(test: &Test, namespaces: &[&str]) -> Result<Release> {
    let named = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces});
    let values = json!({
        "replicas": 1,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {
            "requiredIdentity": true,
            "namespaceSelector": {"matchExpressions": [named]},
            "objectSelectorExpressions": [{"key": UNWANTED, "operator": "DoesNotExist"}],
            "matchConditions": [{"name": "wanted", "expression": format!("!('{UNWANTED}' in object.metadata.?labels.orValue({{}}))")}],
            // This is enough for the API server to ask three times.
            "timeoutSeconds": 3,
        },
    });
    let release = Release::install(&test.cluster, "required", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    Ok(release)
}

/// The pod requires it by its own label.
pub async fn a_pod_is_refused_until_its_account_has_a_role(test: Test) -> Result<()> {
    let release = install(&test, &[&test.namespace]).await?;
    let [replica] = &Replica::all(&test, &release).await?[..] else { anyhow::bail!("not one replica") };
    test.account("bare", &[]).await?;
    let known = async || Ok((test.dry_run(pod("bare", None)).await.is_ok()).then_some(()));
    until("the account can be used", known).await?;

    let lookups = "pod_identity_webhook_live_lookups_total{result=\"found\"}";
    let before = replica.metric(lookups).await?.unwrap_or(0);
    let refused = refusal(test.create(pod("bare", Some("true"))).await)?;
    ensure!(refused == denied(&test, "pods.", "the pod's"), "{refused:?}");
    let asked = replica.metric(lookups).await?.unwrap_or(0) - before;
    ensure!(asked == 1, "the account was looked up {asked} times for one denial");
    for other in ["false", "True", ""] {
        let admitted = test.dry_run(pod("bare", Some(other))).await?;
        ensure!(Identity::of(&admitted)? == Identity::None, "refused by the label's value '{other}'");
    }

    for number in 0..TIMES {
        let account = format!("late-{number}");
        test.account(&account, &[]).await?;
        refusal(test.dry_run(pod(&account, Some("true"))).await)?;
        test.annotate(&account, "role-arn", ROLE).await?;
        let admitted = test.create(pod(&account, Some("true"))).await?;
        ensure!(Identity::of(&admitted)? == Identity::Role(ROLE), "{:?}", Identity::of(&admitted));
    }
    release.uninstall().await
}

/// If it cannot be found out, the pod is neither refused as one without identity, nor admitted.
pub async fn a_source_that_cannot_be_asked_is_trouble_and_no_denial(test: Test) -> Result<()> {
    let release = install(&test, &[&test.namespace]).await?;
    let [replica] = &Replica::all(&test, &release).await?[..] else { anyhow::bail!("not one replica") };
    test.account("bare", &[]).await?;
    test.account("known", &[("role-arn", ROLE)]).await?;
    let denial = denied(&test, "pods.", "the pod's");
    let refused = refusal(test.dry_run(pod("bare", Some("true"))).await)?;
    ensure!(refused == denial, "{refused:?}");

    // The webhook still hears of all accounts, but cannot ask for one.
    allow(&test, &release, &["list", "watch"]).await?;
    let unavailable = "http_request_count{code=\"503\",path=\"/mutate\",verb=\"POST\"}";
    let mut times = 0;
    let refused = until("the account cannot be looked up any more", async || {
        let before = replica.metric(unavailable).await?.unwrap_or(0);
        let refused = refusal(test.dry_run(pod("bare", Some("true"))).await)?;
        times = replica.metric(unavailable).await?.unwrap_or(0) - before;
        Ok((refused != denial).then_some(refused))
    })
    .await?;
    let (code, reason, message) = refused;
    // The error does not say why: the API server only reports that the time is over.
    let failed = "Internal error occurred: failed calling webhook \"pods.iam-for-pods.amazonaws.com\": \
                  failed to call webhook: ";
    ensure!((code, &*reason) == (500, "InternalError") && message.starts_with(failed), "{code} {message}");
    // The pod is sent to one entry alone, which is asked again for as long as it may take.
    ensure!(times >= 2, "asked {times} times for one pod: the answer bears no Retry-After");

    let known = test.dry_run(pod("known", Some("true"))).await?;
    ensure!(Identity::of(&known)? == Identity::Role(ROLE), "{:?}", Identity::of(&known));
    let usual = test.dry_run(pod("bare", None)).await?;
    ensure!(Identity::of(&usual)? == Identity::None, "{:?}", Identity::of(&usual));

    allow(&test, &release, &["get", "list", "watch"]).await?;
    until("the account can be looked up again", async || {
        let refused = refusal(test.dry_run(pod("bare", Some("true"))).await)?;
        Ok((refused == denial).then_some(()))
    })
    .await?;
    release.uninstall().await
}

/// The namespace's label, for whatever makes pods in it.
pub async fn a_namespace_has_pods_once_their_account_has_a_role(test: Test) -> Result<()> {
    let strict = test.in_another_namespace("strict").await?;
    let release = install(&test, &[&test.namespace, &strict.namespace]).await?;
    for test in [&test, &strict] {
        test.account("bare", &[]).await?;
    }
    label(&strict, json!("true")).await?;
    let denial = denied(&strict, "namespaces.", "the namespace's");
    is_refused(&strict, &denial).await?;
    let beside = test.dry_run(pod("bare", None)).await?;
    ensure!(Identity::of(&beside)? == Identity::None, "{:?}", Identity::of(&beside));

    let container = workload::report_and_stay(&test.image("client-boto3")?);
    let deployment = workload::controller("Deployment", "worker", workload::pod_spec("bare", &container));
    strict.apply(&deployment.to_string()).await?;
    let deployments: Api<Deployment> = strict.api();
    let (reason, message) = until("the Deployment says that it fails", async || {
        let status = deployments.get("worker").await?.status.unwrap_or_default();
        let mut conditions = status.conditions.into_iter().flatten();
        let failed = conditions.find(|found| found.type_ == "ReplicaFailure" && found.status == "True");
        Ok(failed.map(|failed| (failed.reason, failed.message)))
    })
    .await?;
    ensure!(reason.as_deref() == Some("FailedCreate"), "{reason:?}");
    ensure!(message.as_ref() == Some(&denial.2), "{message:?}");
    strict.annotate("bare", "role-arn", ROLE).await?;
    let made = strict.made("app=worker").await?;
    ensure!(Identity::of(&made)? == Identity::Role(ROLE), "{:?}", Identity::of(&made));
    let name = made.metadata.name.context("a pod without a name")?;
    let report = Report::of(&strict, &name, "main").await?;
    ensure!(report.env() == [("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE)]);

    for number in 0..TIMES {
        let account = format!("new-{number}");
        strict.account(&account, &[("role-arn", ROLE)]).await?;
        let admitted = strict.create(pod(&account, None)).await?;
        ensure!(Identity::of(&admitted)? == Identity::Role(ROLE), "{:?}", Identity::of(&admitted));
    }
    strict.annotate("bare", "role-arn", "").await?;
    is_refused(&strict, &denial).await?;
    for other in [json!("false"), Value::Null] {
        label(&strict, other.clone()).await?;
        until(&format!("nothing is required by the label {other}"), async || {
            let Ok(admitted) = strict.dry_run(pod("bare", None)).await else { return Ok(None) };
            ensure!(Identity::of(&admitted)? == Identity::None, "{:?}", Identity::of(&admitted));
            Ok(Some(()))
        })
        .await?;
        label(&strict, json!("true")).await?;
        is_refused(&strict, &denial).await?;
    }
    nobody_answers(&test, &strict, &release).await?;
    release.uninstall().await
}

/// The namespace's label binds users who make pods there, and who write the labels of these pods.
pub async fn no_pod_frees_itself_from_its_namespaces_label(test: Test) -> Result<()> {
    let strict = test.in_another_namespace("strict").await?;
    let release = install(&test, &[&test.namespace, &strict.namespace]).await?;
    for test in [&test, &strict] {
        test.account("bare", &[]).await?;
        label(test, json!("true")).await?;
    }
    strict.account("paid", &[("role-arn", ROLE)]).await?;
    let denial = denied(&strict, "namespaces.", "the namespace's");
    is_refused(&strict, &denial).await?;
    let own = format!("{}/own", release.registration());
    for labels in [json!({SKIP: "x"}), json!({&own: "true"}), json!({SKIP: "x", &own: "true", UNWANTED: "x"})]
    {
        let refused = refusal(strict.dry_run(labelled("bare", &labels)).await)?;
        ensure!(refused == denial, "with {labels}: {refused:?}");
        let admitted = strict.dry_run(labelled("paid", &labels)).await?;
        ensure!(Identity::of(&admitted)? == Identity::Role(ROLE), "{labels}: {:?}", Identity::of(&admitted));
    }

    // In the release's namespace its own pods start without the webhook, and no others do.
    let denial = denied(&test, "own-namespace.", "the namespace's");
    is_refused(&test, &denial).await?;
    let refused = refusal(test.dry_run(labelled("bare", &json!({SKIP: "x"}))).await)?;
    ensure!(refused == denial, "{refused:?}");
    let admitted = test.dry_run(labelled("bare", &json!({&own: "true"}))).await?;
    ensure!(Identity::of(&admitted)? == Identity::None, "{:?}", Identity::of(&admitted));
    let deployment = format!("deployment/{}", release.fullname());
    let namespace = format!("--namespace={}", test.namespace);
    kubectl(["rollout", "restart", &deployment, &namespace]).await?;
    kubectl(["rollout", "status", &deployment, &namespace, "--timeout=120s"]).await?;
    release.uninstall().await
}

/// Pods that must have an identity wait for the webhook, and no others do.
async fn nobody_answers(test: &Test, strict: &Test, release: &Release) -> Result<()> {
    let deployment = format!("deployment/{}", release.fullname());
    kubectl(["scale", &deployment, "--replicas=0", "--namespace", &test.namespace]).await?;
    let words = |webhook: &str| {
        format!("Internal error occurred: failed calling webhook \"{webhook}.iam-for-pods.amazonaws.com\"")
    };
    let asked = [(strict, None, "namespaces"), (test, Some("true"), "pods")];
    for (test, required, webhook) in asked {
        until(&format!("nobody answers {webhook}"), async || {
            let (code, _, message) = refusal(test.dry_run(pod("bare", required)).await)?;
            Ok((code == 500 && message.starts_with(&words(webhook))).then_some(()))
        })
        .await?;
    }
    let usual = test.dry_run(pod("bare", None)).await?;
    ensure!(Identity::of(&usual)? == Identity::None, "{:?}", Identity::of(&usual));
    Ok(())
}

/// A pod that never starts, with the label or without it.
fn pod(account: &str, required: Option<&str>) -> Value {
    let mut pod = workload::unscheduled(account, account);
    if let Some(required) = required {
        pod["metadata"]["labels"] = json!({LABEL: required});
    }
    pod
}

/// A pod that never starts, with these labels.
fn labelled(account: &str, labels: &Value) -> Value {
    let mut pod = workload::unscheduled(account, account);
    pod["metadata"]["labels"] = labels.clone();
    pod
}

/// Why a pod was refused.
fn refusal<T>(answer: Result<T>) -> Result<Refusal> {
    let Err(error) = answer else { return Err(anyhow!("a pod was admitted")) };
    match error.downcast::<kube::Error>()? {
        kube::Error::Api(status) => Ok((status.code, status.reason, status.message)),
        error => Err(error.into()),
    }
}

/// How a pod of the account `bare` is refused by one of the release's webhooks.
fn denied(test: &Test, webhook: &str, whose: &str) -> Refusal {
    let message = format!(
        "admission webhook \"{webhook}iam-for-pods.amazonaws.com\" denied the request: ServiceAccount {}/bare has \
         no AWS identity, but {whose} label eks.amazonaws.com/require-identity requires an identity; the webhook asked \
         service-accounts: set the annotation eks.amazonaws.com/role-arn or associate the account with a role, and \
         the pod can be created",
        test.namespace
    );
    (403, "Forbidden".to_owned(), message)
}

/// Waits until pods of `bare` are refused like this; before that they are admitted.
async fn is_refused(test: &Test, expected: &Refusal) -> Result<()> {
    until("pods without identity are refused", async || {
        let Err(error) = test.dry_run(pod("bare", None)).await else { return Ok(None) };
        let refused = refusal::<()>(Err(error))?;
        ensure!(refused == *expected, "{refused:?}");
        Ok(Some(()))
    })
    .await
}

/// Sets the namespace's label, or removes it.
async fn label(test: &Test, value: Value) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(test.client.clone());
    let patch = Patch::Merge(json!({"metadata": {"labels": {LABEL: value}}}));
    namespaces.patch(&test.namespace, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// Lets the release do this with ServiceAccounts, and nothing else.
async fn allow(test: &Test, release: &Release, verbs: &[&str]) -> Result<()> {
    let roles: Api<ClusterRole> = Api::all(test.client.clone());
    let rule = json!({"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": verbs});
    let patch = Patch::Merge(json!({"rules": [rule]}));
    roles.patch(&release.registration(), &PatchParams::default(), &patch).await?;
    Ok(())
}
