//! Which cluster a command on a user's machine asks: found as kubectl finds it.

use std::path::{Path, PathBuf};

use pod_identity_webhook::certificates::Authority;
use pod_identity_webhook::kubernetes::{Environment, UserCluster, UserClusterSettings};
use tempfile::TempDir;

use super::encoded;

/// A folder with kubeconfigs.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, whose folder is made too.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig with the context, the cluster and the user of this name.
    fn config(&self, file: &str, name: &str) -> PathBuf {
        self.write(file, &format!("current-context: {name}\n{}", named(name)))
    }

    /// What is said of a cluster that cannot be used, without the folder's path.
    async fn refused(&self, settings: UserClusterSettings, environment: Environment) -> String {
        let error = UserCluster::find(settings, environment).await.unwrap_err().to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn named(name: &str) -> String {
    format!(
        "clusters: [{{name: {name}, cluster: {{server: 'https://{name}:6443'}}}}]\n\
         users: [{{name: {name}, user: {{}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: of-{name}}}}}]\n"
    )
}

fn variable(files: &[&Path]) -> Environment {
    Environment { kubeconfig: Some(std::env::join_paths(files).unwrap()), home: None }
}

async fn found(settings: UserClusterSettings, environment: Environment) -> UserCluster {
    UserCluster::find(settings, environment).await.unwrap()
}

#[tokio::test]
async fn a_flag_comes_before_the_variable_and_that_before_the_home_folder() {
    let folder = Folder::new();
    let (flag, environment) = (folder.config("flag", "flag"), folder.config("variable", "variable"));
    folder.config(".kube/config", "home");
    let home = Some(folder.path(""));
    let both = Environment { home: home.clone(), ..variable(&[&environment]) };
    let by_flag = UserClusterSettings { kubeconfig: Some(flag), ..UserClusterSettings::default() };
    let empty = Environment { kubeconfig: Some(String::new().into()), home };
    for (settings, environment, name) in [
        (by_flag, both.clone(), "flag"),
        (UserClusterSettings::default(), both, "variable"),
        (UserClusterSettings::default(), empty, "home"),
    ] {
        let cluster = found(settings, environment).await;
        assert_eq!(cluster.server, format!("https://{name}:6443"));
        assert_eq!(cluster.cluster_name.as_deref(), Some(name));
        assert_eq!(cluster.namespace, format!("of-{name}"));
        assert_eq!(cluster.authority_pem, None);
    }
}

#[tokio::test]
async fn a_context_is_named_and_has_the_namespace_default_if_it_has_none() {
    let folder = Folder::new();
    let other = "- {name: other, context: {cluster: c}}\n";
    let text = named("c").replace("contexts: [", "contexts:\n- ").replace("}}]\n", "}}\n");
    let text = text.replace("clusters: [", "clusters:\n- ").replace("users: [", "users:\n- ");
    let text = text.replace("{}}]", "{}}") + other;
    let config = folder.write("config", &format!("current-context: c\n{text}"));
    let settings = UserClusterSettings {
        context: Some("other".to_owned()),
        server: Some("https://10.0.0.1:1/".parse().unwrap()),
        ..UserClusterSettings::default()
    };
    let cluster = found(settings, variable(&[&config])).await;
    assert_eq!((cluster.namespace.as_str(), cluster.server.as_str()), ("default", "https://10.0.0.1:1"));
}

#[tokio::test]
async fn of_each_name_the_first_file_counts_and_of_those_after_it_nothing() {
    let folder = Folder::new();
    // The first has a cluster, the second another of that name, the user and the current context.
    let first = folder.write(
        "one/config",
        "clusters: [{name: c, cluster: {server: 'https://first', certificate-authority: ca.crt}}]\n",
    );
    let pem = Authority::new().unwrap().certificate_pem();
    folder.write("one/ca.crt", &pem);
    let second = folder.write(
        "two/config",
        "current-context: x\nclusters: [{name: c, cluster: {server: 'https://second', tls-server-name: 's'}}]\n\
         users: [{name: u, user: {tokenFile: token}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n",
    );
    folder.write("two/token", "s3cret");
    let third = folder.write("three", "current-context: z\nusers: [{name: u, user: {tokenFile: none}}]\n");
    let missing = folder.path("missing");
    let cluster =
        found(UserClusterSettings::default(), variable(&[&missing, &first, &second, Path::new(""), &third]));
    let cluster = cluster.await;
    assert_eq!((cluster.server.as_str(), cluster.namespace.as_str()), ("https://first", "default"));
    assert_eq!(cluster.authority_pem.as_deref(), Some(pem.as_bytes()));
}

#[tokio::test]
async fn the_authorities_that_are_written_into_the_kubeconfig_are_told() {
    let folder = Folder::new();
    let data = format!("server: 'https://c:6443', certificate-authority-data: {}", encoded("PEM"));
    let text = named("c").replace("server: 'https://c:6443'", &data);
    let config = folder.write("config", &format!("current-context: c\n{text}"));
    let error = folder.refused(UserClusterSettings::default(), variable(&[&config])).await;
    assert_eq!(error, "failed to use the kubeconfig config: its certificate-authority has no certificate");
    let pem = Authority::new().unwrap().certificate_pem();
    let config = folder
        .write("config", &format!("current-context: c\n{}", text.replace(&encoded("PEM"), &encoded(&pem))));
    let cluster = found(UserClusterSettings::default(), variable(&[&config])).await;
    assert_eq!(cluster.authority_pem, Some(pem.into_bytes()));
}

#[tokio::test]
async fn what_cannot_be_used_is_said_with_its_file_and_what_to_do() {
    let folder = Folder::new();
    let nothing = UserClusterSettings::default;
    let context = |name: &str| UserClusterSettings { context: Some(name.to_owned()), ..nothing() };
    let (one, two) = (folder.config("one", "one"), folder.write("two", "kind: Other\n"));
    let (twice, empty) =
        (folder.write("twice", "users: [{name: one}, {name: one}]\n"), folder.write("empty", ""));
    let (missing, home) = (folder.path("missing"), Some(folder.path("")));
    let flag = UserClusterSettings { kubeconfig: Some(missing.clone()), ..nothing() };
    for (settings, environment, expected) in [
        (
            nothing(),
            Environment::default(),
            "there is no cluster to ask: give --kubeconfig, set the variable KUBECONFIG, or write ~/.kube/config",
        ),
        (
            nothing(),
            Environment { home, ..Environment::default() },
            "there is no cluster to ask: give --kubeconfig, set the variable KUBECONFIG, or write ~/.kube/config",
        ),
        (
            context("x"),
            Environment::default(),
            "there is no kubeconfig that could have the context \"x\": give --kubeconfig or set the variable KUBECONFIG",
        ),
        (
            flag,
            Environment::default(),
            "failed to use the kubeconfig missing: it cannot be read: No such file or directory (os error 2)",
        ),
        (
            nothing(),
            variable(&[&missing]),
            "the variable KUBECONFIG names no file that exists: missing; correct it, or unset it to use ~/.kube/config",
        ),
        (
            nothing(),
            variable(&[&one, &two]),
            "failed to use the kubeconfig two: it is \"Other\" of \"\": only Config of v1 is supported",
        ),
        (
            nothing(),
            variable(&[&twice, &one]),
            "failed to use the kubeconfig twice: it has two users with the name \"one\": remove one",
        ),
        (
            nothing(),
            variable(&[&empty]),
            "failed to use the kubeconfig empty: it has no current-context: set one, for instance with kubectl config use-context, or give --context",
        ),
        (
            context("x"),
            variable(&[&one, &empty]),
            "failed to use the kubeconfig one, empty: its context \"x\" is not in it: 'kubectl config get-contexts' lists what is, for --context",
        ),
    ] {
        assert_eq!(folder.refused(settings, environment).await, expected);
    }
}
