//! The chart's publisher in a pod: it reads the API server's keys as its ServiceAccount, without a right of its own.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::harness::issuer_host::ISSUER;
use crate::harness::release::Release;
use crate::harness::{Test, command, until};

pub async fn a_pod_of_the_chart_publishes_what_the_api_server_has(test: Test) -> Result<()> {
    let values = json!({
        "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": test.namespace}}},
        "issuer": {
            "enabled": true,
            "url": ISSUER,
            "to": "/srv/www",
            "interval": "1s",
            "volumes": [{"name": "www", "emptyDir": {}}],
            "volumeMounts": [{"name": "www", "mountPath": "/srv/www"}],
        },
    });
    let release = Release::install(&test.cluster, "publisher", &test.namespace, &values).await?;
    let done = published(&test, &release).await;
    release.uninstall().await?;
    done
}

async fn published(test: &Test, release: &Release) -> Result<()> {
    let keys: Value = serde_json::from_str(&command::kubectl(["get", "--raw", "/openid/v1/jwks"]).await?)?;
    let count = keys["keys"].as_array().context("no keys")?.len();
    let [deployment, namespace] =
        [format!("deployment/{}-issuer", release.fullname()), format!("--namespace={}", test.namespace)];
    let line = until("the publisher has published", async || {
        // There is no log before the container runs.
        let output = command::output("kubectl", ["logs", &deployment, &namespace], "").await?;
        Ok(output.stdout.lines().find(|line| line.contains(" INFO published ")).map(str::to_owned))
    })
    .await?;
    ensure!(line.contains(&format!("keys={count} ")), "{count} keys: {line}");
    Ok(())
}
