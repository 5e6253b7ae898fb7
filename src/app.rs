//! Puts the parts together, and takes them down in order: bind, spawn, supervise, drain. Imported
//! by what serves, `commands::serve` and `make run`, and by tests.

mod identities;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use injection::policy::RolePolicy;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::admission::Admission;
use crate::certificates::{self, Authority, ClientAuthorities, Files, Store};
use crate::descriptors;
use crate::discovery;
use crate::lifecycle::{Readiness, Shutdown, Signals, Tasks};
use crate::metrics::{Metrics, Port};
use crate::role_policy::{self, PolicyFile};
use crate::server::strangers::strangers;
use crate::server::{SOCKET_BUFFER, Server, admin, tls};
use crate::settings::{self, CertificateSource, Settings};
use crate::source::Source;

/// Names that a certificate made in memory is good for: only this machine asks for it.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Connections that the kernel keeps until they are accepted, which they are at once: what comes in a burst.
const BACKLOG: u32 = 1024;

/// The servers keep to the limit of the drain themselves; this is for one that does not.
const DRAIN_SLACK: Duration = Duration::from_secs(1);

/// A server that is bound and put together, and serves once it is run.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    metrics_address: SocketAddr,
    settings: Settings,
    webhook: Server,
    admin: Server,
    tasks: Tasks,
    shutdown: Shutdown,
    readiness: Readiness,
}

impl App {
    /// Binds both ports, reads what has to be there at start, and begins to follow what changes.
    pub async fn bind(settings: Settings) -> Result<Self> {
        // kube and rustls ask for the process's cryptography; a second call finds it there.
        drop(aws_lc_rs::default_provider().install_default());
        for notice in &settings.notices {
            tracing::warn!("{notice}");
        }
        let endpoint = std::env::var_os(discovery::METADATA_ENDPOINT);
        let mut settings = discovery::complete(settings, endpoint.as_deref()).await?;
        let allowed = descriptors::allowed();
        if descriptors::fit(&mut settings.limits, allowed) {
            let connections = settings.limits.connections;
            tracing::warn!(
                connections,
                allowed,
                "--max-connections is lowered to fit the limit of open files"
            );
        }
        let metrics = Arc::new(Metrics::new().context("failed to set up metrics")?);
        let readiness = Readiness::default();
        let shutdown = Shutdown::default();
        let leaving = shutdown.leaving.clone();
        readiness
            .require("shutdown", move || if leaving.is_cancelled() { Err("leaving".into()) } else { Ok(()) });

        let mut tasks = Tasks::default();
        let certificates = certificates(&settings, &metrics, &readiness, &mut tasks).await?;
        let clients = client_authorities(&settings, &metrics, &readiness, &mut tasks)?;
        let (identities, debug) = identities::follow(&settings, &metrics, &readiness, &mut tasks).await?;
        let policy = settings.role_policy.as_ref();
        let policy = policy.map(|policy| follow_policy(policy, &metrics, &readiness, &mut tasks));
        let admission = Arc::new(Admission::new(
            identities,
            settings.defaults.clone(),
            policy,
            settings.limits.clone(),
            metrics.clone(),
        ));

        let listener = bind(settings.address, "--port")?;
        let admin_listener = bind(settings.metrics_address, "--metrics-port")?;
        let pressure = admission.pressure();
        let webhook = Server {
            strangers: clients.as_ref().map(|_| strangers(admin::probes(readiness.clone()), metrics.clone())),
            tls: Some(tls::acceptor(&settings.tls, certificates, clients).context("failed to set up TLS")?),
            router: admission.routes(settings.debug_handlers).merge(admin::probes(readiness.clone())),
            limits: settings.limits.clone(),
            metrics: metrics.clone(),
            port: Port::Webhook,
            open: Some(metrics.connections().clone()),
            pressure: Some(pressure),
            shutdown: shutdown.clone(),
            listener,
        };
        let admin = Server {
            tls: None,
            router: admin::probes(readiness.clone()).merge(admin::metrics(metrics.clone())).merge(debug),
            strangers: None,
            limits: settings.limits.of_metrics_port(),
            metrics,
            port: Port::Metrics,
            open: None,
            pressure: None,
            shutdown: shutdown.clone(),
            listener: admin_listener,
        };
        Ok(Self {
            address: webhook.listener.local_addr()?,
            metrics_address: admin.listener.local_addr()?,
            settings,
            webhook,
            admin,
            tasks,
            shutdown,
            readiness,
        })
    }

    /// Where `/mutate` is served: the port that was bound, where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and probes are served.
    #[must_use]
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// How it stands with what has to hold, in full: the ports say less.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Serves until the first of `signals`, and takes its leave without losing a call; the second
    /// cuts the delay short. An error if a part ends that should not.
    pub async fn run(self, mut signals: Signals) -> Result<()> {
        let Self { address, metrics_address, settings, webhook, admin, mut tasks, shutdown, readiness: _ } =
            self;
        tracing::info!(%address, %metrics_address, settings = %settings, "serving");
        tasks.spawn("webhook", webhook.serve());
        tasks.spawn("admin", admin.serve());
        tokio::select! {
            biased;
            end = tasks.first_end() => bail!("{end}: stopping, so that Kubernetes starts the process anew"),
            signal = signals.next() => {
                let delay = settings.shutdown_delay;
                tracing::info!(signal, ?delay, "leaving: not ready any more, serving on for the delay");
            }
        }
        // Whoever chose this replica a moment ago still calls it; whoever keeps a connection is
        // told to make a new one, elsewhere.
        shutdown.leaving.cancel();
        tokio::select! {
            biased;
            end = tasks.first_end() => bail!("{end} while leaving"),
            signal = signals.next() => tracing::info!(signal, "not waiting any longer"),
            () = sleep(settings.shutdown_delay) => {}
        }
        shutdown.stopping.cancel();
        tracing::info!("draining");
        match timeout(settings.limits.drain + DRAIN_SLACK, tasks.ended(&["webhook", "admin"])).await {
            Ok(true) => tracing::info!("stopped"),
            Ok(false) => bail!("a part failed while draining"),
            Err(_) => tracing::warn!("stopped before everything was drained"),
        }
        Ok(())
    }
}

/// A listener; every address means IPv4 alone on a host without IPv6.
fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let mut result = listen(address);
    if result.is_err() && address.is_ipv6() && address.ip().is_unspecified() {
        result = listen((Ipv4Addr::UNSPECIFIED, address.port()).into());
    }
    result.map_err(|error| {
        anyhow!("failed to listen on {address}: {error}; choose another {flag} or --bind-address")
    })
}

/// What is accepted has the listener's buffers.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Begins to follow the file of the role policy.
fn follow_policy(
    policy: &settings::RolePolicy,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> PolicyFile {
    let settings::RolePolicy { path, mode } = policy;
    let source = Source::new(role_policy::NAME, RolePolicy::len, readiness, metrics);
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
    let read = ClientAuthorities::read(path, readiness, metrics);
    let (authorities, follow) = read.context("failed to use --client-ca-file")?;
    tasks.spawn("client-ca-file", follow);
    Ok(Some(Arc::new(authorities)))
}

async fn certificates(
    settings: &Settings,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Result<Arc<Store>> {
    let store = match &settings.certificate {
        CertificateSource::Files { certificate, key } => {
            let files = Files { certificate: certificate.clone(), key: key.clone() };
            let contents = files.contents().await?;
            let pair = files.pair(&contents)?;
            metrics.certificate_expiry(pair.not_after());
            let store = Arc::new(Store::new(pair));
            tasks.spawn("certificate", files.follow(store.clone(), contents, metrics.clone()));
            store
        }
        CertificateSource::InMemory { authority_out } => {
            let authority = Authority::new()?;
            let pair = authority.leaf(&LOCAL_NAMES.map(str::to_owned))?.pair()?;
            metrics.certificate_expiry(pair.not_after());
            if let Some(path) = authority_out {
                std::fs::write(path, authority.certificate_pem())
                    .with_context(|| format!("failed to write --tls-ca-out {}", path.display()))?;
            }
            Arc::new(Store::new(pair))
        }
    };
    tasks.spawn("certificate-expiry", certificates::watch_expiry(store.clone()));
    let served = store.clone();
    readiness.require("certificate", move || served.check(SystemTime::now()));
    Ok(store)
}
