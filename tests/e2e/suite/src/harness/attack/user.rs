//! An ordinary user of a cluster: who may make pods in one namespace and annotate one account of it.

use std::time::Duration;

use anyhow::{Result, ensure};
use hyper::Request;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::time::timeout;

use super::super::{Test, command, kubeconfig, until, workload};
use super::crafted::{ACCOUNT, Call, HELD, LONG, long_role};

const NAME: &str = "mallory";

/// How long a call may take: a busy API server takes long, and this is more than a webhook may take.
const LIMIT: Duration = Duration::from_secs(30);

pub struct User {
    client: Client,
    namespace: String,
}

impl User {
    /// Makes the user with all rights that the attack needs, and no more.
    pub async fn of(test: &Test) -> Result<Self> {
        let namespace = test.namespace.clone();
        test.account(ACCOUNT, &[("role-arn", "arn:aws:iam::111122223333:role/mallory")]).await?;
        test.account(LONG, &[]).await?;
        test.apply(&rights().to_string()).await?;
        let token = command::kubectl(["create", "token", NAME, "--namespace", &namespace]).await?;
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig::with_token(token.trim()).await?)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let user = Self { client: Client::try_from(config)?, namespace };
        user.is_an_ordinary_one().await?;
        // The user annotates this account, and adds containers to this pod.
        let role = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": long_role()}}});
        user.done(&format!("serviceaccounts/{LONG}"), "PATCH", role.to_string()).await?;
        user.done("pods", "POST", workload::unscheduled(HELD, ACCOUNT).to_string()).await?;
        Ok(user)
    }

    /// Makes a call, and says in a word what came of it.
    pub async fn call(&self, call: &Call) -> String {
        match timeout(LIMIT, self.send(&call.path, call.method, call.body.clone())).await {
            Ok(Ok(_)) => "admitted".to_owned(),
            Ok(Err(kube::Error::Api(status))) => status.code.to_string(),
            Ok(Err(_)) => "no answer".to_owned(),
            Err(_) => format!("no answer within {LIMIT:?}"),
        }
    }

    /// An error if the user has rights that do not belong to the attack.
    async fn is_an_ordinary_one(&self) -> Result<()> {
        for verb in ["create pods", "get secrets", "list serviceaccounts"] {
            let (verb, resource) = verb.split_once(' ').unwrap_or_default();
            let attributes = json!({"namespace": "kube-system", "verb": verb, "resource": resource});
            let review = json!({
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            });
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            let request = Request::post(path).header("content-type", "application/json");
            let answer: serde_json::Value =
                self.client.request(request.body(review.to_string().into())?).await?;
            ensure!(answer["status"]["allowed"] == false, "the user may {verb} {resource} in kube-system");
        }
        Ok(())
    }

    /// Makes a call that the user may make. The API server learns of the right a moment after it is given.
    async fn done(&self, path: &str, method: &str, body: String) -> Result<()> {
        until(&format!("the user may {method} {path}"), async || {
            match self.send(path, method, body.clone()).await {
                Ok(_) => Ok(Some(())),
                Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn send(&self, path: &str, method: &str, body: String) -> Result<String, kube::Error> {
        let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/namespaces/{}/{path}", self.namespace))
            .header("content-type", content);
        self.client.request_text(request.body(body.into()).map_err(kube::Error::HttpError)?).await
    }
}

fn rights() -> serde_json::Value {
    let group = "rbac.authorization.k8s.io";
    let rule = |resource: &str, verbs: &[&str], names: &[&str]| json!({"apiGroups": [""], "resources": [resource], "verbs": verbs, "resourceNames": names});
    let rules = [
        rule("pods", &["create", "get"], &[]),
        rule("pods/ephemeralcontainers", &["patch"], &[]),
        rule("serviceaccounts", &["get", "patch"], &[LONG]),
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}},
        {"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": NAME}, "rules": rules},
        {
            "apiVersion": format!("{group}/v1"),
            "kind": "RoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME}],
        },
    ]})
}
