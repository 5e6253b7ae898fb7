//! What is written where, for a cluster's API servers to sign `ServiceAccount` tokens by a key: by distribution.
//!
//! Only the flags of `other` were run, on a real API server; the rest is written by the distributions' documentation.

use clap::ValueEnum;
use serde_json::{Value, json};

/// How the machines of a control plane are told what their parts start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Distribution {
    /// kubeadm
    Kubeadm,
    /// k3s
    K3s,
    /// RKE2
    Rke2,
    /// Talos Linux
    Talos,
    /// kOps
    Kops,
    /// Whatever lets the flags of its parts be set
    Other,
}

/// How API servers are to make and to take tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiServer {
    /// The first is the one that tokens name; all are accepted.
    pub(super) issuers: Vec<String>,
    /// Path of the private key that signs, on the API server's machine.
    pub(super) signing_key: String,
    /// Paths of the keys that tokens are verified by.
    pub(super) verifying_keys: Vec<String>,
}

impl Distribution {
    /// The folder in which an API server finds its keys.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::K3s => "/var/lib/rancher/k3s/server/tls",
            Self::Rke2 => "/var/lib/rancher/rke2/server/tls",
            Self::Kubeadm | Self::Talos | Self::Kops | Self::Other => "/etc/kubernetes/pki",
        }
    }

    /// The key by which API servers verify tokens if nobody has said another; `None` where there is no telling.
    pub(super) fn own_key(self) -> Option<&'static str> {
        match self {
            Self::Kubeadm => Some("/etc/kubernetes/pki/sa.pub"),
            Self::K3s => Some("/var/lib/rancher/k3s/server/tls/service.key"),
            Self::Rke2 => Some("/var/lib/rancher/rke2/server/tls/service.key"),
            Self::Talos | Self::Kops | Self::Other => None,
        }
    }

    /// The key by which API servers sign tokens if nobody has said another, or what stands for it.
    pub(super) fn own_signing_key(self) -> &'static str {
        match self {
            Self::Kubeadm => "/etc/kubernetes/pki/sa.key",
            Self::K3s => "/var/lib/rancher/k3s/server/tls/service.key",
            Self::Rke2 => "/var/lib/rancher/rke2/server/tls/service.key",
            Self::Talos | Self::Kops | Self::Other => "THE-KEY-THAT-SIGNS-NOW",
        }
    }

    /// What to write and what to run, for a person to follow.
    pub(super) fn configuration(self, server: &ApiServer) -> String {
        match self {
            Self::Kubeadm => kubeadm(server),
            Self::K3s => rancher(server, "k3s", "k3s"),
            Self::Rke2 => rancher(server, "rke2", "rke2-server"),
            Self::Talos => talos(server),
            Self::Kops => KOPS.to_owned(),
            Self::Other => other(server),
        }
    }
}

impl ApiServer {
    /// The API server's flags without dashes, in their order.
    fn flags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { issuers, signing_key, verifying_keys } = self;
        let issuers = issuers.iter().map(|issuer| ("service-account-issuer", issuer.as_str()));
        let keys = verifying_keys.iter().map(|key| ("service-account-key-file", key.as_str()));
        issuers.chain([("service-account-signing-key-file", signing_key.as_str())]).chain(keys)
    }

    /// The controller manager's, which signs the tokens of Secrets by it.
    fn controller_flag(&self) -> (&'static str, &str) {
        ("service-account-private-key-file", &self.signing_key)
    }
}

fn other(server: &ApiServer) -> String {
    let flag = |(name, value): (&str, &str)| ["    --", name, "=", value, "\n"].concat();
    let flags: Vec<_> = server.flags().map(flag).collect();
    format!(
        "kube-apiserver has these flags, in the place of all others of their names:

{}
kube-controller-manager has

{}",
        flags.concat(),
        flag(server.controller_flag())
    )
}

fn kubeadm(server: &ApiServer) -> String {
    let argument = |(name, value): (&str, &str)| json!({"name": name, "value": value});
    let configuration = block(&json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "apiServer": {"extraArgs": server.flags().map(argument).collect::<Value>()},
        "controllerManager": {"extraArgs": [argument(server.controller_flag())]},
    }));
    format!(
        "kubeadm's configuration has these arguments. In a cluster that is there it is in the ConfigMap
kubeadm-config of kube-system:

{configuration}
A new cluster is made with it by 'kubeadm init --config=FILE'. In a cluster that is there, on one
machine of the control plane after another, with a file of the whole configuration:

    kubeadm init phase control-plane apiserver --config=FILE
    kubeadm init phase control-plane controller-manager --config=FILE
"
    )
}

fn rancher(server: &ApiServer, name: &str, unit: &str) -> String {
    let argument = |(name, value): (&str, &str)| Value::from(format!("{name}={value}"));
    let configuration = block(&json!({
        "kube-apiserver-arg": server.flags().map(argument).collect::<Value>(),
        "kube-controller-manager-arg": [argument(server.controller_flag())],
    }));
    let container = match name {
        "rke2" => {
            "\nA key in another folder needs a kube-apiserver-extra-mount, for the API server is a container.\n"
        }
        _ => "",
    };
    format!(
        "/etc/rancher/{name}/config.yaml has these arguments, which stand in the place of {name}'s own:

{configuration}
On one server after another:

    systemctl restart {unit}
{container}"
    )
}

fn talos(server: &ApiServer) -> String {
    let issuer = server.issuers.first().map_or("", String::as_str);
    let patch = block(&json!({
        "cluster": {
            "serviceAccount": {"key": "KEY"},
            "apiServer": {"extraArgs": {"service-account-issuer": issuer}},
        },
    }));
    format!(
        "Talos has one key, which signs and verifies: with a new one all tokens of the cluster are refused
until their pods have others. So this is for a cluster that is new. Its machine configuration has

{patch}
where KEY is what this prints:

    base64 -w0 {}
",
        server.signing_key
    )
}

/// A document of YAML, apart from the text around it.
fn block(document: &Value) -> String {
    manifests::yaml(document).lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// It makes, publishes and exchanges keys itself.
const KOPS: &str = "kOps makes the keys of ServiceAccounts itself, and publishes them where
spec.serviceAccountIssuerDiscovery.discoveryStore says. Its own commands exchange them:

    kops create keypair service-account
    kops update cluster --yes && kops rolling-update cluster --yes
    kops promote keypair service-account
    kops update cluster --yes && kops rolling-update cluster --yes
    kops distrust keypair service-account
    kops update cluster --yes && kops rolling-update cluster --yes
";

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ApiServer {
        ApiServer {
            issuers: vec![
                "https://oidc.example.com/a:b#'\"{".to_owned(),
                "https://kubernetes.default.svc".to_owned(),
            ],
            signing_key: "/keys/new key.key".to_owned(),
            verifying_keys: vec!["/keys/new.pub".to_owned(), "/keys/old.pub".to_owned()],
        }
    }

    /// The first block of a text, as YAML is read.
    fn document(distribution: Distribution, server: &ApiServer) -> Value {
        let text = distribution.configuration(server);
        let block = text.lines().skip_while(|line| !line.starts_with("    "));
        let block = block.take_while(|line| !line.is_empty()).map(|line| format!("{}\n", &line[4..]));
        manifests::parse(&block.collect::<String>()).unwrap().documents()[0].value().clone()
    }

    #[test]
    fn every_flag_is_there_in_its_order_whatever_it_holds() {
        let server = server();
        let flags: Vec<_> = server.flags().collect();
        assert_eq!(flags.len(), 5);
        let pairs: Vec<_> = flags.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        assert_eq!(document(Distribution::Kubeadm, &server)["apiServer"]["extraArgs"], json!(pairs));
        let words: Vec<_> = flags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for distribution in [Distribution::K3s, Distribution::Rke2] {
            let document = document(distribution, &server);
            assert_eq!(document["kube-apiserver-arg"], json!(words));
            let controllers = &document["kube-controller-manager-arg"];
            assert_eq!(controllers, &json!(["service-account-private-key-file=/keys/new key.key"]));
        }
        let patch = document(Distribution::Talos, &server);
        let issuer = &patch["cluster"]["apiServer"]["extraArgs"]["service-account-issuer"];
        assert_eq!(issuer, server.issuers[0].as_str());
        let text = Distribution::Other.configuration(&server);
        let shown = text.lines().filter_map(|line| line.strip_prefix("    --")).map(str::to_owned);
        let controllers = "service-account-private-key-file=/keys/new key.key".to_owned();
        assert_eq!(shown.collect::<Vec<_>>(), [words, vec![controllers]].concat());
    }
}
