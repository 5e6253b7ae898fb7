//! `eks-endpoint`: finds the cluster, serves on loopback, and runs a command beside it or prints what to export.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::FutureExt;
use futures_util::stream::once;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::api::Api;
use super::args::EksEndpointArgs;
use super::cluster::Cluster;
use super::command;
use super::guard::{Guard, Scheme};
use super::handler::Handler;
use super::route::HEAD_LIMIT;
use super::settings::Settings;
use super::signals::Received;
use super::sigv4::{AccessKey, Verifier};
use super::trust::TrustFile;
use super::variables::Variables;
use crate::association::Store;
use crate::certificates::{Authority, Store as Certificates};
use crate::cli::exit::{USAGE, causes, fail, print, refuse, say};
use crate::kubernetes::{Environment, UserCluster};
use crate::process::{Running, Shutdown, Signals, Tasks};
use crate::server::{Limits, Metrics, Port, Server, TlsSettings, tls};
use crate::telemetry::{self, Registry};

/// How long calls that are under way at the end may take.
const DRAIN: Duration = Duration::from_secs(2);

/// The exit code where nothing could be served.
const FAILURE: u8 = 1;

/// Names that the certificate is good for.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Runs `eks-endpoint`.
pub(crate) fn run(args: &EksEndpointArgs) -> ExitCode {
    let settings = match Settings::new(args, variable) {
        Ok(settings) => settings,
        Err(error) => return refuse(error, USAGE),
    };
    let log = match telemetry::init(settings.log) {
        Ok(log) => log,
        Err(error) => return fail(&anyhow::Error::new(error).context("failed to start the log")),
    };
    telemetry::log_panics();
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let ended = runtime.context("failed to start the runtime").and_then(|runtime| {
        let ended = runtime.block_on(serve(settings));
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Serves until the command ends or, without one, until a signal comes; what it gives is the exit code.
async fn serve(settings: Settings) -> Result<u8> {
    let mut received = Received::of_process().context("failed to take signals")?;
    let Settings { cluster, named, port, scheme, log: _, command } = settings;
    let found = tokio::select! {
        biased;
        signal = received.end() => bail!("{signal} came before the cluster was found"),
        found = UserCluster::find(cluster, Environment::of_process()) => found?,
    };
    let identity = named.complete(found.cluster_name.as_deref())?;
    let region = identity.region.clone();
    let key = AccessKey::random()?;
    let (listener, address) = listen(port).await?;
    let (acceptor, trust) = secured(scheme)?;
    let url = format!("{}://{address}", scheme.as_str());
    let variables = Variables::new(&url, &region, &key, trust.as_ref().map(TrustFile::path), variable);
    tracing::info!(url, cluster = %identity.cluster, region, server = found.server, "serving");
    let handler = Handler {
        guard: Guard::new(address, scheme),
        verifier: Verifier::new(key, &region),
        api: Api::new(
            Cluster::new(identity, &found),
            Store::new(found.client.clone()),
            found.namespace.clone(),
        ),
    };
    let running = running(listener, acceptor, handler)?;
    if command.is_empty() {
        // Without its lines nobody could call it.
        if print(&variables.lines()) != ExitCode::SUCCESS {
            return Ok(FAILURE);
        }
        running.until(received.ends()).await?;
        return Ok(0);
    }
    let child = match command::start(&command, &variables) {
        Ok(child) => child,
        Err(error) => {
            let program = command.first().map(|program| program.display().to_string()).unwrap_or_default();
            say(format_args!("failed to run {program}: {error}"));
            return Ok(command::not_started(&error));
        }
    };
    let (told, ended) = tokio::sync::oneshot::channel::<()>();
    let end = Signals::new(once(async move {
        // Whether it was told or dropped, the command has ended.
        drop(ended.await);
        "the command's end"
    }));
    let (serving, unserved) = tokio::sync::oneshot::channel::<()>();
    let wait = async {
        let code = command::ended(child, received, async { drop(unserved.await) }).await;
        drop(told);
        code
    };
    let serve = async {
        let served = running.until(end).await;
        drop(serving);
        served
    };
    let (code, served) = tokio::join!(wait, serve);
    // What the command has done is the answer, whatever became of the server.
    if let Err(error) = served {
        say(causes(&error));
    }
    code
}

/// What listens on this machine alone.
async fn listen(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow!("failed to listen on {address}: {error}; choose another --port"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// TLS of an authority that exists for this run alone, and the file by which clients trust it.
fn secured(scheme: Scheme) -> Result<(Option<TlsAcceptor>, Option<TrustFile>)> {
    if scheme == Scheme::Http {
        return Ok((None, None));
    }
    let authority = Authority::new()?;
    let pair = authority.leaf(&NAMES.map(str::to_owned))?.pair()?;
    let trust = TrustFile::write(&authority.certificate_pem(), variable)?;
    let settings = TlsSettings::new("", "", &mut Vec::new())?;
    let acceptor = tls::acceptor(&settings, Arc::new(Certificates::new(pair)), None);
    Ok((Some(acceptor.context("failed to set up TLS")?), Some(trust)))
}

fn running(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler) -> Result<Running> {
    let shutdown = Shutdown::default();
    let limits =
        Limits { drain: DRAIN, head: HEAD_LIMIT, request: super::handler::LIMIT, ..Limits::default() };
    let server = Server {
        listener,
        tls,
        answers: Arc::new(handler).router().into(),
        strangers: None,
        limits,
        metrics: Arc::new(Metrics::new(&Registry::new()?)?),
        port: Port::EksEndpoint,
        open: None,
        pressure: None,
        shutdown: shutdown.clone(),
    };
    Ok(Running {
        servers: vec![("eks-endpoint", server.serve().boxed())],
        tasks: Tasks::default(),
        shutdown,
        shutdown_delay: Duration::ZERO,
        drain: DRAIN,
    })
}
