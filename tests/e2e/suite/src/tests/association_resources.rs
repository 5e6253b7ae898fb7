//! Associations in custom resources: definitions that come late, change and go; resources that are made,
//! changed and deleted. A pod after each gets the right result within two seconds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::harness::cluster::{Skipped, root};
use crate::harness::release::Release;
use crate::harness::test::OURS;
use crate::harness::wait::until_within;
use crate::harness::{Injected, Test, command, registration, until, workload};

const SOON: Duration = Duration::from_secs(2);

/// Whose pods are looked at.
const ACCOUNTS: [&str; 2] = ["orders", "cart"];

/// A kind, as its controller would have it.
struct Kind {
    /// Its file in tests/e2e/crds/.
    file: &'static str,
    source: &'static str,
    group: &'static str,
    version: &'static str,
    is_namespaced: bool,
}

const KINDS: [Kind; 3] = [
    Kind {
        file: "ack.yaml",
        source: "ack",
        group: "eks.services.k8s.aws",
        version: "v1alpha1",
        is_namespaced: true,
    },
    Kind {
        file: "crossplane.yaml",
        source: "crossplane",
        group: "eks.aws.upbound.io",
        version: "v1beta1",
        is_namespaced: false,
    },
    Kind {
        file: "crossplane-namespaced.yaml",
        source: "crossplane",
        group: "eks.aws.m.upbound.io",
        version: "v1beta1",
        is_namespaced: true,
    },
];

/// One webhook all along, which was there before any definition.
pub async fn pods_follow_resources_and_their_definitions(test: Test) -> Result<()> {
    for kind in &KINDS {
        kind.make_room(&test).await?;
    }
    for account in ACCOUNTS {
        test.account(account, &[]).await?;
    }
    let values = json!({
        "replicas": 1,
        "sources": {"associationResources": {"controllers": ["ack", "crossplane"]}},
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
        "server": {"shutdownDelaySeconds": 0},
    });
    let release = Release::install(&test.cluster, "resources", &test.namespace, &values).await?;
    registration::await_injection(&test.cluster, &test.namespace).await?;
    ensure!(associated(&test).await?.is_empty(), "before there is any");
    for kind in &KINDS {
        kind.follow(&test).await.with_context(|| kind.name())?;
    }
    KINDS[0].come_back(&test).await?;
    release.uninstall().await
}

impl Kind {
    /// The story of a kind, from its definition's installation to its removal.
    async fn follow(&self, test: &Test) -> Result<()> {
        self.install(test).await?;
        let resources = self.resources(test);
        self.create(test, "one", "orders").await?;
        until_within(SOON, "the webhook knows of it as pending", async || {
            Ok((pending(test, self.source).await? == Some(1)).then_some(()))
        })
        .await?;
        ensure!(associated(test).await?.is_empty(), "AWS does not have it");
        self.settle(test, "one").await?;
        soon(test, "AWS has it", &["orders"]).await?;

        let cart = self.spec("cart", test);
        resources.patch("one", &PatchParams::default(), &Patch::Merge(json!({"spec": cart}))).await?;
        soon(test, "it is changed", &["cart"]).await?;
        resources.delete("one", &DeleteParams::default()).await?;
        soon(test, "it is deleted", &[]).await?;
        self.create(test, "two", "orders").await?;
        self.settle(test, "two").await?;
        soon(test, "another is made", &["orders"]).await?;

        // The API server takes the kind's storage down and up again, and ends its watches.
        let columns = json!([{"name": "Account", "type": "string", "jsonPath": ".spec.serviceAccount"}]);
        let path = "/spec/versions/0/additionalPrinterColumns";
        let change = json!([{"op": "add", "path": path, "value": columns}]).to_string();
        let name = format!("customresourcedefinition/{}", self.name());
        command::kubectl(["patch", &name, "--type=json", "--patch", &change]).await?;
        self.create(test, "three", "cart").await?;
        self.settle(test, "three").await?;
        soon(test, "one is made after the definition has changed", &ACCOUNTS).await?;

        self.remove().await?;
        soon(test, "the definition is removed with its resources", &[]).await
    }

    /// The same kind once more, where it was before.
    async fn come_back(&self, test: &Test) -> Result<()> {
        self.install(test).await?;
        self.create(test, "four", "cart").await?;
        self.settle(test, "four").await?;
        soon(test, "the definition is back", &["cart"]).await?;
        self.remove().await?;
        soon(test, "and removed again", &[]).await
    }

    fn name(&self) -> String {
        format!("podidentityassociations.{}", self.group)
    }

    fn path(&self) -> String {
        root().join("tests/e2e/crds").join(self.file).display().to_string()
    }

    /// Takes away what an earlier run left; a definition of somebody else's is not for us to touch.
    async fn make_room(&self, test: &Test) -> Result<()> {
        let definitions: Api<CustomResourceDefinition> = Api::all(test.client.clone());
        let Some(found) = definitions.get_opt(&self.name()).await? else { return Ok(()) };
        let is_ours = found.metadata.labels.is_some_and(|labels| labels.contains_key(OURS));
        ensure!(is_ours, Skipped(format!("the cluster has a definition {} of its own", self.name())));
        self.remove().await
    }

    /// Until it is established, and no longer. The API server then keeps the first resource waiting for two
    /// seconds, so that all of its replicas know of the kind.
    async fn install(&self, test: &Test) -> Result<()> {
        // Validation has kubectl read all that the API server serves, which takes seconds.
        command::kubectl(["create", "--validate=false", "--filename", &self.path()]).await?;
        let definitions: Api<CustomResourceDefinition> = Api::all(test.client.clone());
        until("the definition is established", async || {
            let status = definitions.get(&self.name()).await?.status;
            let mut conditions = status.and_then(|status| status.conditions).into_iter().flatten();
            let is_established =
                conditions.any(|found| found.type_ == "Established" && found.status == "True");
            Ok(is_established.then_some(()))
        })
        .await
    }

    async fn remove(&self) -> Result<()> {
        command::kubectl(["delete", "--filename", &self.path(), "--wait", "--timeout=60s"]).await.map(drop)
    }

    /// The kind's resources, in the test's namespace if they are in one.
    fn resources(&self, test: &Test) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: format!("{}/{}", self.group, self.version),
            kind: "PodIdentityAssociation".to_owned(),
            plural: "podidentityassociations".to_owned(),
        };
        if self.is_namespaced {
            Api::namespaced_with(test.client.clone(), &test.namespace, &resource)
        } else {
            Api::all_with(test.client.clone(), &resource)
        }
    }

    fn spec(&self, account: &str, test: &Test) -> Value {
        let parameters =
            json!({"clusterName": "e2e", "namespace": test.namespace, "serviceAccount": account});
        if self.source == "ack" { parameters } else { json!({"forProvider": parameters}) }
    }

    /// As a user makes it.
    async fn create(&self, test: &Test, name: &str, account: &str) -> Result<()> {
        let mut metadata = json!({"name": name});
        if self.is_namespaced {
            metadata["namespace"] = json!(test.namespace);
        }
        let object = json!({
            "apiVersion": format!("{}/{}", self.group, self.version),
            "kind": "PodIdentityAssociation",
            "metadata": metadata,
            "spec": self.spec(account, test),
        });
        self.resources(test).create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        Ok(())
    }

    /// As the controller does once AWS has it.
    async fn settle(&self, test: &Test, name: &str) -> Result<()> {
        let settled = |kind| json!([{"type": kind, "status": "True"}]);
        let status = if self.source == "ack" {
            json!({"associationID": "a-1", "conditions": settled("ACK.ResourceSynced")})
        } else {
            json!({"atProvider": {"associationId": "a-1"}, "conditions": settled("Ready")})
        };
        let status = Patch::Merge(json!({"status": status}));
        self.resources(test).patch_status(name, &PatchParams::default(), &status).await?;
        Ok(())
    }
}

/// How many of the source's resources the webhook takes for pending.
async fn pending(test: &Test, source: &str) -> Result<Option<u32>> {
    let namespace = &test.namespace;
    let own = ListParams::default().labels("app.kubernetes.io/name=pod-identity-webhook");
    let webhook = test.api::<Pod>().list(&own).await?.items.into_iter().next().context("no webhook")?;
    let path = format!("/api/v1/namespaces/{namespace}/pods/{}:9999/proxy/metrics", webhook.name_any());
    let metrics = command::kubectl(["get", "--raw", &path]).await?;
    let line =
        format!("pod_identity_webhook_association_resources{{source=\"{source}\",state=\"pending\"}} ");
    Ok(metrics.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()))
}

/// Waits until exactly these accounts have an association, not long.
async fn soon(test: &Test, what: &str, accounts: &[&str]) -> Result<()> {
    until_within(SOON, what, async || Ok((associated(test).await? == accounts).then_some(()))).await
}

/// The accounts whose pods get EKS Pod Identity; the others' are left as they are.
async fn associated(test: &Test) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for account in ACCOUNTS {
        let pod = test.dry_run(workload::unscheduled(account, account)).await?;
        let injected = Injected(&pod);
        match injected.value("main", "AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(_) => found.push(account),
            None => ensure!(injected.is_bare(), "{account}: {:?}", injected.env("main")),
        }
    }
    Ok(found)
}
