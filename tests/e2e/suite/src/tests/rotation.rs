//! Authorities and certificates that last for seconds, under 50 pods a second and with replicas that are replaced: no
//! API server may notice.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::DeleteParams;
use pod_identity_webhook::certificates::self_managed::{Names, entries};
use serde_json::json;
use tokio::time::{Instant, sleep};

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use crate::harness::load::Load;
use crate::harness::registration::{await_injection, fail_open_count};
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Test, until};

/// How long each of the load's clients waits between two pods: about 50 pods a second.
const PAUSE: Duration = Duration::from_millis(140);

const REPLICAS: usize = 3;

/// How often one of the replicas is deleted.
const PERIOD: Duration = Duration::from_secs(20);

/// How long an authority lasts. The next one takes over with a third of that left.
const AUTHORITY: Duration = Duration::from_mins(1);

const HANDSHAKE_ERRORS: &str = "pod_identity_webhook_tls_handshake_errors_total";

/// Ten minutes with `LONG`.
fn duration() -> Duration {
    if std::env::var_os("LONG").is_some() { Duration::from_mins(10) } else { Duration::from_secs(100) }
}

pub async fn nobody_notices_rotations_of_seconds(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let values = json!({
        "replicas": REPLICAS,
        "certificate": {"selfManaged": {
            "authorityLifetime": format!("{}s", AUTHORITY.as_secs()),
            "certificateLifetime": "12s",
            "rotationWait": "4s",
        }},
        "webhook": {
            "name": name,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}},
        },
    });
    let release = Release::install(&test.cluster, "rotated", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let before = fail_open_count(&name).await?;
    let load = Load::start(&test, PAUSE).await?;

    let names = Names::of_service(&release.fullname(), &release.namespace);
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(test.client.clone());
    let (begin, mut replaced, mut errors) = (Instant::now(), 0, 0);
    let mut authorities = BTreeSet::new();
    let replacing = async {
        while begin.elapsed() < duration() {
            if begin.elapsed() > PERIOD * (replaced + 1) {
                errors += replace_one(&test, &release).await?;
                replaced += 1;
            }
            sleep(Duration::from_millis(500)).await;
        }
        for replica in Replica::all(&test, &release).await? {
            errors += handshake_errors(&replica).await?;
        }
        anyhow::Ok(())
    };
    // However long a replacement takes, each authority is seen.
    let looking = async {
        loop {
            let registered = json!(registrations.get(&release.registration()).await?);
            for entry in entries(&registered, &names) {
                authorities.extend(entry.certificates.iter().map(|one| one.serial().to_owned()));
            }
            sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        replaced = replacing => replaced,
        failed = looking => failed,
    }?;
    let took = begin.elapsed();
    let attempts = load.end().await?;
    let lost = fail_open_count(&name).await? - before;
    println!(
        "{} authorities in {:.0} s, {replaced} times one of {REPLICAS} replicas was replaced: {} pods, {:.0} a second, {lost} \
         failed open, {errors} failed handshakes",
        authorities.len(),
        took.as_secs_f32(),
        attempts.admitted(),
        attempts.rate()
    );
    let expected = took.as_secs() / (AUTHORITY.as_secs() * 2 / 3 + 10);
    ensure!(u64::try_from(authorities.len())? > expected, "{} authorities", authorities.len());
    ensure!(lost == 0 && errors == 0, "{lost} calls failed open, {errors} handshakes failed");
    attempts.ensure_right_but_for(0)?;
    ensure!(attempts.admitted() == attempts.all.len(), "refused pods:\n{}", attempts.others());
    release.uninstall().await
}

/// Deletes a replica, and waits until there is another; how many handshakes had failed with it.
async fn replace_one(test: &Test, release: &Release) -> Result<u64> {
    let replicas = Replica::all(test, release).await?;
    let replica = replicas.first().context("no replica")?;
    let (pods, gone) = (test.api::<Pod>(), replica.pod.name_any());
    pods.delete(&gone, &DeleteParams::default()).await?;
    // It still serves for a while: what is counted until its end counts too.
    let mut errors = 0;
    while let Ok(counted) = handshake_errors(replica).await {
        errors = counted;
        sleep(Duration::from_millis(500)).await;
    }
    until("there is another replica", async || {
        let replicas = Replica::all(test, release).await?;
        let ready = replicas.iter().filter(|one| one.is_ready() && one.pod.name_any() != gone).count();
        Ok((ready == REPLICAS).then_some(()))
    })
    .await?;
    Ok(errors)
}

/// All handshakes that failed with a replica.
async fn handshake_errors(replica: &Replica) -> Result<u64> {
    let metrics = replica.page("metrics").await?;
    let lines = metrics.lines().filter(|line| line.starts_with(HANDSHAKE_ERRORS));
    lines.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<u64>()?)).sum()
}
