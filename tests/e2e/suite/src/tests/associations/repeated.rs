//! Calls that are made again because their answer was lost.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::{CLUSTER, Endpoint};
use crate::harness::own_associations::{associations, define, role};
use crate::harness::{Test, kubeconfig, until};

const CREATE: &str = "CreatePodIdentityAssociation";

pub async fn a_create_whose_answer_is_lost_is_done_once(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    let calls = lose_an_answer(&test, kubeconfig.path(), Kind::Boto3, "orders", &role("orders")).await?;
    ensure!(calls == 2, "{calls} calls");
    let made = associations(&test.client, &test.namespace).list(&ListParams::default()).await?.items;
    ensure!(made.len() == 1, "{} associations", made.len());
    Ok(())
}

/// Has a client create an association, of which it gets the second answer alone; how many calls it needed.
pub async fn lose_an_answer(
    test: &Test,
    kubeconfig: &Path,
    kind: Kind,
    account: &str,
    role: &str,
) -> Result<usize> {
    let endpoint = Arc::new(Endpoint::serve(&test.cluster, kubeconfig, &["--plain-http"]).await?);
    let proxy = Proxy::start(endpoint.address()).await?;
    // Of both spellings the clients prefer the small letters.
    let more = [("http_proxy", proxy.url.as_str()), ("no_proxy", ""), ("NO_PROXY", "")];
    let mut client = EksClient::of_endpoint(kind, &endpoint, &more).await?;
    let made = client.done(CREATE, input(test, account, role)).await?;
    ensure!(made["association"]["serviceAccount"] == account, "{made}");
    // The log may be a moment behind the answer.
    until("both calls are in the log", async || Ok(Some(endpoint.calls(CREATE)).filter(|calls| *calls > 1)))
        .await
}

/// The token is in the object, so another endpoint knows of it.
pub async fn a_create_is_repeated_over_a_restart_and_refused_with_other_parameters(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    let input = |role: &str| {
        let mut input = input(&test, "cart", role);
        input["clientRequestToken"] = json!("once-and-for-all");
        input
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut client = EksClient::start(Kind::Boto3, &test.cluster, kubeconfig.path()).await?;
        let made = client.done(CREATE, input(&role("cart"))).await?;
        ids.push(made["association"]["associationId"].clone());
        let refused = client.call(CREATE, input(&role("other"))).await?;
        let refused = refused.err().context("a token was taken again with another role")?;
        ensure!(
            refused.name == "InvalidParameterException"
                && refused.message == "The clientRequestToken was used before with other parameters.",
            "{refused:?}"
        );
        update_again(&mut client, &ids[0]).await?;
    }
    ensure!(ids[0] == ids[1], "{ids:?}");
    Ok(())
}

/// An update with the same token changes nothing the second time, whatever was done in between.
async fn update_again(client: &mut EksClient, id: &Value) -> Result<()> {
    const UPDATE: &str = "UpdatePodIdentityAssociation";
    let update = |disabled: bool| {
        json!({
            "clusterName": CLUSTER, "associationId": id, "clientRequestToken": "once", "disableSessionTags": disabled,
        })
    };
    for _ in 0..2 {
        let updated = client.done(UPDATE, update(true)).await?;
        ensure!(updated["association"]["disableSessionTags"] == true, "{updated}");
    }
    let refused = client.call(UPDATE, update(false)).await?;
    let name = refused.err().map(|refused| refused.name);
    ensure!(name.as_deref() == Some("InvalidParameterException"), "{name:?}");
    Ok(())
}

fn input(test: &Test, account: &str, role: &str) -> Value {
    json!({"clusterName": CLUSTER, "namespace": test.namespace, "serviceAccount": account, "roleArn": role})
}

/// A proxy of one server, which closes the first connection in place of its first answer.
struct Proxy {
    url: String,
    _connections: JoinSet<()>,
}

impl Proxy {
    async fn start(to: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (to, mut tasks) = (to.to_owned(), JoinSet::new());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            let mut is_first = true;
            while let Ok((here, _)) = listener.accept().await {
                connections.spawn(serve(here, to.clone(), is_first));
                is_first = false;
            }
        });
        Ok(Self { url, _connections: tasks })
    }
}

async fn serve(mut here: TcpStream, to: String, loses: bool) -> Result<()> {
    let mut there = TcpStream::connect(to).await?;
    if !loses {
        copy_bidirectional(&mut here, &mut there).await?;
        return Ok(());
    }
    let ((mut read, _write), (mut answer, mut request)) = (here.split(), there.split());
    let mut first = [0];
    tokio::select! {
        // The answer has begun, so the call is done: both connections are dropped with it.
        begun = answer.read(&mut first) => drop(begun?),
        ended = tokio::io::copy(&mut read, &mut request) => drop(ended?),
    }
    Ok(())
}
