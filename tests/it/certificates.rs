//! What replicas say of the certificate that they serve.

use pod_identity_webhook::certificates::self_managed::Certificate;

use crate::support::client::get;
use crate::support::process::Process;

#[tokio::test]
async fn served_chain_is_at_the_metrics_port_without_its_key() {
    let process = Process::start(&[]).await;
    let answer = process.admin("/certificate").await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let chain = Certificate::of_bundle(text.as_bytes());
    assert_eq!(chain.len(), 1);
    assert_eq!(text, chain[0].pem(), "nothing but the certificate");
    let expiry = process.metric("pod_identity_webhook_certificate_expiry_timestamp_seconds").await.unwrap();
    #[allow(clippy::cast_precision_loss, reason = "the metric is such a number")]
    let not_after = chain[0].not_after() as f64;
    assert!((expiry - not_after).abs() < 1.0);
    // The webhook's port shows it by its handshake.
    assert_eq!(process.client.send(get("/certificate")).await.status, 404);
}
