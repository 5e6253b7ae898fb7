//! Users of the Go webhook change the image and nothing else: its deployment as they have it, its
//! registration, and the pods that its documentation promises.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::go_webhook::{self, GoWebhook};
use crate::harness::registration::{Registration, await_injection};
use crate::harness::{Test, workload};

const ROLE: &str = go_webhook::ROLE;

/// The variables of `--sts-regional-endpoint` and `--aws-default-region`.
const STS: Variables<'_> = &[("AWS_STS_REGIONAL_ENDPOINTS", "regional")];
const REGION: Variables<'_> = &[("AWS_DEFAULT_REGION", "eu-west-3"), ("AWS_REGION", "eu-west-3")];

/// Names and values in the order in which they are appended.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// Where a pod's credentials come from.
#[derive(Clone, Copy)]
struct Method {
    /// The variable beside that of the token's file.
    credentials: (&'static str, &'static str),
    token_file: &'static str,
    volume: &'static str,
    mount: &'static str,
    /// The token's path in the volume.
    path: &'static str,
    label: Option<(&'static str, &'static str)>,
}

const WEB_IDENTITY: Method = Method {
    credentials: ("AWS_ROLE_ARN", ROLE),
    token_file: "AWS_WEB_IDENTITY_TOKEN_FILE",
    volume: "aws-iam-token",
    mount: "/var/run/secrets/eks.amazonaws.com/serviceaccount",
    path: "token",
    label: None,
};

const CONTAINER_CREDENTIALS: Method = Method {
    credentials: ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
    token_file: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    volume: "eks-pod-identity-token",
    mount: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
    path: "eks-pod-identity-token",
    label: Some(("eks.amazonaws.com/pod-identity", "enabled")),
};

pub async fn go_webhooks_manifests_give_the_pods_that_it_promises(test: Test) -> Result<()> {
    test.account("orders", &[("role-arn", ROLE)]).await?;
    let knobs =
        [("audience", "batch.example"), ("sts-regional-endpoints", "false"), ("token-expiration", "7200")];
    test.account("batch", &[&[("role-arn", ROLE)], &knobs[..]].concat()).await?;
    test.account("archive", &[]).await?;
    // The association wins.
    test.account("reports", &[("role-arn", ROLE)]).await?;
    let authority = GoWebhook::with_files(&test).await?.deploy(&test).await?;
    let promises = promises();
    let mut before = Vec::new();
    for promise in &promises {
        before.push(json!(test.dry_run(promise.pod.clone()).await?));
    }

    let service = json!({"name": "pod-identity-webhook", "namespace": test.namespace, "path": "/mutate"});
    // Fields that the manifest does not set have the API server's defaults.
    let as_theirs = json!({
        "name": "pod-identity-webhook.amazonaws.com",
        "admissionReviewVersions": ["v1beta1"],
        "reinvocationPolicy": "Never",
        "objectSelector": {},
    });
    let client_config = json!({"service": service});
    Registration::new(&test.cluster, &test.namespace, "go", client_config, &authority, &as_theirs).await?;
    await_injection(&test.cluster, &test.namespace).await?;

    for (promise, before) in promises.iter().zip(before) {
        let after = json!(test.dry_run(promise.pod.clone()).await?);
        let (name, expected) = (before["metadata"]["name"].clone(), promise.applied(before));
        assert_eq!(after["metadata"]["labels"], expected["metadata"]["labels"], "{name}");
        assert_eq!(after["metadata"]["annotations"], expected["metadata"]["annotations"], "{name}");
        assert_eq!(after["spec"], expected["spec"], "{name}");
    }
    Ok(())
}

/// A pod, and what the Go webhook's documentation says of it.
struct Promise {
    pod: Value,
    method: Method,
    audience: &'static str,
    lifetime: u32,
    sts: Variables<'static>,
    token_file: &'static str,
}

fn promises() -> [Promise; 5] {
    let plain = Promise {
        pod: pod("plain", "orders", &WEB_IDENTITY),
        method: WEB_IDENTITY,
        audience: "sts.amazonaws.com",
        lifetime: 86_400,
        sts: STS,
        token_file: "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    };
    let by_account = Promise {
        pod: pod("by-account", "batch", &WEB_IDENTITY),
        audience: "batch.example",
        lifetime: 7200,
        sts: &[],
        ..plain
    };
    let by_config_map =
        Promise { pod: pod("by-config-map", "archive", &WEB_IDENTITY), audience: "archive.example", ..plain };
    let mut on_windows = Promise {
        pod: pod("on-windows", "orders", &WEB_IDENTITY),
        token_file: r"C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token",
        ..plain
    };
    on_windows.pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
    let mut associated = Promise {
        pod: pod("associated", "reports", &CONTAINER_CREDENTIALS),
        method: CONTAINER_CREDENTIALS,
        audience: "pods.eks.amazonaws.com",
        lifetime: 3600,
        token_file: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
        ..plain
    };
    // A lifetime that is not set is drawn by lot.
    associated.pod["metadata"]["annotations"]["eks.amazonaws.com/token-expiration"] = json!("3600");
    [plain, by_account, by_config_map, on_windows, associated]
}

/// A pod with a container for each rule.
fn pod(name: &str, account: &str, method: &Method) -> Value {
    let container = |name: &str, fields: Value| {
        let mut container = workload::container(name, &fields);
        container["image"] = json!("none.invalid/none");
        container
    };
    let own = |name: &str| json!([{"name": name, "value": "own"}]);
    let everything = [method.credentials.0, "AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS"];
    let everything = everything.map(|name| json!({"name": name, "value": "own"}));
    let spec = json!({
        "serviceAccountName": account,
        // The token's volume would have another name every time.
        "automountServiceAccountToken": false,
        "initContainers": [
            container("migrate", json!({})),
            container("mesh", json!({"restartPolicy": "Always"})),
        ],
        "containers": [
            container("app", json!({"env": own("LOG"), "volumeMounts": [{"name": "data", "mountPath": "/data"}]})),
            container("with-region", json!({"env": own("AWS_REGION")})),
            container("with-credentials", json!({"env": own(method.credentials.0)})),
            container("with-sts", json!({"env": own("AWS_STS_REGIONAL_ENDPOINTS")})),
            container("with-everything", json!({"env": everything})),
            container("skipped", json!({})),
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
    });
    let mut pod = workload::of_spec(name, &spec);
    pod["metadata"]["labels"] = json!({"app": name});
    pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/skip-containers": "skipped"});
    pod
}

impl Promise {
    /// The pod with its identity. On purpose, the volume is appended; there it is put first.
    fn applied(&self, mut pod: Value) -> Value {
        let Method { credentials, token_file, volume, mount, path, label } = self.method;
        let credentials: Variables<'_> = &[credentials, (token_file, self.token_file)];
        let all: &[Variables<'_>] = &[self.sts, REGION, credentials];
        let by_container: [(&str, &[Variables<'_>]); 6] = [
            ("migrate", all),
            ("mesh", all),
            ("app", all),
            ("with-region", &[self.sts, credentials]),
            // Half a pair is not completed, and the token is mounted all the same.
            ("with-credentials", &[self.sts, REGION]),
            ("with-sts", &[REGION, credentials]),
            // Nothing for "with-everything", which lacks nothing, and for "skipped".
        ];
        for list in ["initContainers", "containers"] {
            for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
                let variables = by_container.iter().find(|(name, _)| container["name"] == *name);
                let Some((_, variables)) = variables else { continue };
                let variables = variables.concat();
                let env = variables.into_iter().map(|(name, value)| json!({"name": name, "value": value}));
                append(&mut container["env"], env);
                let mount = json!({"name": volume, "readOnly": true, "mountPath": mount});
                append(&mut container["volumeMounts"], [mount]);
            }
        }
        let token = json!({"audience": self.audience, "expirationSeconds": self.lifetime, "path": path});
        let projected = json!({"defaultMode": 420, "sources": [{"serviceAccountToken": token}]});
        append(&mut pod["spec"]["volumes"], [json!({"name": volume, "projected": projected})]);
        if let Some((label, value)) = label {
            pod["metadata"]["labels"][label] = json!(value);
        }
        pod
    }
}

/// Adds to the end of a list, which may not be there yet.
fn append(list: &mut Value, values: impl IntoIterator<Item = Value>) {
    if list.is_null() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        list.extend(values);
    }
}
