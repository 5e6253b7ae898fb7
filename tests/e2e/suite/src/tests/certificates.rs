//! Certificates that the cluster keeps: whatever is done to their Secret or to the registration, the webhook recovers
//! alone, and says how long that took.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use pod_identity_webhook::certificates::self_managed::{
    self, Authority, Certificate, Keeper, Names, Objects, Periods, SelfManaged, State, entries,
};
use pod_identity_webhook::certificates::{self, Clock};
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::telemetry::Registry;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::command::kubectl;
use crate::harness::load::Load;
use crate::harness::registration::{await_injection, fail_open_count};
use crate::harness::release::Release;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::verdict::Verdict;
use crate::harness::{Test, until, workload};

/// How long each of the load's clients waits between two pods.
const PAUSE: Duration = Duration::from_millis(150);

/// For how long a caBundle is wiped once a second: a minute with `LONG`.
fn wiping() -> Duration {
    if std::env::var_os("LONG").is_some() { Duration::from_mins(1) } else { Duration::from_secs(12) }
}

/// Values of a release whose entry has a name that is this test's alone, because the API server counts by it.
fn values(test: &Test, name: &str, replicas: usize) -> Value {
    json!({
        "replicas": replicas,
        "server": {"shutdownDelaySeconds": 3},
        "webhook": {
            "name": name,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}},
        },
    })
}

/// The release's objects of certificates.
struct Kept {
    secrets: Api<Secret>,
    secret: String,
    registrations: Api<MutatingWebhookConfiguration>,
    registration: String,
    names: Names,
}

impl Kept {
    fn of(test: &Test, release: &Release) -> Self {
        Self {
            secrets: test.api(),
            secret: format!("{}-authority", release.fullname()),
            registrations: Api::all(test.client.clone()),
            registration: release.registration(),
            names: Names::of_service(&release.fullname(), &release.namespace),
        }
    }

    async fn data(&self) -> Result<Option<Value>> {
        let secret = self.secrets.get_opt(&self.secret).await?;
        Ok(secret.map(|secret| json!(secret)["data"].take()))
    }

    /// Replaces the Secret's data whole.
    async fn set(&self, data: &Value) -> Result<()> {
        let mut secret = json!(self.secrets.get(&self.secret).await?);
        secret["data"] = data.clone();
        let secret = serde_json::from_value(secret)?;
        self.secrets.replace(&self.secret, &PostParams::default(), &secret).await?;
        Ok(())
    }

    /// Waits until the Secret has this authority; how long it took.
    async fn restored(&self, before: &Value) -> Result<Duration> {
        let begin = Instant::now();
        let same = async || Ok(self.data().await?.filter(|now| now["ca.crt"] == before["ca.crt"]).map(drop));
        until("the Secret has its authority again", same).await?;
        Ok(begin.elapsed())
    }

    /// The registration as it is.
    async fn registered(&self) -> Result<Value> {
        Ok(json!(self.registrations.get(&self.registration).await?))
    }

    async fn are_bundles_good(&self, authority: &Certificate) -> Result<bool> {
        let entries = entries(&self.registered().await?, &self.names);
        Ok(!entries.is_empty() && entries.iter().all(|entry| entry.shows(authority)))
    }

    /// Waits until every entry trusts this authority; how long it took.
    async fn repaired(&self, authority: &Certificate) -> Result<Duration> {
        let begin = Instant::now();
        let good = async || Ok(self.are_bundles_good(authority).await?.then_some(()));
        until("every entry trusts the authority", good).await?;
        Ok(begin.elapsed())
    }
}

/// The authority that the Secret's data holds.
fn authority(data: &Value) -> Result<Certificate> {
    let pem = STANDARD.decode(data["ca.crt"].as_str().context("no ca.crt")?)?;
    Certificate::of_bundle(&pem).into_iter().next().context("no certificate")
}

/// Data of a Secret whose authority was made this long ago for these names.
fn made(names: &Names, age: i64, life: Duration) -> Result<Value> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = i64::try_from(since.as_secs())? - age;
    let mut secret = json!({});
    self_managed::write(&mut secret, &State::of(Authority::make(names, now, life)?), &[], now);
    Ok(secret["data"].take())
}

/// Every pod has its role while the Secret is deleted, emptied, broken and replaced.
pub async fn whatever_is_done_to_the_secret_no_pod_notices(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let release = Release::install(&test.cluster, "kept", &test.namespace, &values(&test, &name, 2)).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let before = fail_open_count(&name).await?;
    let kept = Kept::of(&test, &release);
    let good = kept.data().await?.context("no Secret")?;
    let load = Load::start(&test, PAUSE).await?;

    let hour = Duration::from_hours(1);
    let foreign = made(&Names::of_service("other", "elsewhere"), 0, hour)?;
    let faults = [
        ("emptied", json!({}), None),
        (
            "corrupted",
            json!({"ca.crt": STANDARD.encode("x"), "ca.key": STANDARD.encode("y")}),
            Some("cannot be read"),
        ),
        ("replaced by an expired pair", made(&kept.names, 7200, hour)?, Some("it expired")),
        ("replaced by another CA's pair", foreign, Some("it is not an authority of")),
    ];
    for (what, data, reason) in faults {
        kept.set(&data).await?;
        let took = kept.restored(&good).await?;
        if let Some(reason) = reason {
            let now = kept.data().await?.context("no Secret")?;
            let why =
                now["set-aside.reason"].as_str().with_context(|| format!("{what}: nothing was set aside"))?;
            let why = String::from_utf8(STANDARD.decode(why)?)?;
            ensure!(why.contains(reason), "{what}: {why}");
            ensure!(now["set-aside.ca.crt"] == data["ca.crt"], "{what}: something else was set aside");
        }
        println!("Secret {what}: as before after {:.1} s", took.as_secs_f32());
        load.goes_on(20).await?;
    }
    until("each of the three was told of by an event", async || {
        let words = ["get", "events", "--namespace", &test.namespace, "--output=name"];
        let set_aside = words.into_iter().chain(["--field-selector=reason=AuthoritySetAside"]);
        Ok((kubectl(set_aside).await?.lines().count() == 3).then_some(()))
    })
    .await?;

    kept.secrets.delete(&kept.secret, &DeleteParams::default()).await?;
    load.goes_on(100).await?;
    let problem = "pod_identity_webhook_certificate_problem{problem=\"secret\"}";
    for replica in crate::harness::replica::Replica::all(&test, &release).await? {
        until("every replica tells that its Secret is gone", async || {
            Ok((replica.metric(problem).await? == Some(1)).then_some(()))
        })
        .await?;
    }
    // As the chart makes it, and whoever applies the chart again.
    let empty = json!({"metadata": {"name": kept.secret, "namespace": test.namespace}});
    kept.secrets.create(&PostParams::default(), &serde_json::from_value(empty)?).await?;
    let took = kept.restored(&good).await?;
    println!(
        "Secret deleted: replicas went on; made again, empty, it was as before after {:.1} s",
        took.as_secs_f32()
    );
    load.goes_on(20).await?;

    let attempts = load.end().await?;
    let lost = fail_open_count(&name).await? - before;
    println!("{} pods meanwhile, {lost} failed open", attempts.admitted());
    ensure!(lost == 0, "{lost} calls failed open");
    attempts.ensure_right_but_for(0)?;
    ensure!(attempts.admitted() == attempts.all.len(), "refused pods:\n{}", attempts.others());
    release.uninstall().await
}

/// caBundles that are wiped, and a registration that is deleted and made again.
pub async fn registration_that_others_change_recovers_alone(test: Test) -> Result<()> {
    let name = format!("{}.e2e.test", test.namespace);
    let release = Release::install(&test.cluster, "wiped", &test.namespace, &values(&test, &name, 2)).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let kept = Kept::of(&test, &release);
    let authority = authority(&kept.data().await?.context("no Secret")?)?;
    let whole = kept.registered().await?;

    let (begin, mut longest, mut rounds) = (Instant::now(), Duration::ZERO, 0);
    while begin.elapsed() < wiping() {
        let round = Instant::now();
        wipe(&kept).await?;
        longest = longest.max(kept.repaired(&authority).await?);
        rounds += 1;
        sleep(Duration::from_secs(1).saturating_sub(round.elapsed())).await;
    }
    println!("caBundles wiped {rounds} times: repaired after {:.1} s at the latest", longest.as_secs_f32());
    ensure!(longest < Duration::from_secs(5), "repaired only after {longest:?}");
    has_role(&test, "after the caBundles were wiped").await?;
    let now = kept.registered().await?;
    let differs = |one: &Value, other: &Value| {
        let mut pair = [one.clone(), other.clone()];
        for object in &mut pair {
            for key in ["resourceVersion", "generation", "managedFields"] {
                object["metadata"].as_object_mut().map(|metadata| metadata.remove(key));
            }
        }
        pair[0] != pair[1]
    };
    ensure!(!differs(&whole, &now), "something else changed: {now}");

    kept.registrations.delete(&kept.registration, &DeleteParams::default()).await?;
    let manifest = kubectl_manifest(&release).await?;
    crate::harness::command::apply(&manifest).await?;
    let begin = Instant::now();
    kept.repaired(&authority).await?;
    has_role(&test, "after the registration was made again").await?;
    println!(
        "registration deleted and made again: pods have their role after {:.1} s",
        begin.elapsed().as_secs_f32()
    );
    release.uninstall().await
}

/// Takes the bundles away, as `kubectl apply` of a manifest without them does.
async fn wipe(kept: &Kept) -> Result<()> {
    let count = entries(&kept.registered().await?, &kept.names).len();
    let removals: Vec<_> = (0..count)
        .map(|index| json!({"op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": ""}))
        .collect();
    let patch = format!("--patch={}", json!(removals));
    kubectl(["patch", "mutatingwebhookconfiguration", &kept.registration, "--type=json", &patch])
        .await
        .map(drop)
}

async fn has_role(test: &Test, when: &str) -> Result<()> {
    let right = async || {
        let pod = test.dry_run(workload::unscheduled("checkout", "checkout")).await?;
        Ok((Verdict::of(&pod, CHECKOUT_ROLE) == Verdict::Right).then_some(()))
    };
    until(&format!("a pod has its role {when}"), right).await
}

/// The registration as the chart has it.
async fn kubectl_manifest(release: &Release) -> Result<String> {
    let words = ["get", "manifest", &release.name, "--namespace", &release.namespace];
    let all = crate::harness::command::run("helm", words, "").await?;
    let document = all.split("\n---").find(|text| text.contains("kind: MutatingWebhookConfiguration"));
    Ok(document.context("no registration in the manifest")?.to_owned())
}

/// A replica whose machine is a year ahead, beside an API server that is not.
pub async fn replica_whose_clock_is_a_year_ahead_goes_by_the_api_servers(test: Test) -> Result<()> {
    let objects = Objects {
        service: "ahead".to_owned(),
        namespace: test.namespace.clone(),
        secret: "ahead".to_owned(),
        registration: format!("{}-ahead", test.namespace),
    };
    let secret = json!({"metadata": {"name": "ahead"}});
    test.api::<Secret>().create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
    // An entry that no pod meets.
    let to = json!({"service": {"name": "ahead", "namespace": test.namespace}});
    let nobody = json!({"objectSelector": {"matchLabels": {"e2e.test/nobody": "yes"}}});
    let registration = crate::harness::registration::Registration::new(
        &test.cluster,
        &test.namespace,
        "ahead",
        to,
        "",
        &nobody,
    );
    let registration = registration.await?;

    let year = Duration::from_hours(8760);
    let clock = Clock::new(move || SystemTime::now() + year);
    let (readiness, registry) = (Readiness::default(), Registry::new()?);
    let metrics = (certificates::Metrics::new(&registry)?, self_managed::Metrics::new(&registry)?);
    let periods = Periods { authority: Duration::from_hours(24), leaf: Duration::from_hours(1), wait: PAUSE };
    let settings = SelfManaged { objects, periods };
    let keeper = Keeper::new(test.client.clone(), settings, clock, metrics, &readiness)?;
    let store = keeper.store();
    let task = tokio::spawn(keeper.run());
    let begin = Instant::now();
    until("it is ready", async || {
        if task.is_finished() {
            bail!("the keeper ended");
        }
        Ok(readiness.report().0.then_some(()))
    })
    .await?;
    let pair = Arc::clone(&store.current());
    pair.check(SystemTime::now()).map_err(anyhow::Error::msg)?;
    println!(
        "clock a year ahead: ready, with a certificate that is valid now, after {:.1} s",
        begin.elapsed().as_secs_f32()
    );
    task.abort();
    registration.remove().await
}
