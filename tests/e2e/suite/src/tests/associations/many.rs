//! As many associations as EKS has at most in a cluster.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::eks_client::folder;
use crate::harness::eks_endpoint::{CLUSTER, Endpoint};
use crate::harness::memory::Memory;
use crate::harness::own_associations::{Following, define, fill};
use crate::harness::replica::Replica;
use crate::harness::{Test, kubeconfig, until};

const ALL: usize = 5000;

/// How long the command line may take to list all.
const LIMIT: Duration = Duration::from_secs(5);

/// The most memory that the endpoint may have had, in bytes.
const MEMORY: u64 = 60_000_000;

const USED: &str = "pod_identity_webhook_association_resources{source=\"own\",state=\"used\"}";

pub async fn five_thousand_are_listed_within_seconds_and_read_by_the_webhook(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let following = Following::install(&test, "many", 1, &json!({})).await?;
    let began = Instant::now();
    let names: Vec<_> = (0..ALL).map(|number| format!("account-{number}")).collect();
    fill(&test.namespace, &names).await?;
    let filled = began.elapsed();

    let kubeconfig = kubeconfig::of_environment().await?;
    let endpoint = Endpoint::serve(&test.cluster, kubeconfig.path(), &[]).await?;
    let began = Instant::now();
    let namespace = format!("--namespace={}", test.namespace);
    let words =
        ["eks", "list-pod-identity-associations", "--cluster-name", CLUSTER, &namespace, "--output=json"];
    let output = endpoint.client(folder().await?.join("aws")).args(words).output().await?;
    let listed = began.elapsed();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let count = told["associations"].as_array().map(Vec::len);
    let memory = endpoint.peak_memory()?;

    let [replica] = &Replica::all(&test, &following.release).await?[..] else { bail!("not one replica") };
    until("the webhook has read all", async || {
        let used = replica.metric(USED).await?;
        Ok((used >= Some(u64::try_from(ALL)?)).then_some(()))
    })
    .await?;
    println!(
        "{ALL} associations made in {:.1} s; the command line listed them in {:.1} s; the endpoint had {} MB at most, \
         the webhook {}",
        filled.as_secs_f32(),
        listed.as_secs_f32(),
        memory / 1_000_000,
        Memory::of(&test.cluster, replica)
            .await
            .map_or_else(|error| error.to_string(), |memory| memory.to_string()),
    );
    ensure!(count == Some(ALL), "{count:?} are listed");
    ensure!(listed < LIMIT, "the list took {listed:?}");
    ensure!(memory < MEMORY, "the endpoint had {memory} bytes");
    following.end().await
}
