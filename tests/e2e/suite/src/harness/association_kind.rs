//! Kinds of custom resources that hold an association: their definitions, and what their controllers write.

use anyhow::{Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::cluster::{Skipped, root};
use super::test::OURS;
use super::{Test, command, until};

/// A kind, as its controller would have it.
pub struct Kind {
    /// The definition's file in tests/e2e/crds/.
    file: &'static str,
    /// The webhook's name for where it comes from.
    pub source: &'static str,
    group: &'static str,
    version: &'static str,
    is_namespaced: bool,
}

/// All kinds. Definitions are the cluster's: a test that installs them has [`Definitions`].
pub const KINDS: [Kind; 3] = [
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

/// The right to the definitions, which one test has at a time. It begins without any.
pub struct Definitions {
    _turn: MutexGuard<'static, ()>,
}

impl Definitions {
    /// Waits for the right, and removes what an earlier run left.
    pub async fn of_none(test: &Test) -> Result<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        for kind in &KINDS {
            kind.make_room(test).await?;
        }
        Ok(Self { _turn: turn })
    }
}

impl Kind {
    /// The definition's name.
    pub fn name(&self) -> String {
        format!("podidentityassociations.{}", self.group)
    }

    fn path(&self) -> String {
        root().join("tests/e2e/crds").join(self.file).display().to_string()
    }

    /// Removes the suite's own definition; another's is left alone, and the test is left out.
    async fn make_room(&self, test: &Test) -> Result<()> {
        let definitions: Api<CustomResourceDefinition> = Api::all(test.client.clone());
        let Some(found) = definitions.get_opt(&self.name()).await? else { return Ok(()) };
        let is_ours = found.metadata.labels.is_some_and(|labels| labels.contains_key(OURS));
        ensure!(is_ours, Skipped(format!("the cluster has a definition {} of its own", self.name())));
        self.remove().await
    }

    /// Until it is established, and no longer. The API server then keeps the first resource waiting for two
    /// seconds, so that all of its replicas know of the kind.
    pub async fn install(&self, test: &Test) -> Result<()> {
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

    /// Removes the definition with its resources.
    pub async fn remove(&self) -> Result<()> {
        command::kubectl(["delete", "--filename", &self.path(), "--wait", "--timeout=60s"]).await.map(drop)
    }

    /// The kind's resources, in the test's namespace if they are in one.
    pub fn resources(&self, test: &Test) -> Api<DynamicObject> {
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

    /// The `spec` of a resource for this account of the test's namespace.
    pub fn spec(&self, account: &str, test: &Test) -> Value {
        let parameters =
            json!({"clusterName": "e2e", "namespace": test.namespace, "serviceAccount": account});
        if self.source == "ack" { parameters } else { json!({"forProvider": parameters}) }
    }

    /// Creates a resource as a user does.
    pub async fn create(&self, test: &Test, name: &str, account: &str) -> Result<()> {
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

    /// Writes what the controller does once AWS has the association.
    pub async fn settle(&self, test: &Test, name: &str) -> Result<()> {
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
