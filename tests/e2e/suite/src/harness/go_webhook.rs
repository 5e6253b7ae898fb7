//! The Go webhook as its users deploy it, with this webhook's image.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use serde_json::json;

use super::certificates::Certificates;
use super::command::kubectl;
use super::test::Test;

/// Namespace, image, this cluster's address and the owner of what is in no namespace are filled in.
const MANIFESTS: &str = include_str!("go_webhook.yaml");

/// The role of its ConfigMap's only entry.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/orders";

/// Name of its Deployment and its Service.
pub const NAME: &str = "pod-identity-webhook";

/// The manifests, with everything filled in.
pub struct GoWebhook {
    manifests: String,
    certificates: Certificates,
}

impl GoWebhook {
    /// With a certificate from files, which another tool makes.
    pub async fn with_files(test: &Test) -> Result<Self> {
        let namespace = test.namespace.as_str();
        let services: Api<Service> = Api::namespaced(test.client.clone(), "default");
        let api_server = services.get("kubernetes").await?.spec.and_then(|spec| spec.cluster_ip);
        let api_server = api_server.context("the Service kubernetes has no address")?;
        let is_ipv6 = api_server.contains(':');
        let host = if is_ipv6 { format!("[{api_server}]") } else { api_server };
        let manifests = MANIFESTS
            .replace("${NAMESPACE}", namespace)
            .replace("${ROLE}", ROLE)
            .replace("${OWNER}", &test.owner().await?.to_string())
            .replace("${SERVER}", &format!("https://{host}"))
            .replace("${PYTHON}", &test.image("client-boto3")?)
            .replace("${IMAGE}", &test.cluster.image);
        let certificates = Certificates::of(&[&format!("{NAME}.{namespace}.svc")])?;
        Ok(Self { manifests, certificates })
    }

    /// The same with this text in place of that, which has to be there.
    pub fn replaced(self, before: &str, after: &str) -> Result<Self> {
        anyhow::ensure!(self.manifests.contains(before), "the manifests have no {before}");
        Ok(Self { manifests: self.manifests.replace(before, after), ..self })
    }

    /// Applies the manifests and the Secret, and does not wait.
    pub async fn apply(&self, test: &Test) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pod-identity-webhook-cert"},
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": STANDARD.encode(&self.certificates.leaf.certificate_pem),
                "tls.key": STANDARD.encode(&self.certificates.leaf.key_pem),
            },
        });
        test.apply(&secret.to_string()).await?;
        test.apply(&self.manifests).await
    }

    /// Deploys it and waits until it is ready; gives the authority of its certificate.
    pub async fn deploy(&self, test: &Test) -> Result<String> {
        self.apply(test).await?;
        rolled_out(test).await?;
        Ok(self.certificates.authority.clone())
    }
}

/// Waits until it is ready.
pub async fn rolled_out(test: &Test) -> Result<()> {
    let deployment = format!("deployment/{NAME}");
    let words = ["rollout", "status", &deployment, "--namespace", &test.namespace, "--timeout=120s"];
    kubectl(words).await.map(drop)
}
