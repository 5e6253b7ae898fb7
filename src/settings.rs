//! What the process runs with: the command line, checked and given types. A value that passed here
//! can be relied on; whatever is wrong is said in one line and ends the start with exit code 2.

mod association_resources;
mod defaults;
mod discovery;
mod display;
mod eks_api;
mod limits;
mod role_policy;
mod tls;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use injection::{Defaults, name};

use crate::args::{Args, LogFormat, ServeArgs, ServerArgs, SourceArgs};
use crate::aws::ClusterName;
use crate::identities::sources::association_resources::Namespaces;
use crate::identities::sources::service_accounts::LookupPace;

pub use association_resources::AssociationResources;
pub use defaults::defaults;
pub use discovery::{Discovery, MissingIpFamily, MissingRoleNames};
pub use limits::{BODY_LIMIT, HEAD_LIMIT, Limits, METRICS_CONNECTIONS};
pub use role_policy::{RolePolicy, role_policy};
pub use tls::TlsSettings;

/// Everything a server runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is injected: whole once `discovery` has nothing left.
    pub defaults: Defaults,
    /// What has to be found out first.
    pub discovery: Discovery,
    /// Which roles may be injected where; `None`: any anywhere.
    pub role_policy: Option<RolePolicy>,
    /// Where identities are read.
    pub sources: Sources,
    /// The serving certificate.
    pub certificate: CertificateSource,
    /// Versions and cipher suites.
    pub tls: TlsSettings,
    /// The authorities of the clients that may call `/mutate`, in PEM; `None`: any client may.
    pub client_authorities: Option<PathBuf>,
    /// Where `/mutate` listens.
    pub address: SocketAddr,
    /// Where metrics and probes listen.
    pub metrics_address: SocketAddr,
    /// How much of everything at once, and for how long.
    pub limits: Limits,
    /// How long to serve on after the signal to stop.
    pub shutdown_delay: Duration,
    /// Whether the debug paths are served.
    pub debug_handlers: bool,
    /// Verbosity and form of the log.
    pub log: Log,
    /// What the operator should know, logged once at start.
    pub notices: Vec<String>,
}

/// Where identities are read: each part a source of its own.
#[derive(Debug, Clone)]
pub struct Sources {
    /// ServiceAccounts.
    pub accounts: AccountSource,
    /// A file of EKS Pod Identity's associations, which need not be there.
    pub association_file: Option<PathBuf>,
    /// Custom resources that hold such associations.
    pub association_resources: Option<AssociationResources>,
    /// The namespace whose ConfigMap is read, which need not be there; manifests bring their own.
    pub config_map: Option<String>,
    /// The cluster whose associations the EKS API is asked for.
    pub eks_api: Option<ClusterName>,
    /// How many ServiceAccounts are looked up live.
    pub lookups: LookupPace,
}

/// Where ServiceAccounts are read.
#[derive(Debug, Clone)]
pub enum AccountSource {
    /// A cluster's API.
    Cluster {
        /// `None`: the configuration of the pod this runs in.
        kubeconfig: Option<PathBuf>,
        /// Instead of the kubeconfig's server.
        server: Option<http::Uri>,
    },
    /// Files, read once.
    Manifests {
        /// Files and folders.
        paths: Vec<PathBuf>,
        /// Whose accounts the association resources in them may name.
        namespaces: Namespaces,
    },
}

/// Where the serving certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// PEM files, read again when they change.
    Files {
        /// Certificate chain.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
    /// Made at start for the local machine, with an authority of its own.
    InMemory {
        /// Where the authority's certificate is written.
        authority_out: Option<PathBuf>,
    },
}

/// Verbosity and form of the log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// As `-v` gives it.
    pub verbosity: i64,
    /// Text or JSON.
    pub format: LogFormat,
}

/// A value that cannot be used: one line that names the flag, the value and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value out of its domain.
    #[error("invalid value '{}' for '{flag}': {allowed}", value.escape_debug())]
    Value {
        /// The flag's name with its dashes.
        flag: &'static str,
        /// As it was given.
        value: String,
        /// What would be right.
        allowed: String,
    },
    /// A feature of the Go webhook that this release lacks.
    #[error("'{flag}' asks for {feature}, which this release does not have; {instead}")]
    NotYet {
        /// The flag as it was understood.
        flag: &'static str,
        /// What it would do.
        feature: &'static str,
        /// What to do for now.
        instead: &'static str,
    },
    /// A feature that this binary was built without.
    #[error("'{flag}' needs the cargo feature {feature}, which this binary was built without; {instead}")]
    NotBuilt {
        /// The flag as it was understood.
        flag: &'static str,
        /// The feature's name.
        feature: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A flag that means nothing without another.
    #[error("'{flag}' needs '{other}': {why}")]
    Incomplete {
        /// A flag.
        flag: &'static str,
        /// The one that is missing.
        other: &'static str,
        /// What it is needed for.
        why: &'static str,
    },
    /// Two flags that exclude each other.
    #[error("'{one}' cannot be used together with '{other}': {why}")]
    Conflict {
        /// A flag.
        one: &'static str,
        /// Another.
        other: &'static str,
        /// Why not both.
        why: &'static str,
    },
}

fn invalid(flag: &'static str, value: &str, allowed: impl Into<String>) -> SettingsError {
    SettingsError::Value { flag, value: value.to_owned(), allowed: allowed.into() }
}

impl Settings {
    /// Checks what was written for a server.
    pub fn new(args: &Args) -> Result<Self, SettingsError> {
        let Args { command: _, version: _, injection, serve, klog } = args;
        let ServeArgs { sources, tls, server } = serve;
        refuse_what_is_not_there_yet(serve)?;
        let mut notices = Vec::new();
        let ignored = klog.ignored();
        if !ignored.is_empty() {
            notices.push(format!("klog flags without an effect here: {}", ignored.join(" ")));
        }
        if sources.service_account_lookup_grace_period.is_some_and(|period| !period.is_zero()) {
            notices.push(
                "--service-account-lookup-grace-period has nothing left to do: a miss is looked up live"
                    .into(),
            );
        }
        if sources.resync_period.is_some() {
            notices.push("--resync-period has nothing to do: the watch needs no resync".into());
        }
        let address = address(&server.bind_address)?;
        let (defaults, discovery) = defaults::check(injection, &mut notices)?;
        let role_policy = role_policy(injection)?;
        let accounts = accounts(serve, &discovery)?;
        Ok(Self {
            defaults,
            discovery,
            role_policy,
            sources: Sources {
                accounts,
                association_file: path(&sources.watch_container_credentials_config),
                association_resources: AssociationResources::new(
                    sources,
                    cluster_name(sources)?,
                    &mut notices,
                )?,
                config_map: config_map(serve, &mut notices)?,
                eks_api: eks_api::cluster(sources, cfg!(feature = "eks-api"))?,
                lookups: LookupPace { rate: sources.lookup_rate, burst: sources.lookup_burst },
            },
            certificate: certificate(serve)?,
            tls: TlsSettings::new(&tls.tls_min_version, &tls.tls_cipher_suites, &mut notices)?,
            client_authorities: path(&tls.client_ca_file),
            address: SocketAddr::new(address, server.port),
            metrics_address: SocketAddr::new(address, server.metrics_port),
            limits: Limits {
                connections: usize::try_from(server.max_connections).unwrap_or(usize::MAX),
                connections_per_peer: connections_per_peer(server),
                request_memory: usize::try_from(server.max_request_memory).unwrap_or(usize::MAX >> 20) << 20,
                ..Limits::default()
            },
            shutdown_delay: server.shutdown_delay,
            debug_handlers: server.enable_debugging_handlers,
            log: Log { verbosity: klog.verbosity, format: server.log_format },
            notices,
        })
    }
}

/// Half of all without the flag: one peer cannot take the places of another, and an API server, which
/// works on 200 changes at the same time, has more than it needs.
fn connections_per_peer(server: &ServerArgs) -> usize {
    let share = server.max_connections_per_peer.unwrap_or_else(|| server.max_connections.div_ceil(2));
    usize::try_from(share).unwrap_or(usize::MAX)
}

fn refuse_what_is_not_there_yet(serve: &ServeArgs) -> Result<(), SettingsError> {
    let ServeArgs { sources, tls, .. } = serve;
    let not_yet = |flag, feature, instead| Err(SettingsError::NotYet { flag, feature, instead });
    if tls.in_cluster.unwrap_or(sources.manifests.is_empty()) {
        return not_yet(
            "--in-cluster=true",
            "a certificate kept in the cluster (the default)",
            "give --in-cluster=false and the files --tls-cert and --tls-key",
        );
    }
    Ok(())
}

fn address(text: &str) -> Result<IpAddr, SettingsError> {
    if text.is_empty() {
        return Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    }
    text.parse().map_err(|_| invalid("--bind-address", text, "expected an IPv4 or IPv6 address"))
}

fn accounts(serve: &ServeArgs, discovery: &Discovery) -> Result<AccountSource, SettingsError> {
    let sources = &serve.sources;
    if !sources.manifests.is_empty() {
        if discovery.ip_family.is_some() {
            let why = "there is no cluster to ask";
            return Err(SettingsError::Conflict { one: "--manifests", other: "--ip-family=auto", why });
        }
        let why = "manifests stand in for the cluster";
        for (other, given) in [("--kubeconfig", &sources.kubeconfig), ("--kube-api", &sources.kube_api)] {
            if !given.is_empty() {
                return Err(SettingsError::Conflict { one: "--manifests", other, why });
            }
        }
        let namespaces = association_resources::namespaces(&sources.association_resources);
        return Ok(AccountSource::Manifests { paths: sources.manifests.clone(), namespaces });
    }
    let server = (!sources.kube_api.is_empty())
        .then(|| {
            let uri: Option<http::Uri> = sources.kube_api.parse().ok();
            uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))).ok_or_else(|| {
                invalid("--kube-api", &sources.kube_api, "expected a URL such as https://10.0.0.1:6443")
            })
        })
        .transpose()?;
    Ok(AccountSource::Cluster { kubeconfig: path(&sources.kubeconfig), server })
}

fn cluster_name(sources: &SourceArgs) -> Result<Option<ClusterName>, SettingsError> {
    let name = &sources.eks_cluster_name;
    let allowed = "expected 1 to 100 letters, digits, - and _, a letter or digit first";
    (!name.is_empty())
        .then(|| ClusterName::new(name).ok_or_else(|| invalid("--eks-cluster-name", name, allowed)))
        .transpose()
}

/// Empty is none, as in Go.
fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn config_map(serve: &ServeArgs, notices: &mut Vec<String>) -> Result<Option<String>, SettingsError> {
    let namespace = &serve.tls.namespace;
    if !serve.sources.watch_config_map {
        return Ok(None);
    }
    if !serve.sources.manifests.is_empty() {
        notices.push(
            "--watch-config-map has nothing to do: a ConfigMap of --manifests is read from there".into(),
        );
        return Ok(None);
    }
    if !name::is_label(namespace) {
        let allowed = "expected a namespace's name, for --watch-config-map";
        return Err(invalid("--namespace", namespace, allowed));
    }
    Ok(Some(namespace.clone()))
}

fn certificate(serve: &ServeArgs) -> Result<CertificateSource, SettingsError> {
    let tls = &serve.tls;
    let is_given = tls.tls_cert.is_some() || tls.tls_key.is_some();
    if !is_given && !serve.sources.manifests.is_empty() {
        return Ok(CertificateSource::InMemory { authority_out: tls.tls_ca_out.clone() });
    }
    if tls.tls_ca_out.is_some() {
        let why =
            "it writes the authority of a certificate made in memory, with --manifests and no --tls-cert";
        return Err(SettingsError::Conflict { one: "--tls-ca-out", other: "a certificate from files", why });
    }
    let or_default = |given: &Option<PathBuf>, default: &str| given.clone().unwrap_or_else(|| default.into());
    Ok(CertificateSource::Files {
        certificate: or_default(&tls.tls_cert, "/etc/webhook/certs/tls.crt"),
        key: or_default(&tls.tls_key, "/etc/webhook/certs/tls.key"),
    })
}

#[cfg(test)]
mod tests;
