//! Fields that cannot be used: the start ends, and says which and what to do.

use pod_identity_webhook::certificates::Authority;

use super::encoded;
use crate::support::kubeconfig::Kubeconfig;

const CLUSTER: &str = "server: 'https://k'";

/// What is said of a kubeconfig with this cluster and this user.
#[track_caller]
fn assert_refused(cluster: &str, user: &str, expected: &str) {
    let kubeconfig = Kubeconfig::new(cluster, user);
    let said = kubeconfig.refused(&[]);
    assert_eq!(
        said.replace(&format!("{}/", kubeconfig.path("").display()).replace("//", "/"), ""),
        expected,
        "{cluster} {user}"
    );
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn of_a_cluster() {
    let data = encoded(&Authority::new().unwrap().certificate_pem());
    let rows = [
        ("tls-server-name: x", "its server is missing"),
        ("server: 'k:6443'", "its server is not a URL such as https://10.0.0.1:6443"),
        ("server: 'ftp://k'", "its server is not a URL such as https://10.0.0.1:6443"),
        (
            "server: 'https://me:s3cret@k'",
            "its server has a user or a password: write them as username and password of the user",
        ),
        ("server: 5", "its server is not a text: put it in quotes"),
        (
            "server: 'https://k', tls-server-name: 'a b'",
            "its tls-server-name is not a name that a certificate can have",
        ),
        (
            "server: 'https://k', insecure-skip-tls-verify: 'true'",
            "its insecure-skip-tls-verify is not true or false",
        ),
        ("server: 'https://k', disable-compression: 1", "its disable-compression is not true or false"),
        (
            "server: 'https://k', certificate-authority-data: '!'",
            "its certificate-authority-data is not base64",
        ),
        (
            "server: 'https://k', certificate-authority-data: czNjcmV0",
            "its certificate-authority has no certificate",
        ),
        (
            "server: 'https://k', certificate-authority: none.crt",
            "its certificate-authority none.crt cannot be read: No such file or directory (os error 2)",
        ),
    ];
    for (cluster, expected) in rows {
        assert_refused(cluster, "", expected);
    }
    let both = format!("{CLUSTER}, certificate-authority: ca.crt, certificate-authority-data: {data}");
    assert_refused(&both, "", "it has both certificate-authority and certificate-authority-data: remove one");
    let insecure = format!("{CLUSTER}, insecure-skip-tls-verify: true, certificate-authority-data: {data}");
    assert_refused(
        &insecure,
        "",
        "it has both insecure-skip-tls-verify and certificate-authority-data: remove one",
    );
    let insecure = format!("{CLUSTER}, insecure-skip-tls-verify: true, certificate-authority: ca.crt");
    assert_refused(
        &insecure,
        "",
        "it has both insecure-skip-tls-verify and certificate-authority: remove one",
    );
}

#[test]
fn of_a_user() {
    let leaf = Authority::new().unwrap().client("me").unwrap();
    let (certificate, key) = (encoded(&leaf.certificate_pem), encoded(&leaf.key_pem));
    let other = encoded(&Authority::new().unwrap().client("other").unwrap().key_pem);
    let rows = [
        ("token: s3cret, username: me", "it has both token and username and password: remove one"),
        (
            "tokenFile: t, username: me, password: s3cret",
            "it has both tokenFile and username and password: remove one",
        ),
        ("password: s3cret", "it has password without username"),
        ("token: \"s3cret\\n\"", "its token has characters that no token has, such as a line break"),
        ("tokenFile: none", "its tokenFile none cannot be used: No such file or directory (os error 2)"),
        ("client-certificate: a.crt", "it has client-certificate without client-key"),
        ("client-key: a.key", "it has client-key without client-certificate"),
        ("as-uid: x", "it has as-uid without as"),
        ("as-groups: [x]", "it has as-groups without as"),
        ("as-user-extra: {x: [z]}", "it has as-user-extra without as"),
        ("as: \"s3cret\\n\"", "its as-fields have characters that no header can have"),
        ("as: x, as-groups: z", "its as-groups is not a list of texts"),
        ("as: x, as-user-extra: {x: z}", "its as-user-extra is not lists of texts by name"),
        (
            "auth-provider: {name: oidc, config: {id-token: s3cret}}",
            "its auth-provider is not supported, as in the Go webhook: use exec, a token or a client certificate",
        ),
    ];
    for (user, expected) in rows {
        assert_refused(CLUSTER, user, expected);
    }
    let both =
        format!("client-certificate-data: {certificate}, client-certificate: a, client-key-data: {key}");
    assert_refused(CLUSTER, &both, "it has both client-certificate and client-certificate-data: remove one");
    let both = format!("client-certificate-data: {certificate}, client-key: a, client-key-data: {key}");
    assert_refused(CLUSTER, &both, "it has both client-key and client-key-data: remove one");
    let pair = |certificate: &str, key: &str| {
        format!("client-certificate-data: {certificate}, client-key-data: {key}")
    };
    let mismatch =
        "its client-certificate and client-key do not match: keys may not be consistent: KeyMismatch";
    assert_refused(CLUSTER, &pair(&certificate, &other), mismatch);
    assert_refused(CLUSTER, &pair("czNjcmV0", &key), "its client-certificate has no certificate in PEM");
    assert_refused(CLUSTER, &pair(&certificate, "czNjcmV0"), "its client-key has no private key in PEM");
}

#[test]
fn of_a_program() {
    let with = |more: &str| format!("exec: {{command: x, {more}}}");
    let v1 = "apiVersion: client.authentication.k8s.io/v1";
    let rows = [
        (format!("exec: {{{v1}, interactiveMode: Never}}"), "its exec.command is missing"),
        (
            with("interactiveMode: Never"),
            "its exec.apiVersion is not client.authentication.k8s.io/v1 or v1beta1: write what the program's version says",
        ),
        (
            with("apiVersion: client.authentication.k8s.io/v1alpha1, interactiveMode: Never"),
            "its exec.apiVersion is not client.authentication.k8s.io/v1 or v1beta1: write what the program's version says",
        ),
        (with(v1), "its exec.interactiveMode is missing: write Never"),
        (
            with(&format!("{v1}, interactiveMode: never")),
            "its exec.interactiveMode is not Never, IfAvailable or Always",
        ),
        (
            with(&format!("{v1}, interactiveMode: Always")),
            "its exec.interactiveMode is Always, but nobody is there to be asked: write Never if the program can do without",
        ),
        (
            with(&format!("{v1}, interactiveMode: Never, env: [{{value: s3cret}}]")),
            "its exec.env has a variable without a name, or with one that no variable can have",
        ),
        (with("args: x"), "its exec.args is not a list of texts"),
        (with("env: {A: s3cret}"), "its exec.env is not a list of mappings"),
        (with("provideClusterInfo: 'yes'"), "its exec.provideClusterInfo is not true or false"),
        ("exec: x".to_owned(), "its exec is not a mapping"),
    ];
    for (user, expected) in rows {
        assert_refused(CLUSTER, &user, expected);
    }
}

#[test]
fn of_the_file() {
    let rows = [
        ("", "it has no current-context: set one, for instance with kubectl config use-context"),
        ("current-context: x", "its current-context \"x\" is not in it"),
        ("kind: Pod\napiVersion: v1", "it is \"Pod\" of \"v1\": only Config of v1 is supported"),
        ("kind: Config\napiVersion: v2", "it is \"Config\" of \"v2\": only Config of v1 is supported"),
        ("kind: Config\n---\nkind: Config", "it has more than one YAML document: leave one"),
        ("- s3cret", "it is not YAML or JSON of a kubeconfig: it is not a mapping"),
        ("a: s3cret: b", "it is not YAML or JSON of a kubeconfig: line 1, column 10"),
        ("contexts: {}", "its contexts is not a list of mappings"),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]",
            "its cluster \"c\" is not in it",
        ),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: \
             {server: 'https://k'}}]",
            "its user \"u\" is not in it",
        ),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}, {name: x}]",
            "it has two contexts with the name \"x\": remove one",
        ),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c}, {name: c}]",
            "it has two clusters with the name \"c\": remove one",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(Kubeconfig::text(text).refused(&[]), expected, "{text}");
    }
    // The largest file says nothing, and a larger one is not read.
    let largest = "#".repeat(8 << 20);
    assert!(Kubeconfig::text(&largest).refused(&[]).starts_with("it has no current-context"));
    assert_eq!(Kubeconfig::text(&(largest + "#")).refused(&[]), "it cannot be read: larger than 8 MiB");
}
