//! Beside another mutating webhook, which adds sidecars: each of their containers has the identity too,
//! whichever of the two is called first.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::registration::{Registration, await_injection};
use crate::harness::sidecars::{NATIVE_SIDECAR, SIDECAR, Sidecars};
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Test, kubeconfig, until, workload};

const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// The API server asks the webhook again, because the pod has changed since.
pub async fn sidecars_that_are_added_after_us_have_the_identity(test: Test) -> Result<()> {
    let outcomes = outcomes_beside_sidecars(&test, "1", "2").await?;
    assert_eq!(outcomes, ["injected", "injected"]);
    Ok(())
}

/// The API server may ask the webhook again here too, when its own plugins have mounted the account's token
/// into the sidecars; there is nothing left to add then.
pub async fn sidecars_that_are_added_before_us_have_the_identity(test: Test) -> Result<()> {
    let outcomes = outcomes_beside_sidecars(&test, "2", "1").await?;
    let (first, others) = outcomes.split_first().context("it was not asked")?;
    assert_eq!(first, "injected");
    assert!(others.iter().all(|outcome| outcome == "complete"), "{others:?}");
    Ok(())
}

/// How the webhook's admissions of one pod ended. The API server calls webhooks in the order of their
/// registrations' names.
async fn outcomes_beside_sidecars(test: &Test, ours: &str, theirs: &str) -> Result<Vec<String>> {
    let (cluster, namespace) = (&test.cluster, &test.namespace);
    let webhook = Process::start(cluster, kubeconfig::of_environment().await?.path(), &[]).await?;
    let to = json!({"url": webhook.url});
    let our_registration =
        Registration::new(cluster, namespace, ours, to, &webhook.authority, &json!({})).await?;
    let sidecars = Sidecars::serve(cluster).await?;
    let to = json!({"url": sidecars.url});
    // This is what service meshes set: it is not called a second time, whatever the webhook adds.
    let never = json!({"name": "sidecars.e2e.test", "reinvocationPolicy": "Never"});
    let their_registration =
        Registration::new(cluster, namespace, theirs, to, &sidecars.authority, &never).await?;
    await_injection(cluster, namespace).await?;
    until("the API server calls the other webhook", async || {
        let pod = json!(test.dry_run(workload::unscheduled("other", "default")).await?);
        Ok(names(&pod["spec"]["containers"]).contains(&SIDECAR).then_some(()))
    })
    .await?;

    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let pod = test.create(workload::unscheduled("checkout", "checkout")).await?;
    let stored = json!(pod);
    assert_eq!(names(&stored["spec"]["containers"]), ["main", SIDECAR]);
    assert_eq!(names(&stored["spec"]["initContainers"]), [NATIVE_SIDECAR]);
    assert_eq!(stored["spec"]["initContainers"][0]["restartPolicy"], json!("Always"));
    let injected = Injected(&pod);
    let token_file = format!("{MOUNT}/token");
    for container in ["main", SIDECAR, NATIVE_SIDECAR] {
        let env = [("AWS_ROLE_ARN", CHECKOUT_ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token_file)];
        assert_eq!(injected.env(container), env, "{container}");
        assert_eq!(injected.mounts(container, "aws-iam-token"), [(MOUNT, true)], "{container}");
    }
    assert_eq!(injected.volumes("aws-iam-token").len(), 1);
    // The log may be a moment behind the answers: once it has those of a later pod, it has all of this one.
    test.dry_run(workload::unscheduled("later", "checkout")).await?;
    let admissions = until("the log has a later pod too", async || {
        let admissions = webhook.admissions();
        Ok(admissions.iter().any(|admission| admission.pod == "later").then_some(admissions))
    })
    .await?;
    our_registration.remove().await?;
    their_registration.remove().await?;
    let admissions = admissions.into_iter().filter(|admission| admission.pod == "checkout");
    Ok(admissions.map(|admission| admission.outcome).collect())
}

fn names(containers: &Value) -> Vec<&str> {
    containers.as_array().into_iter().flatten().filter_map(|container| container["name"].as_str()).collect()
}
