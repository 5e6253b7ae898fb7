//! Three who know nothing of the cluster but the published documents verify the tokens that kubelet wrote into pods: the STS, a program
//! with `PyJWT`, and another API server.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{ACCOUNT, and_back, failed};
use crate::harness::asking::{Counts, asking};
use crate::harness::issuer_host::{HOST, ISSUER, IssuerHost, sign};
use crate::harness::registration::await_injection;
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::workload::of_spec;
use crate::harness::{Test, command, eks_client, kubeconfig, until};

const AUDIENCE: &str = "sts.amazonaws.com";

pub async fn three_verifiers_take_pods_tokens_by_what_was_published(test: Test) -> Result<()> {
    let host = IssuerHost::start(&test.cluster).await?;
    let done = judged(&test, &host).await;
    let is_down = test.cluster.verb(&["second-apiserver", "down"]).await;
    and_back(&test, done).await?;
    is_down.map(drop)
}

async fn judged(test: &Test, host: &IssuerHost) -> Result<()> {
    let [first, second] = [host.signer(test, "first").await?, host.signer(test, "second").await?];
    host.publish(test, &[&first], &[]).await?;
    sign(test, &first, &[]).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    test.start_sts().await?;
    host.believed_by_sts(test).await?;
    another_api_server(test, host).await?;
    test.account(ACCOUNT, &[("role-arn", CHECKOUT_ROLE)]).await?;

    let token = token_of_pod(test, "published").await?;
    until("STS gives the pod its role", async || {
        let Counts { calls, failed, errors, .. } = Counts::of(&test.api(), "published").await;
        ensure!(failed == 0, "{errors:?}");
        Ok((calls > 0).then_some(()))
    })
    .await?;
    taken(test, host, &token).await?;
    let (code, report) = host.check(test, &[]).await?;
    ensure!(code == 0 && report["allWell"] == true, "{report:#}");

    // The next key signs before it is published.
    sign(test, &second, &[]).await?;
    await_injection(&test.cluster, &test.namespace).await?;
    let (code, report) = host.check(test, &[]).await?;
    ensure!(code == 1 && failed(&report).contains(&"signature"), "{report:#}");
    let unpublished = token_of_pod(test, "unpublished").await?;
    until("STS refuses the pod", async || {
        let Counts { calls, failed, errors, .. } = Counts::of(&test.api(), "unpublished").await;
        ensure!(failed == calls, "{} of {calls} calls had credentials", calls - failed);
        let words = "Couldn't retrieve verification key from your identity provider";
        Ok(errors.iter().any(|error| error.contains(words)).then_some(()))
    })
    .await?;
    let refused = by_program(host, &unpublished).await?.err().context("PyJWT takes the token")?;
    ensure!(refused.contains("PyJWKClientError"), "{refused}");
    let refused = whoami(&unpublished).await?.err().context("the other API server takes the token")?;
    ensure!(refused.contains("must be logged in"), "{refused}");

    host.publish(test, &[], &[]).await?;
    taken(test, host, &unpublished).await?;
    taken(test, host, &token).await?;
    let before = Counts::of(&test.api(), "unpublished").await;
    until("STS gives the pod its role once its key is published", async || {
        let now = Counts::of(&test.api(), "unpublished").await;
        Ok((now.calls - now.failed > before.calls - before.failed).then_some(()))
    })
    .await?;
    let (code, report) = host.check(test, &[]).await?;
    ensure!(code == 0, "{report:#}");
    Ok(())
}

/// Starts another API server, which takes tokens of the issuer for AWS.
async fn another_api_server(test: &Test, host: &IssuerHost) -> Result<()> {
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": {"url": ISSUER, "certificateAuthority": host.authority, "audiences": [AUDIENCE]},
            "claimMappings": {"username": {"claim": "sub", "prefix": "pod:"}},
        }],
    });
    let hosts = format!("{} {HOST}", host.address);
    test.cluster.verb(&["second-apiserver", "up", &hosts, &configuration.to_string()]).await.map(drop)
}

/// Both who are no STS take it, for the account.
async fn taken(test: &Test, host: &IssuerHost, token: &str) -> Result<()> {
    let subject = format!("system:serviceaccount:{}:{ACCOUNT}", test.namespace);
    match by_program(host, token).await? {
        Ok(claims) => ensure!(claims["sub"] == subject.as_str() && claims["iss"] == ISSUER, "{claims}"),
        Err(refused) => bail!("PyJWT: {refused}"),
    }
    // It reads the documents when it pleases.
    let name = until("the other API server knows the pod", async || Ok(whoami(token).await?.ok())).await?;
    ensure!(name == format!("pod:{subject}"), "{name}");
    Ok(())
}

/// What a program with `PyJWT` makes of a token: its claims, or why it takes it not.
async fn by_program(host: &IssuerHost, token: &str) -> Result<std::result::Result<Value, String>> {
    let folder = eks_client::folder().await?.join("verify");
    let words = [
        format!("PYTHONPATH={}", folder.display()),
        "python3".to_owned(),
        folder.join("verify.py").display().to_string(),
        ISSUER.to_owned(),
        AUDIENCE.to_owned(),
        host.authority_file().display().to_string(),
        host.address.clone(),
    ];
    let output = command::output("env", words, token).await?;
    Ok(if output.code == 0 { Ok(serde_json::from_str(&output.stdout)?) } else { Err(output.stderr) })
}

/// Who the other API server says somebody with this token is.
async fn whoami(token: &str) -> Result<std::result::Result<String, String>> {
    let (address, _) = kubeconfig::api_server().await?;
    let server = format!("--server=https://{address}:6444");
    let token = format!("--token={token}");
    let words = ["auth", "whoami", &server, &token, "--output=jsonpath={.status.userInfo.username}"];
    let output = command::output("kubectl", words, "").await?;
    Ok(if output.code == 0 { Ok(output.stdout) } else { Err(output.stderr) })
}

/// Starts a pod of the account that asks for credentials all the while, and reads the token that kubelet wrote for it.
async fn token_of_pod(test: &Test, name: &str) -> Result<String> {
    let pod = test.create(of_spec(name, &asking(test, ACCOUNT)?)).await?;
    let uid = pod.metadata.uid.context("no uid")?;
    let path = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~projected/aws-iam-token/token");
    until("kubelet has written the pod's token", async || {
        // Nothing is printed until it is there.
        let token =
            test.cluster.verb(&["run", "bash", "-c", "cat \"$0\" 2>/dev/null || true", &path]).await?;
        Ok((!token.is_empty()).then_some(token))
    })
    .await
}
