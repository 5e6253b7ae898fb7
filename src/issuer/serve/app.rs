//! Puts the server together: what is followed, what is bound.

use anyhow::{Context, Result};
use futures_util::FutureExt;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::answers;
use super::folder::{self, Documents};
use super::settings::Settings;
use crate::certificates;
use crate::process::{Readiness, Running, Shutdown, Tasks, descriptors};
use crate::server::{self, Port, Server, TlsSettings, admin, bind, tls};
use crate::source::{self, Source};
use crate::telemetry::Registry;

/// Binds both ports, and begins to follow the folder and the certificate.
pub(super) async fn start(settings: Settings) -> Result<Running> {
    let Settings { place, max_age, certificate, mut server } = settings;
    drop(aws_lc_rs::default_provider().install_default());
    descriptors::raise();
    if server.limits.fit(descriptors::allowed()) {
        tracing::warn!(
            connections = server.limits.connections,
            "fewer connections, to fit the limit of open files"
        );
    }
    let registry = Registry::new().context("failed to set up metrics")?;
    let connections =
        std::sync::Arc::new(server::Metrics::new(&registry).context("failed to set up metrics")?);
    let readiness = Readiness::default();
    let mut tasks = Tasks::default();
    let metrics = certificates::Metrics::new(&registry).context("failed to set up metrics")?;
    let (store, follow) = certificate.served(metrics).await?;
    tasks.spawn("certificate", follow);
    let metrics = source::Metrics::new(&registry).context("failed to set up metrics")?;
    let source = Source::new(folder::NAME, |documents: &Documents| documents.count, &readiness, &metrics);
    tasks.spawn(folder::NAME, folder::follow(place.clone(), source.clone()));
    let shutdown = Shutdown::default();
    let serving = |listener, port| Server {
        listener,
        tls: None,
        answers: admin::probes(readiness.clone()).merge(admin::metrics(registry.clone())).into(),
        strangers: None,
        limits: server.limits.of_metrics_port(),
        metrics: connections.clone(),
        port,
        open: None,
        pressure: None,
        shutdown: shutdown.clone(),
    };
    let documents = Server {
        tls: Some(tls::acceptor(&TlsSettings::default(), store, None).context("failed to set up TLS")?),
        answers: answers::routes(&place, max_age, source).into(),
        limits: server.limits.clone(),
        open: Some(connections.open().clone()),
        ..serving(bind(server.address, "--port")?, Port::Issuer)
    };
    let admin = serving(bind(server.metrics_address, "--metrics-port")?, Port::Metrics);
    let (address, metrics_address) = (documents.listener.local_addr()?, admin.listener.local_addr()?);
    tracing::info!(%address, %metrics_address, issuer = %place.issuer, folder = %place.folder.display(), "serving");
    Ok(Running {
        servers: vec![("issuer", documents.serve().boxed()), ("admin", admin.serve().boxed())],
        tasks,
        shutdown,
        shutdown_delay: server.shutdown_delay,
        drain: server.limits.drain,
    })
}
