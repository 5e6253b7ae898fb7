//! Pods that are made within moments of their association.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::cluster::Skipped;
use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::CLUSTER;
use crate::harness::identity::Identity;
use crate::harness::own_associations::{Following, associations, define, role};
use crate::harness::wait::until_within;
use crate::harness::{Test, kubeconfig, until, workload};

/// Clients, each with an endpoint of its own, and what each of them makes.
const CLIENTS: [(Kind, usize); 9] = [
    (Kind::Boto3, 25),
    (Kind::Boto3, 25),
    (Kind::Boto3, 25),
    (Kind::JavaScript, 25),
    (Kind::JavaScript, 25),
    (Kind::Rust, 25),
    (Kind::Rust, 25),
    (Kind::Rust, 25),
    // A process for each call.
    (Kind::Cli, 8),
];

/// Associations whose pods say nothing, for which the webhook has to have heard of them.
const UNLABELLED: usize = 40;

/// As long as a watch may need on a machine that does much else.
const SOON: Duration = Duration::from_secs(10);

/// Pods that are asked for at the same time, so that more than one replica answers.
const ABREAST: usize = 4;

pub async fn the_next_pod_has_what_a_client_has_just_made(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let following = Following::install(&test, "follows", 2, &json!({})).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    labelled(&test, kubeconfig.path()).await?;
    unlabelled(&test, kubeconfig.path()).await?;
    statuses_are_written_once(&test).await?;
    following.end().await
}

/// A pod with the label waits for what the API server itself knows: none may be without.
async fn labelled(test: &Test, kubeconfig: &Path) -> Result<()> {
    let started = CLIENTS.into_iter().enumerate().map(async |(number, (kind, count))| {
        let names: Vec<_> = (0..count).map(|one| format!("client-{number}-{one}")).collect();
        accounts(test, &names).await?;
        Ok((EksClient::start(kind, &test.cluster, kubeconfig).await?, names))
    });
    let mut clients = JoinSet::new();
    for started in join_all(started).await {
        let (client, names) = match started {
            Err(error) if anyhow::Error::is::<Skipped>(&error) => continue,
            started => started?,
        };
        let test = Test { client: Client::try_default().await?, ..test.clone() };
        clients.spawn(ask(test, client, names));
    }
    let began = Instant::now();
    let (mut all, mut misses) = (0, Vec::new());
    while let Some(ended) = clients.join_next().await {
        let (made, mut without) = ended??;
        all += made;
        misses.append(&mut without);
    }
    println!(
        "{all} associations made by {} clients in {:.1} s, each with a pod at once: {} misses",
        CLIENTS.len(),
        began.elapsed().as_secs_f32(),
        misses.len()
    );
    ensure!(misses.is_empty() && all >= 150, "misses:\n{}", misses.join("\n"));
    Ok(())
}

/// Makes an association and then a pod, again and again; how many, and which pods went without.
async fn ask(test: Test, mut client: EksClient, names: Vec<String>) -> Result<(usize, Vec<String>)> {
    let mut misses = Vec::new();
    for name in &names {
        create(&test, &mut client, name).await?;
        let mut pod = workload::unscheduled(name, name);
        pod["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
        let pod = test.dry_run(pod).await?;
        match Identity::of(&pod) {
            Ok(Identity::Association) => {}
            other => misses.push(format!("{name}: {other:?}")),
        }
    }
    Ok((names.len(), misses))
}

async fn create(test: &Test, client: &mut EksClient, account: &str) -> Result<Value> {
    let input = json!({
        "clusterName": CLUSTER, "namespace": test.namespace, "serviceAccount": account, "roleArn": role(account),
    });
    client.done("CreatePodIdentityAssociation", input).await
}

async fn accounts(test: &Test, names: &[String]) -> Result<()> {
    let api = test.api::<ServiceAccount>();
    let (api, parameters) = (&api, &PostParams::default());
    let made = names.iter().map(|name| async move {
        let account = serde_json::from_value(workload::account(&test.namespace, name, &[]))?;
        api.create(parameters, &account).await?;
        anyhow::Ok(())
    });
    try_join_all(made).await.map(drop)
}

/// How long it takes until pods without the label have it: from the client's answer on, and for both replicas.
async fn unlabelled(test: &Test, kubeconfig: &Path) -> Result<()> {
    let names: Vec<_> = (0..UNLABELLED).map(|number| format!("late-{number}")).collect();
    accounts(test, &names).await?;
    let mut client = EksClient::start(Kind::Rust, &test.cluster, kubeconfig).await?;
    let mut lags = Vec::new();
    for name in &names {
        create(test, &mut client, name).await?;
        let made = Instant::now();
        let mut seen = made;
        until_within(SOON, "pods without a label have it too", async || {
            let asked = Instant::now();
            let pods = (0..ABREAST).map(|_| test.dry_run(workload::unscheduled(name, name)));
            for pod in try_join_all(pods).await? {
                if Identity::of(&pod)? != Identity::Association {
                    return Ok(None);
                }
            }
            seen = asked;
            Ok(Some(()))
        })
        .await
        .with_context(|| name.clone())?;
        lags.push(seen - made);
    }
    lags.sort_unstable();
    println!(
        "pods without the label had their association after {} ms in the middle, {} ms at most",
        lags[lags.len() / 2].as_millis(),
        lags[lags.len() - 1].as_millis()
    );
    Ok(())
}

/// Waits until all have their status; an error if the replicas wrote more than one each, as the audit log has it.
async fn statuses_are_written_once(test: &Test) -> Result<()> {
    let api = associations(&test.client, &test.namespace);
    let all = until("every association has its status", async || {
        let all = api.list(&ListParams::default()).await?.items;
        let is_told = |one: &DynamicObject| one.data["status"]["conditions"][0]["status"] == "True";
        Ok(all.iter().all(is_told).then_some(all.len()))
    })
    .await?;
    let log = match test.cluster.verb(&["audit-log"]).await {
        Err(error) if error.is::<Skipped>() => return Ok(()),
        log => PathBuf::from(log?),
    };
    // The log may be behind.
    let written = until("the audit log has a write of each", async || {
        let codes = written(&log, &test.namespace)?;
        let done = codes.iter().filter(|code| **code == 200).count();
        Ok((done >= all).then_some((done, codes.len() - done)))
    });
    let (done, refused) = written.await?;
    println!(
        "two replicas wrote the status of {all} associations {done} times, and {refused} times came too late"
    );
    ensure!(done <= all + all / 20, "{done} writes of {all}");
    Ok(())
}

/// How each write of a status in the namespace has ended.
fn written(log: &Path, namespace: &str) -> Result<Vec<u64>> {
    let mut codes = Vec::new();
    for line in BufReader::new(File::open(log)?).lines() {
        let line = line?;
        if !(line.contains("podidentityassociations") && line.contains(namespace)) {
            continue;
        }
        // The last line may be half there.
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        let object = &event["objectRef"];
        if event["verb"] == "patch" && object["subresource"] == "status" && object["namespace"] == namespace {
            codes.extend(event["responseStatus"]["code"].as_u64());
        }
    }
    Ok(codes)
}
