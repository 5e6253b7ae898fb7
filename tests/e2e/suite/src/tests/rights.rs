//! What the chart's roles allow is what the webhook needs, verb by verb: with any one taken away something fails that
//! operators are told of. And nothing else is allowed.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::harness::command::{self, kubectl};
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Test, until, workload};

/// One verb of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    resource: String,
    verb: String,
    /// Whether it is the Role's, and not the `ClusterRole`'s.
    is_namespaced: bool,
}

/// Everything that the chart's defaults allow, as docs/operations.md lists it.
const RIGHTS: [(&str, &[&str]); 4] = [
    ("events", &["create"]),
    ("mutatingwebhookconfigurations", &["get", "update"]),
    ("secrets", &["get", "update"]),
    ("serviceaccounts", &["get", "list", "watch"]),
];

pub async fn every_verb_is_needed_and_no_other_is_allowed(test: Test) -> Result<()> {
    let values = json!({
        "replicas": 1,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    let release = Release::install(&test.cluster, "rights", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let rights = rights(&test, &release).await?;
    let expected = RIGHTS
        .iter()
        .flat_map(|(resource, verbs)| verbs.iter().map(|verb| ((*resource).to_owned(), (*verb).to_owned())));
    let found: BTreeSet<_> =
        rights.iter().map(|right| (right.resource.clone(), right.verb.clone())).collect();
    ensure!(found == expected.collect(), "the roles allow {found:?}");
    let account = format!("system:serviceaccount:{}:{}", test.namespace, release.fullname());
    println!(
        "{}",
        kubectl(["auth", "can-i", "--list", "--as", &account, "--namespace", &test.namespace]).await?
    );

    for right in rights {
        without(&test, &release, &right).await.with_context(|| format!("without {right:?}"))?;
        println!("without {} of {}: told of", right.verb, right.resource);
    }
    release.uninstall().await
}

/// Every verb of the release's roles.
async fn rights(test: &Test, release: &Release) -> Result<Vec<Right>> {
    let role: Role = test.api::<Role>().get(&release.fullname()).await?;
    let cluster: ClusterRole = Api::all(test.client.clone()).get(&release.registration()).await?;
    let mut rights = Vec::new();
    for (rules, is_namespaced) in [(role.rules, true), (cluster.rules, false)] {
        for rule in rules.into_iter().flatten() {
            let resources = rule.resources.clone().unwrap_or_default();
            let verbs = rule.verbs.clone();
            rights.extend(resources.into_iter().flat_map(|resource| {
                let verbs = verbs.clone().into_iter();
                verbs.map(move |verb| Right { resource: resource.clone(), verb, is_namespaced })
            }));
        }
    }
    Ok(rights)
}

/// Takes a verb away, starts the replica anew, waits for what has to fail then, and gives the verb back.
async fn without(test: &Test, release: &Release, right: &Right) -> Result<()> {
    let rules = allow_all_but(test, release, right).await?;
    let failed = fails(test, release, right).await;
    restore(test, release, right, &rules).await?;
    failed?;
    // All is well again before the next.
    restart(test, release).await?;
    until("a replica is ready again", async || {
        let replicas = Replica::all(test, release).await?;
        Ok((replicas.len() == 1 && replicas.iter().all(Replica::is_ready)).then_some(()))
    })
    .await?;
    await_injection(&test.cluster, &test.namespace).await
}

/// What fails without a verb, in words of the log, a metric or an event.
async fn fails(test: &Test, release: &Release, right: &Right) -> Result<()> {
    match (right.resource.as_str(), right.verb.as_str()) {
        ("secrets", "get") => logged(test, release, "failed to read Secret").await,
        ("mutatingwebhookconfigurations", "get") => {
            logged(test, release, "failed to read MutatingWebhookConfiguration").await
        }
        ("mutatingwebhookconfigurations", "update") => {
            let wiped = json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}]);
            let patch = format!("--patch={wiped}");
            let registration = release.registration();
            kubectl(["patch", "mutatingwebhookconfiguration", &registration, "--type=json", &patch]).await?;
            logged(test, release, "failed to update MutatingWebhookConfiguration").await
        }
        ("secrets", "update") => {
            empty(test, release, &json!({})).await?;
            logged(test, release, "failed to update Secret").await
        }
        ("events", "create") => {
            empty(test, release, &json!({"ca.crt": "eA=="})).await?;
            logged(test, release, "failed to make an event").await
        }
        ("serviceaccounts", "list") => {
            restart(test, release).await?;
            logged(test, release, "failed to list").await
        }
        ("serviceaccounts", "watch") => {
            restart(test, release).await?;
            logged(test, release, "failed to watch").await
        }
        ("serviceaccounts", "get") => {
            // A pod that requires an identity has its account looked up live before it is refused.
            test.account("bare", &[]).await.or_else(already)?;
            let mut pod = workload::unscheduled("bare", "bare");
            pod["metadata"]["labels"] = json!({"eks.amazonaws.com/require-identity": "true"});
            until("a look-up is refused", async || {
                drop(test.dry_run(pod.clone()).await);
                Ok(is_logged(test, release, "cannot get resource \\\"serviceaccounts\\\"")
                    .await?
                    .then_some(()))
            })
            .await
        }
        other => bail!("no test knows what {other:?} is for"),
    }
}

fn already(error: anyhow::Error) -> Result<()> {
    if error.to_string().contains("already exists") { Ok(()) } else { Err(error) }
}

/// Replaces the data of the authority's Secret.
async fn empty(test: &Test, release: &Release, data: &serde_json::Value) -> Result<()> {
    let (secrets, name) = (test.api::<Secret>(), format!("{}-authority", release.fullname()));
    let mut secret = json!(secrets.get(&name).await?);
    secret["data"] = data.clone();
    secrets.replace(&name, &PostParams::default(), &serde_json::from_value(secret)?).await?;
    Ok(())
}

async fn logged(test: &Test, release: &Release, words: &str) -> Result<()> {
    let found = async || Ok(is_logged(test, release, words).await?.then_some(()));
    until(&format!("the log says '{words}'"), found).await
}

async fn is_logged(test: &Test, release: &Release, words: &str) -> Result<bool> {
    let selector = format!("--selector=app.kubernetes.io/instance={}", release.name);
    // A container that does not run yet has no log.
    let log =
        command::output("kubectl", ["logs", "--namespace", &test.namespace, &selector, "--tail=-1"], "")
            .await?;
    Ok(log.code == 0 && log.stdout.contains(words))
}

async fn restart(test: &Test, release: &Release) -> Result<()> {
    let pods: Api<Pod> = test.api();
    let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
    pods.delete_collection(&DeleteParams::default().grace_period(0), &own).await?;
    Ok(())
}

/// The rules as they were before.
async fn allow_all_but(test: &Test, release: &Release, right: &Right) -> Result<Vec<PolicyRule>> {
    let rules = if right.is_namespaced {
        test.api::<Role>().get(&release.fullname()).await?.rules
    } else {
        Api::<ClusterRole>::all(test.client.clone()).get(&release.registration()).await?.rules
    };
    let before = rules.unwrap_or_default();
    let mut after = before.clone();
    for rule in &mut after {
        if rule.resources.as_ref().is_some_and(|resources| resources.contains(&right.resource)) {
            rule.verbs.retain(|verb| *verb != right.verb);
        }
    }
    // A rule without a verb is none.
    after.retain(|rule| !rule.verbs.is_empty());
    restore(test, release, right, &after).await?;
    Ok(before)
}

async fn restore(test: &Test, release: &Release, right: &Right, rules: &[PolicyRule]) -> Result<()> {
    let (patch, params) = (Patch::Merge(json!({"rules": rules})), PatchParams::default());
    if right.is_namespaced {
        test.api::<Role>().patch(&release.fullname(), &params, &patch).await?;
    } else {
        let api: Api<ClusterRole> = Api::all(test.client.clone());
        api.patch(&release.registration(), &params, &patch).await?;
    }
    Ok(())
}
