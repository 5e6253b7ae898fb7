//! Puts the agent's parts together: what is bound, what is followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::FutureExt;
use kube::Client;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::cache::{Cache, Fetch};
use super::endpoint::{Endpoint, routes};
use super::grants::Grants;
use super::metrics::Metrics;
use super::settings::{GrantSettings, Settings};
use super::trust::{Expectations, Trust};
use super::{pods, probe};
use crate::identities::association_set::AssociationSet;
use crate::identities::sources::association_file;
use crate::identities::sources::association_resources::{
    self, AssociationResources, Detail, Namespaces, Pending, Selection,
};
use crate::kubernetes::Cluster;
use crate::process::{Readiness, Running, Shutdown, Tasks, descriptors};
use crate::role_policy::{self, PolicyFile};
use crate::server::{self, HEAD_LIMIT, Limits, Port, Server, admin};
use crate::source::{self, Source};
use crate::telemetry::Registry;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// How long the end may take; a pod that ends has 30 s.
const DRAIN: Duration = Duration::from_secs(20);

/// Connections of pods at the same time on one address, and of one pod while others want the room. A node has 250 pods at
/// most, each of which asks a few times an hour; the chart gives the agent the memory for so many.
pub const CONNECTIONS: usize = 300;
const CONNECTIONS_PER_POD: usize = 60;

/// Most memory that one connection takes, in bytes, whatever its client sends: heads that are read ahead and answers
/// that nobody reads (16 KiB each), and 20 KiB for its task. Measured over hundreds that send nearly a whole head: 26 KiB.
/// It does not include what the kernel keeps of a socket: [`SOCKET_BUFFER`].
pub const CONNECTION_MEMORY: usize = 2 * HEAD_LIMIT + (20 << 10);

/// Bytes that the kernel is asked to buffer in each direction; it takes twice as much. By default it would let a
/// connection that nobody reads grow to megabytes, which count against the container's memory. A request has two KiB, and
/// an answer too.
pub const SOCKET_BUFFER: u32 = 8 << 10;

/// An agent that is bound and put together, and serves once it is run.
pub struct App {
    /// Where pods are answered.
    pub addresses: Vec<SocketAddr>,
    /// Where probes are answered.
    pub probes: SocketAddr,
    /// Where metrics are served.
    pub metrics: SocketAddr,
    /// What serves, once it is run.
    pub running: Running,
}

impl App {
    /// Binds what can be bound, and begins to follow what changes; `fetch` makes credentials.
    pub async fn bind(
        settings: Settings,
        fetch: impl AsyncFnOnce(Arc<Metrics>) -> Result<Fetch>,
    ) -> Result<Self> {
        // kube and rustls ask for the process's cryptography; a second call finds it installed.
        drop(aws_lc_rs::default_provider().install_default());
        let registry = Registry::new().context("failed to set up metrics")?;
        let metrics = Arc::new(Metrics::new(&registry).context("failed to set up metrics")?);
        let readiness = Readiness::default();
        let mut tasks = Tasks::default();
        let client = Cluster::new(settings.cluster.clone()).client().await?;
        let trust = trust(&settings, client.clone(), &metrics, &readiness, &mut tasks);
        let grants = match &settings.grants {
            None => None,
            Some(grants) => Some(follow(grants, &settings, &client, &registry, &readiness, &mut tasks)?),
        };
        let cache = Cache::new(settings.cache.clone(), fetch(metrics.clone()).await?, metrics.clone());
        let endpoint = Arc::new(Endpoint { trust: trust.clone(), grants, cache: cache.clone(), metrics });
        let current = endpoint.clone();
        tasks.spawn("renewal", cache.clone().keep(move |ask| current.is_current(ask)));
        if let Some(node) = &settings.node {
            let gone = move |uid: &str| {
                trust.forget(uid);
                cache.forget(uid);
            };
            tasks.spawn(pods::NAME, pods::follow(client, node.clone(), gone));
        } else {
            tracing::warn!(
                "this node's name is not known: set NODE_NAME or --node-name; until then tokens of other nodes' pods \
                 are taken, and pods that are gone are noticed late"
            );
        }
        Self::serve(&settings, &endpoint, registry, readiness, tasks)
    }

    /// Binds the ports of pods, probes and metrics.
    fn serve(
        settings: &Settings,
        endpoint: &Arc<Endpoint>,
        registry: Registry,
        readiness: Readiness,
        tasks: Tasks,
    ) -> Result<Self> {
        let connections = Arc::new(server::Metrics::new(&registry).context("failed to set up metrics")?);
        let listeners = listeners(&settings.addresses)?;
        let limits = limits(listeners.len());
        let shutdown = Shutdown::default();
        let mut servers = Vec::new();
        let mut serve = |listener, router, port| {
            let is_agent = port == Port::Agent;
            let server = Server {
                listener,
                tls: None,
                router,
                strangers: None,
                limits: if is_agent { limits.clone() } else { limits.of_metrics_port() },
                metrics: connections.clone(),
                port,
                open: is_agent.then(|| connections.open().clone()),
                pressure: None,
                shutdown: shutdown.clone(),
            };
            servers.push((if is_agent { "agent" } else { "admin" }, server.serve().boxed()));
        };
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
        for listener in listeners {
            serve(listener, routes(endpoint.clone(), settings.rate), Port::Agent);
        }
        let listen = |address| bind(address).with_context(|| format!("failed to listen on {address}"));
        let (probing, scraped) = (listen(settings.probes)?, listen(settings.metrics)?);
        let (probes, metrics) = (probing.local_addr()?, scraped.local_addr()?);
        let routes_of_probes = probe_routes(addresses.clone(), readiness);
        serve(probing, routes_of_probes.clone(), Port::Metrics);
        serve(scraped, routes_of_probes.merge(admin::metrics(registry)), Port::Metrics);
        let running = Running { servers, tasks, shutdown, shutdown_delay: Duration::ZERO, drain: DRAIN };
        Ok(Self { addresses, probes, metrics, running })
    }
}

/// The limits of each of so many addresses, all of which share the process's descriptors.
fn limits(addresses: usize) -> Limits {
    let mut limits = Limits {
        connections: CONNECTIONS,
        connections_per_peer: CONNECTIONS_PER_POD,
        drain: DRAIN,
        ..Limits::default()
    };
    let allowed = descriptors::allowed();
    if limits.fit(allowed.map(|allowed| allowed / addresses.max(1) as u64)) {
        let connections = limits.connections;
        tracing::warn!(
            connections,
            allowed,
            "fewer connections are accepted, to fit the limit of open files"
        );
    }
    limits
}

/// Who verifies tokens. Ready once the cluster's keys are read, which is tried until it succeeds.
fn trust(
    settings: &Settings,
    client: Client,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Arc<Trust> {
    let expectations = Expectations {
        issuers: settings.issuers.clone(),
        audience: settings.audience.clone(),
        node: settings.node.clone().filter(|_| settings.verify_node),
        verified_upstream: settings.grants.is_none(),
    };
    // A pod has two tokens while one is replaced.
    let most = settings.cache.entries.max(1000) * 2;
    let trust = Arc::new(Trust::new(client, expectations, most, metrics.clone()));
    let ready = readiness.latch("keys", "the cluster's keys are not read yet");
    let keys = trust.clone();
    tasks.spawn("keys", async move {
        keys.keep_keys(ready).await;
    });
    trust
}

/// Begins to follow every source of associations.
fn follow(
    grants: &GrantSettings,
    settings: &Settings,
    client: &Client,
    registry: &Registry,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Result<Grants> {
    let GrantSettings { resources, file, policy } = grants;
    let metrics = source::Metrics::new(registry).context("failed to set up metrics")?;
    let of_resources = association_resources::Metrics::new(registry).context("failed to set up metrics")?;
    let mut sources = Vec::new();
    for controller in resources {
        let name = controller.name();
        let source = Source::new(name, AssociationSet::len, readiness, &metrics);
        let selection = Selection {
            cluster: Some(settings.upstream.cluster.clone()),
            namespaces: Namespaces::Own,
            pending: Pending::Wait,
            detail: Detail::Terms,
        };
        let resources =
            AssociationResources::new(*controller, selection, source.clone(), of_resources.clone());
        tasks.spawn(name, resources.follow(client.clone()));
        sources.push(source);
    }
    if let Some(path) = file {
        let source = Source::new(association_file::NAME, AssociationSet::len, readiness, &metrics);
        tasks.spawn(association_file::NAME, association_file::follow(path.clone(), source.clone()));
        sources.push(source);
    }
    if sources.is_empty() {
        bail!(
            "no source of associations: give --watch-association-resources or --watch-container-credentials-config"
        );
    }
    let policy = policy.as_ref().map(|(path, mode)| {
        let source = Source::new(role_policy::NAME, injection::policy::RolePolicy::len, readiness, &metrics);
        tasks.spawn(role_policy::NAME, role_policy::follow(path.clone(), source.clone()));
        PolicyFile::new(path, *mode, source)
    });
    Ok(Grants::new(sources, policy))
}

/// What can be bound; an error if nothing can. A node may lack IPv6, or the addresses of the agent's link.
fn listeners(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut failures = Vec::new();
    for address in addresses {
        match bind(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    if listeners.is_empty() {
        bail!(
            "failed to listen on any address ({}); `agent initialize` gives the node the addresses, and no other \
             agent may have them",
            failures.join("; ")
        );
    }
    for failure in failures {
        tracing::warn!("not listening on {failure}: pods that ask there are not answered");
    }
    Ok(listeners)
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // The connections that it accepts inherit both.
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The probes of AWS's agent: both ask each address that pods ask. Ours beside them says what is missing.
fn probe_routes(addresses: Vec<SocketAddr>, readiness: Readiness) -> Router {
    let probed = move || {
        let addresses = addresses.clone();
        async move { probe::all(&addresses).await }
    };
    let ready = async move || {
        let (is_ready, report) = readiness.shown();
        (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report)
    };
    Router::new()
        .route("/healthz", get(probed.clone()))
        .route("/readyz", get(probed))
        .route("/livez", get(async || "ok"))
        .route("/conditions", get(ready))
}
