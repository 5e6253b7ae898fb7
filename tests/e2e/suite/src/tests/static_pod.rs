//! The webhook as a static pod beside the API server, as examples/static-pod and docs/static-pod.md have it.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::certificates::Certificates;
use crate::harness::cluster::{Skipped, root};
use crate::harness::command::{apply, kubectl};
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::verdict::Verdict;
use crate::harness::{Test, until, workload};

/// Where the node's kubelet looks for static pods.
const MANIFESTS: &str = "/run/static-pods";

/// The folder of the pod's files, in place of one below /etc, which is the machine's there.
const FILES: &str = "/run/pod-identity-webhook";

/// Name of the example's objects that are in no namespace, and one that is this test's alone.
const NAME: &str = "name: pod-identity-webhook\n";
const OURS: &str = "name: e2e-static-pod\n";

pub async fn api_server_calls_the_static_pod_beside_it(test: Test) -> Result<()> {
    if test.cluster.verb(&["run", "test", "-d", MANIFESTS]).await.is_err() {
        return Err(Skipped(format!("no kubelet that looks at {MANIFESTS}")).into());
    }
    let held = holds(&test).await;
    // Nothing of it may stay, for its registration is for every namespace that it is told of.
    let removed = remove(&test).await;
    held.and(removed)
}

async fn holds(test: &Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let certificates = Certificates::of(&[&Ipv4Addr::LOCALHOST.to_string()])?;
    let kubeconfig = test.cluster.verb(&["run", "cat", "/state/kubeconfig"]).await?;
    let files = [
        ("tls.crt", certificates.leaf.certificate_pem.as_str()),
        ("tls.key", &certificates.leaf.key_pem),
        ("kubeconfig", &kubeconfig),
    ];
    for (name, text) in files {
        write(test, &format!("{FILES}/{name}"), text, "65532:65532").await?;
    }
    let examples = root().join("examples/static-pod");
    let cluster = std::fs::read_to_string(examples.join("cluster.yaml"))?;
    let only_here = format!(
        "          values: [kube-node-lease]\n      matchLabels: {{kubernetes.io/metadata.name: {}}}\n",
        test.namespace
    );
    let cluster = cluster
        .replace("CA_BUNDLE", &STANDARD.encode(&certificates.authority))
        .replace(NAME, OURS)
        .replace("          values: [kube-node-lease]\n", &only_here);
    ensure!(
        cluster.contains(&test.namespace) && cluster.contains(OURS),
        "the example has changed: {cluster}"
    );
    apply(&cluster).await?;

    let pod = std::fs::read_to_string(examples.join("pod.yaml"))?;
    let image = pod.lines().find_map(|line| line.trim().strip_prefix("image: ")).context("no image")?;
    let pod = pod
        .replace(image, &test.cluster.image)
        .replace("path: /etc/kubernetes/pod-identity-webhook", &format!("path: {FILES}"))
        .replace("--aws-default-region=eu-west-1", "--shutdown-delay=0");
    write(test, &format!("{MANIFESTS}/pod-identity-webhook.yaml"), &pod, "0:0").await?;
    until("the API server calls the static pod", async || {
        let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
        Ok((Verdict::of(&pod, CHECKOUT_ROLE) == Verdict::Right).then_some(()))
    })
    .await
}

/// Writes a file in the node.
async fn write(test: &Test, path: &str, contents: &str, owner: &str) -> Result<()> {
    let encoded = STANDARD.encode(contents);
    let script = format!(
        "mkdir -p \"$(dirname {path})\" && base64 -d <<<{encoded} >{path} && chmod 0400 {path} && chown {owner} {path}"
    );
    test.cluster.verb(&["run", "bash", "-c", &script]).await.map(drop)
}

async fn remove(test: &Test) -> Result<()> {
    let kinds = "mutatingwebhookconfiguration,clusterrole,clusterrolebinding";
    kubectl(["delete", kinds, "e2e-static-pod", "--ignore-not-found"]).await?;
    let script = format!("rm -rf {MANIFESTS}/pod-identity-webhook.yaml {FILES}");
    test.cluster.verb(&["run", "bash", "-c", &script]).await?;
    let gone = async || {
        let words =
            ["get", "pods", "--namespace=kube-system", "--selector=tier=control-plane", "--output=name"];
        Ok(kubectl(words).await?.is_empty().then_some(()))
    };
    until("the static pod is gone", gone).await
}
