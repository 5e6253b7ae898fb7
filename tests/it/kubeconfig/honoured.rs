//! Fields that have an effect, by what the API server sees.

use super::{Secure, encoded, has, shows};
use crate::support::fake_api::FakeApi;
use crate::support::kubeconfig::{Kubeconfig, address};
use crate::support::relay::{Relay, Speaks};
use crate::support::wait::{until, within};

/// A user whose requests have these headers, and none that begins as one of the others.
async fn assert_sends(user: &str, headers: &[&str]) {
    let secure = Secure::start().await;
    let process = Kubeconfig::new(&secure.cluster(), user).start(&[]);
    let heard = secure.watched(&process).await;
    assert!(!heard.is_empty());
    for heard in heard {
        for header in headers {
            assert!(has(&heard, header), "no {header} in {}", heard.head);
        }
        let sent = heard.head.to_lowercase();
        let own =
            sent.lines().filter(|line| line.starts_with("authorization") || line.starts_with("impersonate"));
        assert_eq!(own.count(), headers.len(), "{}", heard.head);
        assert_eq!(heard.certificate, None);
    }
    let log = process.log().join("\n");
    assert!(!log.contains("s3cret") && !log.contains(&encoded("me:s3cret")), "{log}");
}

#[tokio::test]
async fn the_api_server_is_told_the_token_the_password_or_nothing() {
    assert_sends("token: s3cret", &["authorization: Bearer s3cret"]).await;
    let basic = format!("authorization: Basic {}", encoded("me:s3cret"));
    assert_sends("username: me, password: s3cret", &[&basic]).await;
    assert_sends("extensions: [{name: x, extension: {}}]", &[]).await;
    assert_sends("token: '', username: null", &[]).await;
}

#[tokio::test]
async fn the_api_server_is_told_whom_the_client_stands_for() {
    let user = "as: other, as-uid: '7', as-groups: [a, b], as-user-extra: {Example.com/Scope: [v, w]}, token: s3cret";
    let headers = [
        "authorization: Bearer s3cret",
        "impersonate-user: other",
        "impersonate-uid: 7",
        "impersonate-group: a",
        "impersonate-group: b",
        "impersonate-extra-example.com%2fscope: v",
        "impersonate-extra-example.com%2fscope: w",
    ];
    assert_sends(user, &headers).await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_from_the_kubeconfig_or_from_files_beside_it() {
    for is_file in [false, true] {
        let secure = Secure::start().await;
        let leaf = secure.client("me");
        let user = if is_file {
            "client-certificate: me.crt, client-key: keys/me.key".to_owned()
        } else {
            let (certificate, key) = (encoded(&leaf.certificate_pem), encoded(&leaf.key_pem));
            format!("client-certificate-data: {certificate}, client-key-data: {key}, token: t")
        };
        let kubeconfig = Kubeconfig::new(&secure.cluster(), &user);
        std::fs::create_dir(kubeconfig.path("keys")).unwrap();
        kubeconfig.write("me.crt", &leaf.certificate_pem);
        kubeconfig.write("keys/me.key", &leaf.key_pem);
        let process = kubeconfig.start(&[]);
        let heard = secure.watched(&process).await;
        assert!(
            heard.iter().all(|heard| shows(heard, &leaf) && has(heard, "authorization: Bearer t") != is_file)
        );
    }
}

#[tokio::test]
async fn the_server_is_trusted_by_a_file_by_another_name_or_without_a_look() {
    let secure = Secure::start().await;
    let url = secure.url();
    let kubeconfig = Kubeconfig::new(&format!("server: '{url}', certificate-authority: ca.crt"), "");
    kubeconfig.write("ca.crt", &secure.authority.certificate_pem());
    secure.watched(&kubeconfig.start(&[])).await;

    let secure = Secure::named("kubernetes.example.com").await;
    let named = format!("{}, tls-server-name: kubernetes.example.com", secure.cluster());
    let process = Kubeconfig::new(&named, "").start(&[]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| heard.name.as_deref() == Some("kubernetes.example.com")));
    drop(process);

    let insecure = format!("server: '{}', insecure-skip-tls-verify: true", secure.url());
    secure.watched(&Kubeconfig::new(&insecure, "").start(&[])).await;
}

#[tokio::test]
async fn a_server_without_a_certificate_of_that_name_is_not_asked() {
    let secure = Secure::named("kubernetes.example.com").await;
    let process = Kubeconfig::new(&secure.cluster(), "token: s3cret").start(&[]);
    let line = until("the failure", async || {
        process.log().into_iter().find(|line| line.contains("invalid peer certificate"))
    })
    .await;
    assert!(line.contains("not valid for name"), "{line}");
    assert!(secure.server.heard().is_empty());
    // Without authorities, those of the host count, or those that this variable names.
    let secure = Secure::start().await;
    let kubeconfig = Kubeconfig::new(&format!("server: '{}'", secure.url()), "");
    kubeconfig.write("ca.crt", &secure.authority.certificate_pem());
    let path = kubeconfig.path("ca.crt").display().to_string();
    secure.watched(&kubeconfig.start(&[("SSL_CERT_FILE", path.as_str())])).await;
}

#[tokio::test]
async fn json_and_the_prefix_of_a_url_are_understood() {
    let secure = Secure::start().await;
    let text = format!(
        r#"{{"current-context":"x","contexts":[{{"name":"x","context":{{"cluster":"c","user":"u","namespace":"n",
        "extensions":[]}}}}],"clusters":[{{"name":"c","cluster":{{"server":"{}/prefix/","disable-compression":false,
        "certificate-authority-data":"{}"}}}}],"users":[{{"name":"u","user":{{"token":"t"}}}}],"preferences":{{}}}}"#,
        secure.url(),
        encoded(&secure.authority.certificate_pem()),
    );
    let process = Kubeconfig::text(&text).start(&[]);
    let heard = until("a request", async || secure.server.heard().into_iter().next()).await;
    assert!(heard.head.starts_with("GET /prefix/api/v1/serviceaccounts?"), "{}", heard.head);
    assert!(!heard.head.to_lowercase().contains("accept-encoding"), "{}", heard.head);
    assert!(!process.log().join("\n").contains("not known"), "{:?}", process.log());
}

#[tokio::test]
async fn a_server_in_plain_text_is_told_no_credentials_which_is_logged() {
    let api = FakeApi::start().await;
    let server = Relay::plain(Speaks::Http("200 OK"), address(&api)).await;
    let cluster = format!("server: 'http://{}'", server.address);
    let process = Kubeconfig::new(&cluster, "token: s3cret, as: other").start(&[]);
    within("a watch", api.wait_for_watches(1)).await;
    for heard in server.heard() {
        assert!(has(&heard, "impersonate-user: other"), "{}", heard.head);
        assert!(!heard.head.contains("s3cret"), "{}", heard.head);
    }
    let told = "credentials are not sent to an API server in plain text";
    until(told, async || process.log().iter().any(|line| line.contains(told)).then_some(())).await;
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_logged() {
    let secure = Secure::start().await;
    let process =
        Kubeconfig::new(&format!("{}, proxyUrl: 'http://p'", secure.cluster()), "tokn: s3cret").start(&[]);
    secure.watched(&process).await;
    for field in ["proxyUrl", "tokn"] {
        let is_it = |line: &String| {
            line.contains(&format!("field=\"{field}\"")) || line.contains(&format!("field={field}"))
        };
        let line = until(field, async || process.log().into_iter().find(is_it)).await;
        assert!(line.contains("a field of the kubeconfig is not known and has no effect"), "{line}");
    }
    assert!(!process.log().join("\n").contains("s3cret"));
}
