//! The client of the Kubernetes API, made so that a dead connection is noticed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::pki_types::ServerName;
use tower::{BoxError, ServiceBuilder, service_fn};

use super::access::{Access, InPodError};
use super::connector::{Connector, Tls};
use super::credentials::Credentials;
use super::environment;
use super::kubeconfig::{self, KubeconfigError};
use super::proxy::{Protocol, Proxy, ProxyError};
use super::renewed::Renewed;
use super::tls::{Handshake, TlsSources};

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
        source: KubeconfigError,
    },
    /// The environment's proxy cannot be used.
    #[error("failed to use a proxy for the API server: {0}")]
    Proxy(#[source] ProxyError),
    /// The configuration that Kubernetes mounts into a pod cannot be read.
    #[error(
        "failed to read the in-cluster configuration: {0}; outside a cluster, give --kubeconfig or --manifests"
    )]
    InCluster(#[source] InPodError),
    /// The configuration asks for what the client cannot do.
    #[error("failed to set up the Kubernetes client: {0}")]
    Client(String),
}

/// A client for the cluster of a kubeconfig, or the one this runs in; `server` replaces the
/// configuration's URL.
pub async fn client(kubeconfig: Option<&Path>, server: Option<&Uri>) -> Result<Client, ClientError> {
    let (kubeconfig, server) = (kubeconfig.map(Path::to_owned), server.cloned());
    // Files are read.
    let making = spawn_blocking(move || make(kubeconfig.as_deref(), server));
    making.await.map_err(|error| ClientError::Client(error.to_string()))?
}

fn make(kubeconfig: Option<&Path>, server: Option<Uri>) -> Result<Client, ClientError> {
    let failed = |source| match kubeconfig {
        Some(path) => ClientError::Kubeconfig { path: path.display().to_string(), source },
        None => ClientError::Client(source.to_string()),
    };
    let access = match kubeconfig {
        Some(path) => kubeconfig::read(path, server.as_ref()).map_err(failed)?,
        None => without_kubeconfig(server.as_ref()).map_err(ClientError::InCluster)?,
    };
    let access = through_proxy(access, server).map_err(ClientError::Proxy)?;
    connect(access).map_err(|why| failed(KubeconfigError::Use(why)))
}

/// How the API server is reached that a flag names, or that of the pod this runs in.
pub(super) fn without_kubeconfig(server: Option<&Uri>) -> Result<Access, InPodError> {
    match (Access::in_cluster(), server) {
        // Go's client takes a bare --kube-api as a whole configuration; inside a cluster it keeps
        // the pod's credentials.
        (Err(InPodError::Mounts(_)), Some(server)) => Ok(Access::anonymous(server.clone())),
        (access, _) => access,
    }
}

/// The same access, to this server if one is named, and through the environment's proxy if there is no other.
pub(super) fn through_proxy(mut access: Access, server: Option<Uri>) -> Result<Access, ProxyError> {
    if let Some(server) = server {
        access.server = server;
    }
    if access.proxy.is_none() {
        access.proxy = environment::proxy(&access.server, |name| std::env::var(name).ok())?;
    }
    Ok(access)
}

/// A stack like kube's own, whose connector notices a dead peer after five minutes, retries by itself, which would eat
/// the budget of a look-up, and never reads a client certificate again.
pub(super) fn connect(access: Access) -> Result<Client, String> {
    let Access { server, proxy, tls, server_name, mut credentials, impersonation } = access;
    let is_secure = server.scheme_str() == Some("https");
    if !is_secure && !matches!(credentials, Credentials::None) {
        tracing::warn!(%server, "credentials are not sent to an API server in plain text, as in Go's client");
        credentials = Credentials::None;
    }
    let mut config = Config::new(server);
    config.auth_info = impersonation;
    let mut is_tls = is_secure;
    if let Some(proxy) = &proxy {
        tracing::info!(proxy = %proxy.url(), by = proxy.found(), "the API server is reached through a proxy");
        if let (Protocol::Http(Some(value)) | Protocol::Https(Some(value)), false) =
            (proxy.protocol(), is_secure)
        {
            config.headers.push((PROXY_AUTHORIZATION, value.clone()));
        }
        is_tls |= matches!(proxy.protocol(), Protocol::Https(_));
    }
    let tls = is_tls.then(|| Renewed::read(tls)).transpose()?;
    let sender = Arc::new(Sender::new(tls, server_name, proxy, credentials));
    let headers = config.extra_headers_layer();
    let headers = headers.map_err(|_| "its as-fields have characters that no header can have")?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(headers)
        .service(service_fn(move |request| sender.clone().send(request)));
    Ok(Client::new(service, config.default_namespace))
}

/// Sends requests, with what the client has to say of itself at that moment.
struct Sender {
    connector: HttpConnector,
    proxy: Option<Proxy>,
    server_name: Option<ServerName<'static>>,
    tls: Option<Renewed<TlsSources>>,
    credentials: Credentials,
    pools: Mutex<Pools>,
}

/// Connections of one kind of TLS.
#[derive(Clone)]
struct Pools {
    handshake: Option<Arc<Handshake>>,
    kept: HttpClient<Connector, Body>,
    fresh: HttpClient<Connector, Body>,
}

impl Sender {
    fn new(
        tls: Option<Renewed<TlsSources>>,
        server_name: Option<ServerName<'static>>,
        proxy: Option<Proxy>,
        credentials: Credentials,
    ) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        http.set_keepalive(Some(UNACKNOWLEDGED));
        // The kernel looks at the limit below when the next probe is due: by default after 75 s.
        http.set_keepalive_interval(Some(UNACKNOWLEDGED));
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let handshake = tls.as_ref().and_then(Renewed::last);
        let pools = Mutex::new(Pools::new(&http, proxy.as_ref(), server_name.as_ref(), handshake));
        Self { connector: http, proxy, server_name, tls, credentials, pools }
    }

    async fn send(self: Arc<Self>, mut request: Request<Body>) -> Result<Response<Incoming>, BoxError> {
        let shown = self.credentials.show().await?;
        if let Some(value) = shown.header() {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let pools = self.pools().await?;
        // A connection that was kept is taken, if there is one, unless the request is marked.
        let pool = match request.extensions().get::<NewConnection>() {
            Some(NewConnection) => &pools.fresh,
            None => &pools.kept,
        };
        let answer = pool.request(request).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.credentials.refused(&shown);
        }
        Ok(answer)
    }

    /// Connections whose TLS is that of now. Those of before take no further requests, and end with the last one that
    /// they have: the API server refuses a certificate that has expired on old connections too.
    async fn pools(&self) -> Result<Pools, String> {
        let handshake = match &self.tls {
            Some(tls) => Some(tls.current().await?),
            None => None,
        };
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = match (&pools.handshake, &handshake) {
            (Some(mine), Some(now)) => Arc::ptr_eq(mine, now),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            *pools = Pools::new(&self.connector, self.proxy.as_ref(), self.server_name.as_ref(), handshake);
        }
        Ok(pools.clone())
    }
}

impl Pools {
    fn new(
        http: &HttpConnector,
        proxy: Option<&Proxy>,
        server_name: Option<&ServerName<'static>>,
        handshake: Option<Arc<Handshake>>,
    ) -> Self {
        let tls = handshake
            .as_ref()
            .map(|handshake| Tls { config: handshake.config.clone(), server_name: server_name.cloned() });
        let connector = Connector::new(http.clone(), proxy.cloned(), tls);
        let pool = |size| {
            HttpClient::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIME)
                .pool_max_idle_per_host(size)
                .build::<_, Body>(connector.clone())
        };
        Self { kept: pool(IDLE_CONNECTIONS), fresh: pool(0), handshake }
    }
}
