//! The AWS SDK's configuration: region, credentials and endpoints from the environment, profiles, a web identity, a
//! container's or an instance's endpoint; and whom its connections trust.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_sts::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How long before they expire the credentials are renewed. The SDK takes up to half of it off, at random
/// each time; the rest is longer than from poll to poll, so a poll waits for new credentials, not a pod.
const RENEWAL: Duration = Duration::from_mins(3);

/// TLS with AWS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up TLS with AWS: {0}")]
pub(crate) struct TlsError(String);

/// What is read from the environment; more can be set before it is loaded.
///
/// # Errors
/// TLS cannot be set up.
pub(crate) fn environment() -> Result<ConfigLoader, TlsError> {
    Ok(aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client()?)
        .identity_cache(IdentityCache::lazy().buffer_time(RENEWAL).build()))
}

/// The SDK's own HTTP client with other trusted roots: by itself it knows only the host's.
fn http_client() -> Result<SharedHttpClient, TlsError> {
    let tls = tls()?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| built(&tls, settings, components)))
}

/// What sends requests that the SDK does not make by itself, as it sends its own: the same roots, the same proxies. It has
/// no limit of time.
///
/// # Errors
/// TLS cannot be set up.
pub(crate) fn connector() -> Result<Connector, TlsError> {
    Ok(built(&tls()?, None, None))
}

fn built(
    tls: &TlsContext,
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> Connector {
    let mut connector = ConnectorBuilder::default()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls.clone())
        .proxy_config(ProxyConfig::from_env());
    connector.set_connector_settings(settings.cloned());
    connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    connector.build()
}

fn tls() -> Result<TlsContext, TlsError> {
    let tls = TlsContext::builder().with_trust_store(roots()).build();
    tls.map_err(|error| TlsError(error.to_string()))
}

/// The host's roots, if `SSL_CERT_FILE` or the system has some: an operator who gives roots means them alone.
/// Otherwise Mozilla's, because the image is one file.
fn roots() -> TrustStore {
    if !rustls_native_certs::load_native_certs().certs.is_empty() {
        return TrustStore::default();
    }
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .fold(TrustStore::empty(), |roots, root| roots.with_pem_certificate(pem(root)))
}

/// A certificate in PEM, as the SDK takes it.
fn pem(certificate: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}
