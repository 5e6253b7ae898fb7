//! What the chart's roles allow is what the webhook needs, verb by verb: with any one taken away something fails that
//! operators are told of. And nothing else is allowed.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::cluster::root;
use crate::harness::command::{self, kubectl};
use crate::harness::own_associations::{Following, association, define, role};
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Test, until, workload};

/// One verb of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    resource: String,
    verb: String,
    place: Place,
}

/// Which of the release's roles allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The Role in the release's namespace.
    Own,
    /// The Role in the namespace `default`.
    Default,
    /// The `ClusterRole`.
    Cluster,
}

/// A resource and its verbs.
type Rights = &'static [(&'static str, &'static [&'static str])];

/// Everything that the chart's defaults allow, as docs/operations.md lists it.
const DEFAULTS: Rights = &[
    ("events", &["create"]),
    ("mutatingwebhookconfigurations", &["get", "update"]),
    ("secrets", &["get", "update"]),
    ("serviceaccounts", &["get", "list", "watch"]),
];

/// What is allowed besides for the sources that have to be asked for.
const SOURCES: Rights = &[
    ("configmaps", &["list", "watch"]),
    ("podidentityassociations", &["list", "watch"]),
    ("services", &["get"]),
];

/// What is allowed besides for this project's own associations.
const ASSOCIATIONS: Rights =
    &[("podidentityassociations", &["get", "list", "watch"]), ("podidentityassociations/status", &["patch"])];

pub async fn every_verb_is_needed_and_no_other_is_allowed(test: Test) -> Result<()> {
    let values = values(&test, json!({}));
    let release = Release::install(&test.cluster, "rights", &test.namespace, &values).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let rights = rights(&test, &release).await?;
    ensure_allowed(&rights, DEFAULTS)?;
    let account = format!("system:serviceaccount:{}:{}", test.namespace, release.fullname());
    let words = ["auth", "can-i", "--list", "--as", &account, "--namespace", &test.namespace];
    println!("{}", kubectl(words).await?);
    each_is_needed(&test, &release, rights).await?;
    release.uninstall().await
}

pub async fn every_verb_of_the_sources_is_needed_and_no_other_is_allowed(test: Test) -> Result<()> {
    let ack = root().join("tests/e2e/crds/ack.yaml").display().to_string();
    kubectl(["apply", "--filename", &ack]).await?;
    let sources = json!({
        "injection": {"containerCredentials": {"ipFamily": "auto"}},
        "sources": {"configMap": {"enabled": true}, "associationResources": {"controllers": ["ack"]}},
    });
    let release =
        Release::install(&test.cluster, "sources", &test.namespace, &values(&test, sources)).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let rights = rights(&test, &release).await?;
    ensure_allowed(&rights, &[DEFAULTS, SOURCES].concat())?;
    let of_sources = |right: &Right| SOURCES.iter().any(|(resource, _)| *resource == right.resource);
    each_is_needed(&test, &release, rights.into_iter().filter(of_sources).collect()).await?;
    release.uninstall().await?;
    kubectl(["delete", "--filename", &ack, "--ignore-not-found"]).await.map(drop)
}

pub async fn every_verb_of_own_associations_is_needed_and_no_other_is_allowed(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let following = Following::install(&test, "own-rights", 1, &json!({})).await?;
    let rights = rights(&test, &following.release).await?;
    ensure_allowed(&rights, &[DEFAULTS, ASSOCIATIONS].concat())?;
    let of_associations =
        |right: &Right| ASSOCIATIONS.iter().any(|(resource, _)| *resource == right.resource);
    let rights = rights.into_iter().filter(of_associations).collect();
    each_is_needed(&test, &following.release, rights).await?;
    following.end().await
}

/// Values of a release with one replica for this test's namespace, and these besides.
fn values(test: &Test, more: Value) -> Value {
    let mut values = json!({
        "replicas": 1,
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
    });
    if let (Some(values), Value::Object(more)) = (values.as_object_mut(), more) {
        values.extend(more);
    }
    values
}

fn ensure_allowed(rights: &[Right], expected: &[(&str, &[&str])]) -> Result<()> {
    let pair = |resource: &str, verb: &str| (resource.to_owned(), verb.to_owned());
    let expected: BTreeSet<_> =
        expected.iter().flat_map(|(resource, verbs)| verbs.iter().map(|verb| pair(resource, verb))).collect();
    let found: BTreeSet<_> = rights.iter().map(|right| pair(&right.resource, &right.verb)).collect();
    ensure!(found == expected, "the roles allow {found:?}");
    Ok(())
}

async fn each_is_needed(test: &Test, release: &Release, rights: Vec<Right>) -> Result<()> {
    for right in rights {
        without(test, release, &right).await.with_context(|| format!("without {right:?}"))?;
        println!("without {} of {}: told of", right.verb, right.resource);
    }
    Ok(())
}

/// Every verb of the release's roles.
async fn rights(test: &Test, release: &Release) -> Result<Vec<Right>> {
    let own = test.api::<Role>().get(&release.fullname()).await?.rules;
    let defaults: Api<Role> = Api::namespaced(test.client.clone(), "default");
    let default = defaults.get_opt(&release.registration()).await?.and_then(|role| role.rules);
    let cluster: ClusterRole = Api::all(test.client.clone()).get(&release.registration()).await?;
    let mut rights = Vec::new();
    for (rules, place) in [(own, Place::Own), (default, Place::Default), (cluster.rules, Place::Cluster)] {
        for rule in rules.into_iter().flatten() {
            let resources = rule.resources.clone().unwrap_or_default();
            let verbs = rule.verbs.clone();
            rights.extend(resources.into_iter().flat_map(|resource| {
                let verbs = verbs.clone().into_iter();
                verbs.map(move |verb| Right { resource: resource.clone(), verb, place })
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
                Ok(is_logged(test, release, "cannot get resource \"serviceaccounts\"").await?.then_some(()))
            })
            .await
        }
        ("podidentityassociations", "get") => {
            // A pod that opted in has its association looked up live before it goes without.
            test.account("opted-in", &[]).await.or_else(already)?;
            let mut pod = workload::unscheduled("opted-in", "opted-in");
            pod["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
            until("a look-up is refused", async || {
                drop(test.dry_run(pod.clone()).await);
                let words = "the webhook's ClusterRole must allow get on podidentityassociations";
                Ok(is_logged(test, release, words).await?.then_some(()))
            })
            .await
        }
        ("podidentityassociations/status", "patch") => {
            let object = association("told", &json!({"roleArn": role("told")}));
            test.apply(&object.to_string()).await?;
            logged(test, release, "must allow patch on podidentityassociations/status").await
        }
        (resource @ ("configmaps" | "podidentityassociations" | "services"), verb) => {
            restart(test, release).await?;
            logged(test, release, &format!("cannot {verb} resource \"{resource}\"")).await
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

async fn is_logged(test: &Test, release: &Release, wanted: &str) -> Result<bool> {
    let selector = format!("--selector=app.kubernetes.io/instance={}", release.name);
    for previous in ["--previous=false", "--previous=true"] {
        // A container that does not run yet has no log, and one that never ended no previous one.
        let words = ["logs", "--namespace", &test.namespace, &selector, "--tail=-1", previous];
        let log = command::output("kubectl", words, "").await?;
        // The log quotes what it quotes.
        if log.code == 0 && log.stdout.replace('\\', "").contains(wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn restart(test: &Test, release: &Release) -> Result<()> {
    let pods: Api<Pod> = test.api();
    let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.name));
    pods.delete_collection(&DeleteParams::default().grace_period(0), &own).await?;
    Ok(())
}

/// Takes the verb out of the rules; gives them as they were before.
async fn allow_all_but(test: &Test, release: &Release, right: &Right) -> Result<Vec<PolicyRule>> {
    let registration = release.registration();
    let rules = match right.place {
        Place::Own => test.api::<Role>().get(&release.fullname()).await?.rules,
        Place::Default => {
            Api::<Role>::namespaced(test.client.clone(), "default").get(&registration).await?.rules
        }
        Place::Cluster => Api::<ClusterRole>::all(test.client.clone()).get(&registration).await?.rules,
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
    let registration = release.registration();
    match right.place {
        Place::Own => drop(test.api::<Role>().patch(&release.fullname(), &params, &patch).await?),
        Place::Default => {
            let api: Api<Role> = Api::namespaced(test.client.clone(), "default");
            api.patch(&registration, &params, &patch).await?;
        }
        Place::Cluster => {
            let api: Api<ClusterRole> = Api::all(test.client.clone());
            api.patch(&registration, &params, &patch).await?;
        }
    }
    Ok(())
}
