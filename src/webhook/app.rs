//! Puts the webhook's parts together: what is followed, what is bound. [`Running`] serves them and takes them
//! down in order. Imported by `serve` and `make run`, which serve, and by tests.

mod identities;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;
use injection::policy::RolePolicy;
use kube::Client;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use super::admission::Admission;
use super::association_status::{self, Circumstances, StatusWriter};
use super::discovery;
use super::metrics::Metrics;
use super::settings::{self, AccountSource, ResourceSettings, Settings};
use crate::certificates::self_managed::{self, Keeper};
use crate::certificates::{self, Authority, CertificateSource, ClientAuthorities, Clock, Files, Store};
use crate::cli::injection::RolePolicySettings;
use crate::identities::sources::association_resources::Controller;
use crate::identities::sources::service_accounts::ServiceAccounts;
use crate::kubernetes::Cluster;
use crate::process::{Condition, Readiness, Running, Shutdown, Signals, Tasks, descriptors};
use crate::role_policy::{self, PolicyFile};
use crate::server::pressure::Pressure;
use crate::server::strangers::strangers;
use crate::server::{self, Port, Server, admin, bind, tls};
use crate::source::Source;

/// Names that a certificate made in memory is good for: only this machine asks for it.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A webhook that is bound and put together, and serves once it is run.
pub struct App {
    address: SocketAddr,
    metrics_address: SocketAddr,
    /// The settings, in one line.
    shown: String,
    readiness: Readiness,
    running: Running,
}

impl App {
    /// Binds both ports, reads what has to be there at start, and begins to follow what changes.
    pub async fn bind(mut settings: Settings) -> Result<Self> {
        // kube and rustls ask for the process's cryptography; a second call finds it installed.
        drop(aws_lc_rs::default_provider().install_default());
        for notice in &settings.notices {
            tracing::warn!("{notice}");
        }
        let cluster = match &settings.sources.accounts {
            AccountSource::Cluster(cluster) => Some(Cluster::new(cluster.clone())),
            AccountSource::Manifests { .. } => None,
        };
        let endpoint = std::env::var_os(discovery::METADATA_ENDPOINT);
        let defaults =
            discovery::complete(settings.defaults.clone(), cluster.as_ref(), endpoint.as_deref()).await?;
        let limits = &mut settings.server.limits;
        let allowed = descriptors::allowed();
        if limits.fit(allowed) {
            let connections = limits.connections;
            tracing::warn!(
                connections,
                allowed,
                "--max-connections is lowered to fit the limit of open files"
            );
        }
        let shown = settings::Shown(&settings, &defaults).to_string();
        let metrics = Metrics::new().context("failed to set up metrics")?;
        let readiness = Readiness::default();
        let shutdown = Shutdown::default();
        let leaving = shutdown.leaving.clone();
        // Kubernetes takes a pod that ends out of the Service by itself, and kube-proxy falls back to such pods while
        // they are ready and no other is: the last replica must not say that it is not.
        readiness.require("shutdown", move || {
            let note = || Condition::HoldsBut("leaving, and still serving".to_owned().into());
            if leaving.is_cancelled() { note() } else { Condition::Holds }
        });

        let mut tasks = Tasks::default();
        let source = &settings.certificate;
        let certificates = certificates(source, cluster.as_ref(), &metrics, &readiness, &mut tasks).await?;
        let clients = client_authorities(&settings, &metrics, &readiness, &mut tasks)?;
        let client = match &cluster {
            Some(cluster) => Some(cluster.client().await?),
            None => None,
        };
        let parts = identities::SourceContext {
            prefix: &defaults.annotation_prefix,
            lookup: settings.admission.lookup,
            metrics: &metrics,
            readiness: &readiness,
            tasks: &mut tasks,
        };
        let identities::Followed { identities, accounts } =
            identities::follow(&settings.sources, client.clone(), parts)?;
        let policy = settings.role_policy.as_ref();
        let policy = policy.map(|policy| follow_policy(policy, &metrics, &readiness, &mut tasks));
        if let (Some(resources), Some(client)) = (&settings.sources.association_resources, client) {
            write_statuses(resources, client, defaults.region.clone(), policy.clone(), &mut tasks);
        }
        let admission = Admission::new(
            identities,
            defaults,
            policy,
            settings.admission.clone(),
            metrics.admission.clone(),
        );
        let admission = Arc::new(admission.on_cluster(settings.sources.cluster.clone()));

        let (mut debug_calls, mut debug_admin) = (Router::new(), Router::new());
        if settings.debug_handlers {
            debug_calls = admission.clone().debug_routes();
            debug_admin = accounts.map(cache_handlers).unwrap_or_default();
        }
        let probes = admin::probes(readiness.clone());
        let strangers = clients.as_ref().map(|_| strangers(probes.clone(), metrics.server.clone()));
        let shown_certificate = admin::certificate(certificates.clone());
        let calls = Calls {
            tls: tls::acceptor(&settings.tls, certificates, clients).context("failed to set up TLS")?,
            strangers,
            pressure: admission.pressure(),
            router: admission.clone().routes().merge(probes.clone()).merge(debug_calls),
        };
        let admin = probes
            .merge(admin::metrics(metrics.registry.clone()))
            .merge(shown_certificate)
            .merge(debug_admin);
        let [webhook, admin] = servers(&settings.server, calls, admin, &metrics.server, &shutdown)?;
        Ok(Self {
            address: webhook.listener.local_addr()?,
            metrics_address: admin.listener.local_addr()?,
            shown,
            readiness,
            running: Running {
                shutdown_delay: settings.server.shutdown_delay,
                drain: settings.server.limits.drain,
                servers: vec![("webhook", webhook.serve().boxed()), ("admin", admin.serve().boxed())],
                tasks,
                shutdown,
            },
        })
    }

    /// Where `/mutate` is served, with the port that was bound if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and probes are served.
    #[must_use]
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// The readiness with all its conditions: the ports say less.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// What serves, once it is run.
    #[must_use]
    pub fn running(self) -> Running {
        let Self { address, metrics_address, shown, readiness: _, running } = self;
        tracing::info!(%address, %metrics_address, settings = %shown, "serving");
        running
    }

    /// Serves until the first of `signals`, and then stops without losing a call.
    pub async fn run(self, signals: Signals) -> Result<()> {
        self.running().until(signals).await
    }
}

/// What serves the API server's calls.
struct Calls {
    tls: TlsAcceptor,
    strangers: Option<Router>,
    router: Router,
    pressure: Arc<Pressure>,
}

/// The server of calls and that of metrics and probes, bound.
fn servers(
    settings: &server::Settings,
    calls: Calls,
    admin: Router,
    metrics: &Arc<server::Metrics>,
    shutdown: &Shutdown,
) -> Result<[Server; 2]> {
    let server::Settings { address, metrics_address, limits, shutdown_delay: _ } = settings;
    let Calls { tls, strangers, router, pressure } = calls;
    let webhook = Server {
        listener: bind(*address, "--port")?,
        tls: Some(tls),
        answers: router.into(),
        strangers,
        limits: limits.clone(),
        metrics: metrics.clone(),
        port: Port::Webhook,
        open: Some(metrics.open().clone()),
        pressure: Some(pressure),
        shutdown: shutdown.clone(),
    };
    let admin = Server {
        listener: bind(*metrics_address, "--metrics-port")?,
        tls: None,
        answers: admin.into(),
        strangers: None,
        limits: limits.of_metrics_port(),
        metrics: metrics.clone(),
        port: Port::Metrics,
        open: None,
        pressure: None,
        shutdown: shutdown.clone(),
    };
    Ok([webhook, admin])
}

/// Begins to keep the statuses of this project's own associations, if those are read.
fn write_statuses(
    resources: &ResourceSettings,
    client: Client,
    region: Option<String>,
    policy: Option<PolicyFile>,
    tasks: &mut Tasks,
) {
    let ResourceSettings { controllers, selection } = resources;
    if controllers.contains(&Controller::Own) {
        let circumstances = Circumstances { cluster: selection.cluster.clone(), region };
        let writer = StatusWriter::new(client, circumstances, policy);
        tasks.spawn(association_status::NAME, writer.follow());
    }
}

/// Begins to follow the file of the role policy.
fn follow_policy(
    policy: &RolePolicySettings,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> PolicyFile {
    let RolePolicySettings { path, mode } = policy;
    let source = Source::new(role_policy::NAME, RolePolicy::len, readiness, &metrics.sources);
    tasks.spawn(role_policy::NAME, role_policy::follow(path.clone(), source.clone()));
    PolicyFile::new(path, *mode, source)
}

/// What verifies client certificates, if they are asked for.
fn client_authorities(
    settings: &Settings,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
    let Some(path) = &settings.client_authorities else {
        return Ok(None);
    };
    let read = ClientAuthorities::read(path, readiness, &metrics.sources);
    let (authorities, follow) = read.context("failed to use --client-ca-file")?;
    tasks.spawn("client-ca-file", follow);
    Ok(Some(Arc::new(authorities)))
}

async fn certificates(
    source: &CertificateSource,
    cluster: Option<&Cluster>,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Result<Arc<Store>> {
    let clock = Clock::default();
    let store = match source {
        CertificateSource::SelfManaged(settings) => {
            let cluster = cluster.context("self-managed certificates need a cluster")?;
            let client = cluster.client().await?;
            let metrics = (metrics.certificate.clone(), self_managed::Metrics::new(&metrics.registry)?);
            let keeper = Keeper::new(client, settings.clone(), clock.clone(), metrics, readiness)?;
            let store = keeper.store();
            tasks.spawn("certificate", keeper.run());
            store
        }
        CertificateSource::Files { certificate, key } => {
            let files = Files { certificate: certificate.clone(), key: key.clone() };
            let (store, follow) = files.served(metrics.certificate.clone()).await?;
            tasks.spawn("certificate", follow);
            store
        }
        CertificateSource::InMemory { authority_out } => {
            let authority = Authority::new()?;
            let pair = authority.leaf(&LOCAL_NAMES.map(str::to_owned))?.pair()?;
            metrics.certificate.expires(pair.not_after());
            if let Some(path) = authority_out {
                std::fs::write(path, authority.certificate_pem())
                    .with_context(|| format!("failed to write --tls-ca-out {}", path.display()))?;
            }
            Arc::new(Store::new(pair))
        }
    };
    tasks.spawn("certificate-expiry", certificates::watch_expiry(store.clone(), clock.clone()));
    let served = store.clone();
    readiness.require("certificate", move || served.check(clock.now()));
    Ok(store)
}

/// The Go webhook's debug handlers of the metrics port.
fn cache_handlers(accounts: Arc<ServiceAccounts>) -> Router {
    let cleared = accounts.clone();
    Router::new().route("/debug/alpha/cache", get(async move || accounts.dump().to_string())).route(
        "/debug/alpha/cache/clear",
        get(async move || {
            cleared.clear();
            "cleared; accounts are looked up live until all are read again\n"
        }),
    )
}
