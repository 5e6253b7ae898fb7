//! The shapes that pods come in: each gets the role of its account, and reads its token.

use anyhow::{Result, anyhow};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::injected::{MOUNT, TOKEN_FILE, VOLUME};
use crate::harness::release::REGION;
use crate::harness::test::{CHECKOUT_ROLE, caught};
use crate::harness::{Injected, Report, Test, command, workload};

/// A `StatefulSet`'s pods have names that are kept.
pub async fn pod_of_a_stateful_set_gets_its_role(test: Test) -> Result<()> {
    account(&test).await?;
    let spec = workload::pod_spec("checkout", &workload::report_and_stay(&test.image("client-boto3")?));
    let mut set = workload::controller("StatefulSet", "ledger", spec);
    set["spec"]["serviceName"] = json!("ledger");
    test.apply(&set.to_string()).await?;
    let pod = test.made("statefulset.kubernetes.io/pod-name=ledger-0").await?;
    assert_has_role(&test, &pod, "main", &[]).await
}

/// A Job's pods end.
pub async fn pod_of_a_job_gets_its_role(test: Test) -> Result<()> {
    account(&test).await?;
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "export"},
        "spec": {"backoffLimit": 0, "template": {"spec": ending(&test)?}},
    });
    test.apply(&job.to_string()).await?;
    let pod = test.made("batch.kubernetes.io/job-name=export").await?;
    assert_has_role(&test, &pod, "main", &[]).await
}

/// A `CronJob`'s pods belong to Jobs that its controller makes.
pub async fn pod_of_a_cron_job_gets_its_role(test: Test) -> Result<()> {
    account(&test).await?;
    let template = json!({"metadata": {"labels": {"app": "nightly"}}, "spec": ending(&test)?});
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {"schedule": "@yearly", "jobTemplate": {"spec": {"backoffLimit": 0, "template": template}}},
    });
    test.apply(&job.to_string()).await?;
    // The controller makes up at once for a run that was missed.
    let missed = json!({"status": {"lastScheduleTime": "2020-01-01T00:00:00Z"}});
    let jobs: Api<CronJob> = test.api();
    jobs.patch_status("nightly", &PatchParams::default(), &Patch::Merge(missed)).await?;
    assert_has_role(&test, &test.made("app=nightly").await?, "main", &[]).await
}

/// The pod has no name yet when it is admitted.
pub async fn pod_with_a_generated_name_gets_its_role(test: Test) -> Result<()> {
    account(&test).await?;
    let mut pod = workload::of_spec("", &ending(&test)?);
    pod["metadata"] = json!({"generateName": "batch-"});
    let pod = test.create(pod).await?;
    assert_has_role(&test, &pod, "main", &[]).await
}

/// The Amazon `CloudWatch` agent has this shape: the host's folders, a ConfigMap, fields of the pod as
/// variables.
pub async fn agent_that_reads_the_host_gets_its_role(test: Test) -> Result<()> {
    account(&test).await?;
    let config = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cwagentconfig"},
        "data": {"cwagentconfig.json": "{}"},
    });
    test.apply(&config.to_string()).await?;
    let mut spec = workload::pod_spec("checkout", &workload::report_and_stay(&test.image("client-boto3")?));
    let field = |name, path| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let agent = &mut spec["containers"][0];
    agent["name"] = json!("cloudwatch-agent");
    agent["env"] = json!([
        field("HOST_IP", "status.hostIP"),
        field("HOST_NAME", "spec.nodeName"),
        field("K8S_NAMESPACE", "metadata.namespace"),
        {"name": "RUN_WITH_IRSA", "value": "True"},
    ]);
    agent["volumeMounts"] = json!([
        {"name": "cwagentconfig", "mountPath": "/etc/cwagentconfig"},
        {"name": "rootfs", "mountPath": "/rootfs", "readOnly": true},
        {"name": "sys", "mountPath": "/sys", "readOnly": true},
    ]);
    spec["nodeSelector"] = json!({"kubernetes.io/os": "linux"});
    spec["volumes"] = json!([
        {"name": "cwagentconfig", "configMap": {"name": "cwagentconfig"}},
        {"name": "rootfs", "hostPath": {"path": "/"}},
        {"name": "sys", "hostPath": {"path": "/sys"}},
    ]);
    test.apply(&workload::controller("DaemonSet", "cloudwatch-agent", spec).to_string()).await?;
    let pod = test.made("app=cloudwatch-agent").await?;
    assert_has_role(&test, &pod, "cloudwatch-agent", &[]).await?;
    let injected = Injected(&pod);
    let mounts = ["cwagentconfig", "rootfs", "sys"].map(|name| injected.mounts("cloudwatch-agent", name));
    assert_eq!(mounts.concat(), [("/etc/cwagentconfig", false), ("/rootfs", true), ("/sys", true)]);
    Ok(())
}

/// The VPC CNI has this shape: in kube-system, in the host's network, before other pods can run.
pub async fn network_plugin_in_kube_system_gets_its_role(test: Test) -> Result<()> {
    // Nothing else there has this name.
    let (name, owner) = (test.namespace.as_str(), test.owner().await?);
    let system = Test { namespace: "kube-system".to_owned(), ..test.clone() };
    let image = test.image("client-boto3")?;
    let ended = caught(network_plugin(&system, name, &owner, &image)).await;
    let ended = match ended {
        Ok(()) => Ok(()),
        Err(error) => Err(anyhow!("{error:#}\n\n{}", description(name).await)),
    };
    let made = ["daemonset,serviceaccount", name, "--namespace=kube-system", "--ignore-not-found"];
    let removed = command::kubectl(["delete"].into_iter().chain(made)).await;
    ended.and(removed.map(drop))
}

/// A description of the pods, because nothing of them is left to look at.
async fn description(name: &str) -> String {
    let selector = format!("--selector=app={name}");
    let pods = command::kubectl(["describe", "pods", "--namespace=kube-system", &selector]).await;
    pods.unwrap_or_else(|error| format!("{error:#}"))
}

async fn network_plugin(system: &Test, name: &str, owner: &Value, image: &str) -> Result<()> {
    let (report, stay) = (workload::report(image), workload::report_and_stay(image));
    let mut account = workload::account(&system.namespace, name, &[("role-arn", CHECKOUT_ROLE)]);
    let mut spec = workload::pod_spec(name, &stay);
    let own = [("AWS_VPC_ENI_MTU", "9001"), ("AWS_VPC_K8S_CNI_LOGLEVEL", "DEBUG")];
    let mut plugin = workload::container("aws-node", &stay);
    plugin["env"] = own.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    plugin["securityContext"] = json!({"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}});
    spec["containers"] = json!([plugin, workload::container("aws-eks-nodeagent", &stay)]);
    spec["initContainers"] = json!([workload::container("aws-vpc-cni-init", &report)]);
    spec["hostNetwork"] = json!(true);
    spec["priorityClassName"] = json!("system-node-critical");
    spec["tolerations"] = json!([{"operator": "Exists"}]);
    let mut set = workload::controller("DaemonSet", name, spec);
    for made in [&mut account, &mut set] {
        made["metadata"]["ownerReferences"] = json!([owner]);
        system.apply(&made.to_string()).await?;
    }
    let pod = system.made(&format!("app={name}")).await?;
    assert_has_role(system, &pod, "aws-vpc-cni-init", &[]).await?;
    assert_has_role(system, &pod, "aws-node", &own).await?;
    assert_has_role(system, &pod, "aws-eks-nodeagent", &[]).await
}

/// The account of all pods but the last.
async fn account(test: &Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await
}

/// A container that prints its report and ends.
fn ending(test: &Test) -> Result<Value> {
    Ok(workload::pod_spec("checkout", &workload::report(&test.image("client-boto3")?)))
}

/// A container of a pod has the role behind variables of its own, and a token of just this pod.
async fn assert_has_role(test: &Test, pod: &Pod, container: &str, own: &[(&str, &str)]) -> Result<()> {
    let injected = Injected(pod);
    let ours = [
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_ROLE_ARN", CHECKOUT_ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE),
    ];
    let mut env = [own, &ours].concat();
    assert_eq!(injected.env(container), env, "{container}");
    assert_eq!(injected.mounts(container, VOLUME), [(MOUNT, true)], "{container}");
    assert_eq!(injected.volumes(VOLUME).len(), 1);
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let report = Report::of(test, name, container).await?;
    env.sort_unstable();
    assert_eq!(report.env(), env, "{container}");
    let token = report.token()?;
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or_default();
    let subject = format!("system:serviceaccount:{}:{account}", test.namespace);
    assert_eq!(token.claim("sub"), &json!(subject), "{container}");
    let bound = &token.claim("kubernetes.io")["pod"];
    assert_eq!(bound, &json!({"name": name, "uid": pod.metadata.uid}), "{container}");
    Ok(())
}
