//! The client of the Kubernetes API, made so that a dead connection is noticed.

use std::path::Path;
use std::time::Duration;

use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client as HttpClient, Error as HttpError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::{Service, ServiceBuilder, service_fn};

use super::connector::Connector;
use super::proxy::{Proxy, ProxyError};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// How long sent bytes may stay unacknowledged, and how often an idle connection is probed: a peer
/// that vanished is noticed in twice this time instead of the kernel's quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Connections that are kept for the next request: as many as there are look-ups at the same time, which would
/// otherwise open a connection each.
pub(crate) const IDLE_CONNECTIONS: usize = 32;

/// How long connections are kept. One that died without a word, for instance behind a load balancer that forgot
/// it, is not noticed before it is used: a look-up that hears nothing is then made again with [`NewConnection`].
const IDLE_TIME: Duration = Duration::from_secs(10);

/// Marks a request, among its extensions, that must not take a connection that was kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewConnection;

/// Why no client could be made. The start fails with it: the arguments or the pod are wrong.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig cannot be used.
    #[error("failed to use --kubeconfig {path}: {source}")]
    Kubeconfig {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: kube::config::KubeconfigError,
    },
    /// The kubeconfig's proxy cannot be used.
    #[error("failed to use --kubeconfig {path}: {source}")]
    Proxy {
        /// The kubeconfig's path.
        path: String,
        /// What is wrong with its proxy.
        source: ProxyError,
    },
    /// The configuration that Kubernetes mounts into a pod cannot be read.
    #[error(
        "failed to read the in-cluster configuration: {0}; outside a cluster, give --kubeconfig or --manifests"
    )]
    InCluster(#[source] kube::config::InClusterError),
    /// The configuration asks for what the client cannot do.
    #[error("failed to set up the Kubernetes client: {0}")]
    Client(#[source] kube::Error),
}

/// A client for the cluster of a kubeconfig, or the one this runs in; `server` replaces the
/// configuration's URL.
pub async fn client(kubeconfig: Option<&Path>, server: Option<&http::Uri>) -> Result<Client, ClientError> {
    let mut proxy = None;
    let mut config = match (kubeconfig, server) {
        (Some(path), _) => {
            let (config, named) = from_file(path).await?;
            proxy = named;
            config
        }
        // Go's client takes a bare --kube-api as a whole configuration; inside a cluster it keeps
        // the pod's credentials.
        (None, Some(server)) => Config::incluster().unwrap_or_else(|_| Config::new(server.clone())),
        (None, None) => Config::incluster().map_err(ClientError::InCluster)?,
    };
    if let Some(server) = server {
        config.cluster_url = server.clone();
    }
    connect(config, proxy).map_err(ClientError::Client)
}

async fn from_file(path: &Path) -> Result<(Config, Option<Proxy>), ClientError> {
    let failed = |source| ClientError::Kubeconfig { path: path.display().to_string(), source };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    let proxy = Proxy::of(&kubeconfig)
        .map_err(|source| ClientError::Proxy { path: path.display().to_string(), source })?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Ok((config.map_err(failed)?, proxy))
}

/// kube's own stack with another connector: the default notices a dead peer after five minutes and retries by
/// itself, which would eat the budget of a look-up.
///
/// The configuration's own proxy is not used: kube takes it from `HTTPS_PROXY` too.
fn connect(mut config: Config, proxy: Option<Proxy>) -> Result<Client, kube::Error> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_keepalive(Some(UNACKNOWLEDGED));
    // The kernel looks at the limit below when the next probe is due: by default after 75 s.
    connector.set_keepalive_interval(Some(UNACKNOWLEDGED));
    connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let connector = Connector::new(connector, &config.cluster_url, proxy.as_ref());
    if let (Some(value), true) = (proxy.and_then(|proxy| proxy.authorization), connector.is_forwarding()) {
        config.headers.push((PROXY_AUTHORIZATION, value));
    }
    let https = config.rustls_https_connector_with_connector(connector)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .service(pools(&https));
    Ok(Client::new(service, config.default_namespace))
}

/// Sends a request on a connection that was kept, if there is one, unless it is marked [`NewConnection`].
fn pools<C>(
    connector: &C,
) -> impl Service<Request<Body>, Response = Response<Incoming>, Error = HttpError, Future: Send> + Clone + use<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let pool = |size| {
        HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(size)
            .build::<_, Body>(connector.clone())
    };
    let (kept, fresh) = (pool(IDLE_CONNECTIONS), pool(0));
    service_fn(move |request: Request<Body>| {
        if request.extensions().get::<NewConnection>().is_some() {
            fresh.request(request)
        } else {
            kept.request(request)
        }
    })
}
