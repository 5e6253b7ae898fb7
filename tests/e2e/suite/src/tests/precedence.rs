//! All sources of one release at the same time: which of them counts for an account that several name.

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::harness::association_kind::{Definitions, KINDS};
use crate::harness::identity::{ASSOCIATION, Identity};
use crate::harness::injected::TOKEN_FILE;
use crate::harness::registration::await_injection;
use crate::harness::release::Release;
use crate::harness::replica::Replica;
use crate::harness::{Report, Test, until, workload};

const ANNOTATION: &str = "arn:aws:iam::111122223333:role/annotation";
const ENTRY: &str = "arn:aws:iam::111122223333:role/entry";

/// Accounts by the first of the sources that name them; each is named by all that come after it too.
const IN_FILE: &str = "in-file";
const IN_RESOURCES: [&str; KINDS.len()] = ["in-ack", "in-crossplane", "in-namespaced-crossplane"];
const ANNOTATED: &str = "annotated";
const IN_ENTRY: &str = "in-entry";
const NOWHERE: &str = "nowhere";

/// The sources are taken away one after the other, from the one that counts most.
pub async fn association_wins_over_annotation_and_annotation_over_entry(test: Test) -> Result<()> {
    for account in accounts() {
        let is_annotated = account != IN_ENTRY && account != NOWHERE;
        test.account(account, if is_annotated { &[("role-arn", ANNOTATION)] } else { &[] }).await?;
    }
    let named = json!({"identities": [{"namespace": test.namespace, "serviceAccount": IN_FILE}]});
    test.put("associations", "identities.json", &named.to_string()).await?;
    let own = |account: &str| format!("{}/{account}", test.namespace);
    let entries = json!({own("*"): {"RoleARN": ENTRY}, own(NOWHERE): {}});
    test.put("pod-identity-webhook", "config", &entries.to_string()).await?;
    let definitions = Definitions::of_none(&test).await?;
    for kind in &KINDS {
        kind.install(&test).await?;
    }
    let release = Release::install(&test.cluster, "all", &test.namespace, &values(&test)).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    for (kind, account) in KINDS.iter().zip(IN_RESOURCES) {
        kind.create(&test, &test.namespace, account).await?;
        kind.settle(&test, &test.namespace).await?;
    }

    let (annotation, entry) = (Identity::Role(ANNOTATION), Identity::Role(ENTRY));
    decide(&test, [Identity::Association, annotation, entry]).await?;
    try_join_all(accounts().map(|account| inside(&test, account))).await?;
    is_refused(&test).await?;

    for kind in &KINDS {
        kind.resources(&test).delete(&test.namespace, &DeleteParams::default()).await?;
    }
    test.put("associations", "identities.json", "").await?;
    let [replica] = &Replica::all(&test, &release).await?[..] else { bail!("not one replica") };
    until("no association is left", async || {
        replica.nudge().await?;
        let mut left = 0;
        for source in ["association-file", "ack", "crossplane"] {
            let entries = format!("pod_identity_webhook_source_entries{{source=\"{source}\"}}");
            left += replica.metric(&entries).await?.unwrap_or(0);
        }
        Ok((left == 0).then_some(()))
    })
    .await?;
    for kind in &KINDS {
        kind.remove().await?;
    }
    drop(definitions);
    decide(&test, [annotation, annotation, entry]).await?;
    for account in accounts().filter(|account| ![IN_ENTRY, NOWHERE].contains(account)) {
        test.annotate(account, "role-arn", "").await?;
    }
    decide(&test, [entry; 3]).await?;
    test.put("pod-identity-webhook", "config", "{}").await?;
    decide(&test, [Identity::None; 3]).await?;
    release.uninstall().await
}

fn accounts() -> impl Iterator<Item = &'static str> {
    [IN_FILE].into_iter().chain(IN_RESOURCES).chain([ANNOTATED, IN_ENTRY, NOWHERE])
}

fn values(test: &Test) -> Value {
    json!({
        "replicas": 1,
        "sources": {
            "associationFile": {"configMap": "associations"},
            "configMap": {"enabled": true},
            "associationResources": {"controllers": ["ack", "crossplane"], "ownNamespaceOnly": false},
        },
        "server": {"shutdownDelaySeconds": 0},
        "webhook": {
            "requiredIdentity": true,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}},
        },
    })
}

/// Waits until pods have these identities, by accounts that an association, an annotation or only an entry
/// named. The account that is an exception from the entries has nothing all along.
async fn decide(test: &Test, [associated, annotated, entry]: [Identity<'static>; 3]) -> Result<()> {
    for account in accounts() {
        let wanted = match account {
            ANNOTATED => annotated,
            IN_ENTRY => entry,
            NOWHERE => Identity::None,
            _ => associated,
        };
        until(&format!("pods of {account} have {wanted:?}"), async || {
            let pod = test.dry_run(workload::unscheduled(account, account)).await?;
            Ok((Identity::of(&pod)? == wanted).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// A pod that starts, seen from inside: one pair of credentials at most, and its token.
async fn inside(test: &Test, account: &str) -> Result<()> {
    let container = workload::report(&test.image("client-boto3")?);
    let name = format!("started-{account}");
    test.create(workload::pod(&name, account, &container)).await?;
    let report = Report::of(test, &name, "main").await?;
    let role = |role| vec![("AWS_ROLE_ARN", role), ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE)];
    let (env, audience) = match account {
        NOWHERE => (vec![], None),
        ANNOTATED => (role(ANNOTATION), Some("sts.amazonaws.com")),
        IN_ENTRY => (role(ENTRY), Some("sts.amazonaws.com")),
        _ => (ASSOCIATION.to_vec(), Some("pods.eks.amazonaws.com")),
    };
    ensure!(report.env() == env, "{account}: {:?}", report.env());
    if let Some(audience) = audience {
        let claim = report.token()?.claim("aud");
        ensure!(*claim == json!([audience]), "{account}: {claim}");
    }
    Ok(())
}

/// A pod that must have an identity is refused with all that was asked.
async fn is_refused(test: &Test) -> Result<()> {
    let mut pod = workload::unscheduled(NOWHERE, NOWHERE);
    pod["metadata"]["labels"] = json!({"eks.amazonaws.com/require-identity": "true"});
    let Err(error) = test.dry_run(pod).await else { bail!("a pod without identity was admitted") };
    let asked = "; the webhook asked service-accounts, config-map, ack, crossplane, association-file: set ";
    ensure!(format!("{error:#}").contains(asked), "{error:#}");
    Ok(())
}
