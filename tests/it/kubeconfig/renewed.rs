//! Files that a kubeconfig names and that change: what is said after that is what they say then, without a new start.

use injection::AccountName;
use pod_identity_webhook::certificates::Authority;
use pod_identity_webhook::kubernetes::{self, ConnectionChoice};

use super::{Secure, encoded, has, shows};
use crate::support::fake_api::FakeApi;
use crate::support::kubeconfig::{Kubeconfig, address};
use crate::support::relay::{Relay, Speaks};
use crate::support::wait::until;

const NOT_READ: &str = "files for TLS with the API server not read again";

#[tokio::test]
async fn a_client_certificate_that_was_replaced_is_shown_and_half_a_pair_is_not() {
    let secure = Secure::start().await;
    let (old, new) = (secure.client("old"), secure.client("new"));
    let kubeconfig = Kubeconfig::new(&secure.cluster(), "client-certificate: me.crt, client-key: me.key");
    kubeconfig.write("me.crt", &old.certificate_pem);
    kubeconfig.write("me.key", &old.key_pem);
    let process = kubeconfig.start(&[]);
    secure.watched(&process).await;

    kubeconfig.write("me.crt", &new.certificate_pem);
    let complaints = || process.log().iter().filter(|line| line.contains(NOT_READ)).count();
    until("half a pair is noticed", async || {
        secure.api.drop_watches();
        (complaints() > 0).then_some(())
    })
    .await;
    // The last good pair goes on to be shown, and is not complained of again.
    let so_far = secure.server.heard().len();
    until("more requests", async || {
        secure.api.drop_watches();
        (secure.server.heard().len() > so_far + 4).then_some(())
    })
    .await;
    assert!(secure.server.heard().iter().all(|heard| shows(heard, &old)));
    assert_eq!(complaints(), 1);

    kubeconfig.write("me.key", &new.key_pem);
    secure.hears("the new certificate", |heard| shows(heard, &new)).await;
    let replaced = "certificates for TLS with the API server replaced";
    until("a line of the log", async || {
        process.log().iter().any(|line| line.contains(replaced)).then_some(())
    })
    .await;
    let log = process.log().join("\n");
    assert_eq!(log.matches(replaced).count(), 1, "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test]
async fn a_connection_that_was_kept_is_not_used_after_the_certificate_was_replaced() {
    let (api, authority) = (FakeApi::start().await, Authority::new().unwrap());
    let leaf = authority.leaf(&["localhost".to_owned()]).unwrap();
    let server = Relay::tls(Speaks::Kept, address(&api), &authority, &leaf).await;
    let (old, new) = (authority.client("old").unwrap(), authority.client("new").unwrap());
    let cluster = format!(
        "server: 'https://localhost:{}', certificate-authority-data: {}",
        server.address.port(),
        encoded(&authority.certificate_pem())
    );
    let kubeconfig = Kubeconfig::new(&cluster, "client-certificate: me.crt, client-key: me.key");
    kubeconfig.write("me.crt", &old.certificate_pem);
    kubeconfig.write("me.key", &old.key_pem);
    let client = kubernetes::client(Some(&kubeconfig.path("config")), None).await.unwrap();
    let ask = async || {
        let account = AccountName { namespace: "shop", name: "orders" };
        let found = kubernetes::service_account(&client, account, ConnectionChoice::Any).await;
        assert!(found.unwrap().is_none());
    };
    ask().await;
    ask().await;
    assert_eq!(server.heard().len(), 1, "the connection is kept");
    kubeconfig.write("me.key", &new.key_pem);
    kubeconfig.write("me.crt", &new.certificate_pem);
    until("another connection", async || {
        ask().await;
        (server.heard().len() > 1).then_some(())
    })
    .await;
    ask().await;
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert!(shows(&heard[0], &old) && shows(&heard[1], &new));
}

#[tokio::test]
async fn authorities_that_were_replaced_are_trusted() {
    let secure = Secure::start().await;
    let stranger = Authority::new().unwrap().certificate_pem();
    let kubeconfig =
        Kubeconfig::new(&format!("server: '{}', certificate-authority: ca.crt", secure.url()), "");
    kubeconfig.write("ca.crt", &stranger);
    let process = kubeconfig.start(&[]);
    until("the server is not trusted", async || {
        process.log().iter().any(|line| line.contains("invalid peer certificate")).then_some(())
    })
    .await;
    assert!(secure.server.heard().is_empty());
    kubeconfig.write("ca.crt", "");
    until("an empty file is noticed", async || {
        process
            .log()
            .iter()
            .any(|line| line.contains("its certificate-authority has no certificate"))
            .then_some(())
    })
    .await;
    kubeconfig.write("ca.crt", &format!("{stranger}{}", secure.authority.certificate_pem()));
    secure.watched(&process).await;
}

#[tokio::test]
async fn a_token_is_read_again_once_it_was_refused_and_comes_before_a_written_one() {
    let secure = Secure::start().await;
    let kubeconfig = Kubeconfig::new(&secure.cluster(), "tokenFile: token, token: written");
    // The line break at its end is none of the token.
    kubeconfig.write("token", "first\n");
    let process = kubeconfig.start(&[]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| has(heard, "authorization: Bearer first")));

    secure.server.want("Bearer second");
    kubeconfig.write("token", "");
    secure.api.drop_watches();
    until("the empty file is noticed", async || {
        process.log().iter().any(|line| line.contains("token not read again")).then_some(())
    })
    .await;
    kubeconfig.write("token", "second\n");
    secure.hears("the new token", |heard| has(heard, "authorization: Bearer second")).await;
    secure.watched(&process).await;
    let heard = secure.server.heard();
    assert!(!heard.iter().any(|heard| has(heard, "authorization: Bearer written")));
    assert!(!process.log().join("\n").contains("Bearer"));
    drop(process);

    let secure = Secure::start().await;
    let process = Kubeconfig::new(&secure.cluster(), "tokenFile: none, token: written").start(&[]);
    let heard = secure.watched(&process).await;
    assert!(heard.iter().all(|heard| has(heard, "authorization: Bearer written")));
    assert!(!process.log().join("\n").contains(&encoded("written")));
}
