//! Puts the agent's parts together: what is bound, what is followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::join_all;
use kube::Client;
use tokio::net::TcpListener;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::cache::{Cache, Fetch};
use super::endpoint::{Endpoint, answers};
use super::grants::Grants;
use super::handover::{Stage, Turn};
use super::listen::{Sockets, bound, listen};
use super::metrics::Metrics;
use super::settings::{GrantSettings, Settings};
use super::trust::{Expectations, Trust};
use super::{handover, pods, probe, taint};
use crate::identities::association_set::AssociationSet;
use crate::identities::sources::association_file;
use crate::identities::sources::association_resources::{
    self, AssociationResources, Detail, Namespaces, Pending, Selection,
};
use crate::kubernetes::Cluster;
use crate::process::{Readiness, Running, Serving, Shutdown, Tasks, descriptors};
use crate::role_policy::{self, PolicyFile};
use crate::server::{self, Answers, HEAD_LIMIT, Limits, Port, Server, admin};
use crate::source::{self, Source};
use crate::telemetry::Registry;

/// How long the end may take; a pod that ends has 30 s.
const DRAIN: Duration = Duration::from_secs(20);

/// Connections of pods at the same time on one address, and of one pod while others want the room. A node has 250 pods at
/// most, whose processes may all start at the same time; the chart gives the agent the memory for so many.
pub const CONNECTIONS: usize = 1000;
const CONNECTIONS_PER_POD: usize = 200;

/// Most memory that one connection takes, in bytes, whatever its client sends: heads that are read ahead and answers
/// that nobody reads (16 KiB each), and 20 KiB for its task. Measured over hundreds that send nearly a whole head: 26 KiB.
/// It does not include what the kernel keeps of a socket: [`super::SOCKET_BUFFER`].
pub const CONNECTION_MEMORY: usize = 2 * HEAD_LIMIT + (20 << 10);

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
            tasks.spawn(pods::NAME, pods::follow(client.clone(), node.clone(), gone));
        } else {
            tracing::warn!(
                "this node's name is not known: set NODE_NAME or --node-name; until then tokens of other nodes' pods \
                 are taken, and pods that are gone are noticed late"
            );
        }
        Self::serve(&settings, &endpoint, client, registry, readiness, tasks)
    }

    /// Binds the ports of pods, probes and metrics.
    fn serve(
        settings: &Settings,
        endpoint: &Arc<Endpoint>,
        client: Client,
        registry: Registry,
        readiness: Readiness,
        mut tasks: Tasks,
    ) -> Result<Self> {
        let connections = Arc::new(server::Metrics::new(&registry).context("failed to set up metrics")?);
        let is_shared = settings.handover.is_some();
        let sockets = Sockets::bind(&settings.addresses, is_shared)?;
        let addresses = sockets.addresses()?;
        let limits = limits(addresses.len());
        let shutdown = Shutdown::default();
        let server = {
            let shutdown = shutdown.clone();
            move |listener, answers: Answers, port| {
                let is_agent = port == Port::Agent;
                Server {
                    listener,
                    tls: None,
                    answers,
                    strangers: None,
                    limits: if is_agent { limits.clone() } else { limits.of_metrics_port() },
                    metrics: connections.clone(),
                    port,
                    open: is_agent.then(|| connections.open().clone()),
                    pressure: None,
                    shutdown: shutdown.clone(),
                }
            }
        };
        let probing = listen(bound(settings.probes, false)?)?;
        let scraped = bound(settings.metrics, is_shared)?;
        let (probes, metrics) = (probing.local_addr()?, scraped.local_addr()?);
        if let Some(taint) = settings.startup_taint.clone() {
            tasks.spawn(taint::NAME, taint.remove_once(client, readiness.clone(), addresses.clone()));
        }
        let stage = Stage::default();
        let routes_of_probes = probe_routes(addresses.clone(), readiness.clone(), stage.clone());
        let routes_of_metrics = routes_of_probes.clone().merge(admin::metrics(registry));
        let mut servers: Vec<Serving> =
            vec![("probes", server(probing, routes_of_probes.into(), Port::Metrics).serve().boxed())];
        let answer = {
            let (server, endpoint) = (server.clone(), endpoint.clone());
            let (rate, stage) = (settings.rate, stage.clone());
            move |listeners: Vec<TcpListener>| {
                let agent = |listener| server(listener, answers(endpoint.clone(), rate), Port::Agent).serve();
                let all = join_all(listeners.into_iter().map(agent).collect::<Vec<_>>());
                stage.answers();
                all.map(drop)
            }
        };
        let serve_metrics = move |listener| server(listener, routes_of_metrics.into(), Port::Metrics).serve();
        if settings.standby.is_some() {
            // Of two agents of a pod the one that answers is the one that is scraped.
            let (stage, shutdown) = (stage.clone(), shutdown.clone());
            servers.push(("metrics", stage.later(shutdown, scraped, serve_metrics).boxed()));
        } else {
            servers.push(("metrics", serve_metrics(listen(scraped)?).boxed()));
        }
        if let Some(file) = &settings.handover {
            handover::leave(file, probes)?;
            let turn = Turn { readiness, shutdown: shutdown.clone(), lock: settings.standby.clone(), stage };
            servers.push(("agent", handed_over(sockets, turn, answer).boxed()));
        } else {
            servers.push(("agent", answer(sockets.listen()?).boxed()));
        }
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

/// Takes connections once it is this agent's turn.
async fn handed_over<F: Future<Output = ()>>(
    sockets: Sockets,
    turn: Turn,
    answer: impl FnOnce(Vec<TcpListener>) -> F,
) {
    let served = async {
        let Some(lead) = turn.come().await? else { return Ok(()) };
        let stopping = turn.shutdown.stopping.clone();
        // One that stands by takes over while this one still answers whoever has connected.
        let release = async move {
            stopping.cancelled().await;
            drop(lead);
        };
        tokio::join!(answer(sockets.listen()?), release);
        anyhow::Ok(())
    };
    // The end of this part ends the process.
    if let Err(error) = served.await {
        tracing::error!("{error:#}");
    }
}

/// The probes of AWS's agent: both ask each address that pods ask. Ours beside them say what is missing, and whether this
/// very process answers pods.
fn probe_routes(addresses: Vec<SocketAddr>, readiness: Readiness, stage: Stage) -> Router {
    let probed = move || {
        let addresses = addresses.clone();
        async move { probe::all(&addresses).await }
    };
    let conditions = move |is_well: bool| {
        let (is_ready, report) = readiness.shown();
        (if is_ready && is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report)
    };
    let shown = conditions.clone();
    Router::new()
        .route("/healthz", get(probed.clone()))
        .route("/readyz", get(probed))
        .route("/livez", get(async || "ok"))
        .route("/conditions", get(async move || shown(true)))
        .route("/ready", get(async move || conditions(stage.is_ready())))
}
