//! `exec`: programs that say who the client is.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{Secure, encoded, has, shows};
use crate::support::kubeconfig::Kubeconfig;
use crate::support::wait::until;

const V1: &str = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable";
const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

/// A kubeconfig whose program is a script beside it, of this text.
fn kubeconfig(cluster: &str, exec: &str, script: &str) -> Kubeconfig {
    let kubeconfig = Kubeconfig::new(cluster, &format!("exec: {{command: ./who, {exec}}}"));
    let path = kubeconfig.path("who");
    kubeconfig.write("who", &format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}"));
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    kubeconfig
}

/// An answer of this version with this status.
fn answer(version: &str, status: &Value) -> String {
    json!({ "kind": "ExecCredential", "apiVersion": format!("client.authentication.k8s.io/{version}"), "status": status })
        .to_string()
}

#[tokio::test]
async fn a_program_is_told_of_the_cluster_and_its_token_is_sent() {
    let secure = Secure::start().await;
    let cluster = format!(
        "{}, tls-server-name: localhost, extensions: [{{name: other, extension: 1}}, \
         {{name: client.authentication.k8s.io/exec, extension: {{audience: a}}}}]",
        secure.cluster()
    );
    let exec =
        format!("{V1}, provideClusterInfo: true, args: ['a b', c], env: [{{name: MORE, value: more}}]");
    let script = "printf '%s' \"$KUBERNETES_EXEC_INFO\" > info; echo \"$1,$2,$MORE,$OWN\" > told\necho x >> runs; cat said\n";
    let kubeconfig = kubeconfig(&cluster, &exec, script);
    kubeconfig.write("said", &answer("v1", &json!({ "token": "s3cret" })));
    let process = kubeconfig.start(&[PATH, ("OWN", "own")]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| has(heard, "authorization: Bearer s3cret")));
    let read = |name: &str| std::fs::read_to_string(kubeconfig.path(name)).unwrap();
    assert_eq!(read("told"), "a b,c,more,own\n");
    assert_eq!(read("runs"), "x\n");
    let expected = json!({
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "spec": {
            "interactive": false,
            "cluster": {
                "server": secure.url(),
                "tls-server-name": "localhost",
                "certificate-authority-data": encoded(&secure.authority.certificate_pem()),
                "config": { "audience": "a" },
            },
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&read("info")).unwrap(), expected);
    assert!(!process.log().join("\n").contains("s3cret"));
}

#[tokio::test]
async fn a_program_is_asked_again_once_what_it_said_was_refused() {
    let secure = Secure::start().await;
    // It is of the older version, and says YAML; without provideClusterInfo it is told of no cluster.
    let script = "echo x >> runs; printf '%s' \"$KUBERNETES_EXEC_INFO\" > info\ncat <<END\nkind: ExecCredential\n\
                  apiVersion: client.authentication.k8s.io/v1beta1\nstatus: {token: t$(wc -l < runs)}\nEND\n";
    let kubeconfig =
        kubeconfig(&secure.cluster(), "apiVersion: client.authentication.k8s.io/v1beta1", script);
    let process = kubeconfig.start(&[PATH]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| has(heard, "authorization: Bearer t1")));
    let info = std::fs::read_to_string(kubeconfig.path("info")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&info).unwrap()["spec"], json!({ "interactive": false }));
    secure.server.want("Bearer t2");
    secure.hears("the new token", |heard| has(heard, "authorization: Bearer t2")).await;
    secure.watched(&process).await;
}

#[tokio::test]
async fn a_program_may_give_a_certificate_and_another_one_once_it_has_expired() {
    let secure = Secure::start().await;
    let status = |leaf: &pod_identity_webhook::certificates::Leaf, expires: Option<&str>| {
        let mut status =
            json!({ "clientCertificateData": leaf.certificate_pem, "clientKeyData": leaf.key_pem });
        if let Some(expires) = expires {
            status["expirationTimestamp"] = json!(expires);
        }
        answer("v1", &status)
    };
    let (old, new) = (secure.client("old"), secure.client("new"));
    let kubeconfig = kubeconfig(&secure.cluster(), V1, "cat said\n");
    kubeconfig.write("said", &status(&old, Some("2020-01-01T00:00:00Z")));
    let process = kubeconfig.start(&[PATH]);
    let heard = secure.watched(&process).await;
    assert!(
        heard.iter().all(|heard| shows(heard, &old) && !heard.head.to_lowercase().contains("authorization"))
    );
    kubeconfig.write("said", &status(&new, None));
    secure.hears("the new certificate", |heard| shows(heard, &new)).await;
}

#[tokio::test]
async fn a_program_that_says_nothing_of_use_is_named_in_the_log_and_not_quoted() {
    for (command, script, why) in [
        ("./who", "echo s3cret; exit 3", "it failed with exit status: 3"),
        ("./who", "echo s3cret", "it did not say an ExecCredential"),
        ("./who", "head -c 1048577 /dev/zero", "it said more than 1 MiB"),
        ("./none", "", "there is no such program; get it at https://example.com/who"),
        ("no-such-program", "", "there is no such program; get it at https://example.com/who"),
    ] {
        let secure = Secure::start().await;
        let exec = format!("{V1}, installHint: 'get it at https://example.com/who'");
        let kubeconfig = kubeconfig(&secure.cluster(), &exec, script);
        let text = std::fs::read_to_string(kubeconfig.path("config")).unwrap();
        kubeconfig.write("config", &text.replace("./who", command));
        let process = kubeconfig.start(&[PATH]);
        let line = until(why, async || process.log().into_iter().find(|line| line.contains(why))).await;
        assert!(line.contains("failed to get credentials from the exec command "), "{line}");
        assert!(line.contains(command.trim_start_matches('.')), "{line}");
        assert!(!process.log().iter().any(|line| line.contains("s3cret")));
        assert!(secure.server.heard().is_empty());
    }
}

#[tokio::test]
async fn a_program_is_not_run_where_there_are_other_credentials() {
    let secure = Secure::start().await;
    let user = format!("token: s3cret, exec: {{command: touch, args: [ran], {V1}}}");
    let process = Kubeconfig::new(&secure.cluster(), &user).start(&[PATH]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| has(heard, "authorization: Bearer s3cret")));
    let told = "the kubeconfig's exec is not run: its user has other credentials too";
    until(told, async || process.log().iter().any(|line| line.contains(told)).then_some(())).await;
}
