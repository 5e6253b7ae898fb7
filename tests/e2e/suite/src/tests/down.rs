//! Nobody answers: which pods start then, and what becomes of the others.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::command::{self, kubectl};
use crate::harness::registration::{await_injection, fail_open_count};
use crate::harness::release::Release;
use crate::harness::test::{CHECKOUT_ROLE, caught};
use crate::harness::verdict::Verdict;
use crate::harness::{Injected, Test, until, workload};

const LABEL: &str = "eks.amazonaws.com/require-identity";

/// Plain pods are admitted without identity, those that require one are refused with words; their controllers try again,
/// and when the webhook is back they come with it.
pub async fn while_nobody_answers_only_pods_that_require_an_identity_wait(test: Test) -> Result<()> {
    let values = json!({
        "replicas": 2,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    let release = Release::install(&test.cluster, "down", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    scale(&test, &release, 0).await?;

    let bare = until("a plain pod is admitted without identity", async || {
        let pod = test.dry_run(workload::unscheduled("plain", "checkout")).await?;
        Ok(Injected(&pod).is_bare().then_some(()))
    });
    bare.await?;
    let deployments: Api<Deployment> = test.api();
    let mut spec = workload::pod_spec("checkout", &json!({"image": "none.invalid/none"}));
    spec["schedulingGates"] = json!([{"name": "e2e.test/never"}]);
    let mut waiting = workload::controller("Deployment", "waiting", spec);
    waiting["spec"]["template"]["metadata"]["labels"][LABEL] = json!("true");
    deployments.create(&PostParams::default(), &serde_json::from_value(waiting)?).await?;
    let words = until("the controller is refused", async || refusal(&test).await).await?;
    ensure!(words.contains("failed calling webhook \"pods.iam-for-pods.amazonaws.com\""), "{words}");

    scale(&test, &release, 2).await?;
    let begin = Instant::now();
    let pods: Api<Pod> = test.api();
    let of_deployment = ListParams::default().labels("app=waiting");
    let pod = until("the controller has made its pod", async || {
        Ok(pods.list(&of_deployment).await?.items.into_iter().next())
    });
    let pod = pod.await?;
    ensure!(Verdict::of(&pod, CHECKOUT_ROLE) == Verdict::Right, "{:?}", Verdict::of(&pod, CHECKOUT_ROLE));
    println!(
        "a Deployment whose pod was refused while nobody answered: it came with its role {:.1} s after the webhook",
        begin.elapsed().as_secs_f32()
    );
    release.uninstall().await
}

/// What the controller of the pods was told.
async fn refusal(test: &Test) -> Result<Option<String>> {
    let events: Api<Event> = test.api();
    let failed = events.list(&ListParams::default().fields("reason=FailedCreate")).await?;
    let of_waiting = failed.items.into_iter().filter(|event| {
        event.involved_object.name.as_deref().is_some_and(|name| name.starts_with("waiting-"))
    });
    Ok(of_waiting.filter_map(|event| event.message).find(|words| words.contains("failed calling webhook")))
}

async fn scale(test: &Test, release: &Release, replicas: usize) -> Result<()> {
    let deployment = format!("deployment/{}", release.fullname());
    let count = format!("--replicas={replicas}");
    kubectl(["scale", &deployment, "--namespace", &test.namespace, &count]).await?;
    kubectl(["rollout", "status", &deployment, "--namespace", &test.namespace, "--timeout=120s"]).await?;
    let pods: Api<Pod> = test.api();
    let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
    let there = async || Ok((pods.list(&own).await?.items.len() == replicas).then_some(()));
    until(&format!("there are {replicas} replicas"), there).await
}

/// A cluster that comes up: the registration is there, and no replica. What kube-system needs first has to start without
/// the webhook, though the API server asks it, and so has the webhook itself.
pub async fn cold_cluster_with_the_registration_starts_by_itself(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let values = json!({
        "replicas": 2,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {
            "name": name,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": KUBE_SYSTEM}},
            // Pods of other tests there are not its business.
            "objectSelectorExpressions": [{"key": COLD, "operator": "In", "values": [test.namespace]}],
        },
    });
    let release = Release::install(&test.cluster, "cold", &test.namespace, &values).await?;
    scale(&test, &release, 0).await?;
    let before = fail_open_count(&name).await?;
    let started = caught(start_system(&test)).await;
    let selector = format!("--selector={COLD}={}", test.namespace);
    kubectl(["delete", "daemonset,deployment", "--namespace", KUBE_SYSTEM, &selector, "--wait"]).await?;
    started?;
    let asked = fail_open_count(&name).await? - before;
    ensure!(asked >= 2, "the API server asked the webhook {asked} times");
    println!("kube-system: {asked} calls were given up while no replica was there, and its pods started");
    scale(&test, &release, 2).await?;
    release.uninstall().await
}

const KUBE_SYSTEM: &str = "kube-system";

/// Label of this test's pods in kube-system.
const COLD: &str = "e2e.pod-identity-webhook/cold";

/// Starts what a cluster needs before anything else: a network plugin and name servers, by what they are made of.
async fn start_system(test: &Test) -> Result<()> {
    let image = test.image("client-boto3")?;
    let stays = json!({"image": image, "command": ["python3", "-c", "import signal; signal.pause()"]});
    let mut network = workload::pod_spec("default", &stays);
    network["hostNetwork"] = json!(true);
    network["tolerations"] = json!([{"operator": "Exists"}]);
    network["priorityClassName"] = json!("system-node-critical");
    let mut dns = workload::pod_spec("default", &stays);
    dns["priorityClassName"] = json!("system-cluster-critical");
    for (kind, suffix, spec) in [("DaemonSet", "network", network), ("Deployment", "dns", dns)] {
        let name = format!("{}-{suffix}", test.namespace);
        let mut controller = workload::controller(kind, &name, spec);
        controller["metadata"]["namespace"] = json!(KUBE_SYSTEM);
        for metadata in ["/metadata", "/spec/template/metadata"] {
            let metadata = controller.pointer_mut(metadata).context("no metadata")?;
            metadata["labels"][COLD] = json!(test.namespace);
        }
        command::apply(&controller.to_string()).await?;
        let object = format!("{}/{name}", kind.to_lowercase());
        kubectl(["rollout", "status", &object, "--namespace", KUBE_SYSTEM, "--timeout=120s"])
            .await
            .with_context(|| format!("{suffix} does not start while the webhook is not there"))?;
    }
    Ok(())
}
