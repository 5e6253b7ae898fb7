//! What the process runs with: the command line, checked and given types. A value that passed here
//! can be relied on; whatever is wrong is said in one line and ends the start with exit code 2.

mod display;
mod tls;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::args::{Args, InjectionArgs, LogFormat, ServeArgs};
use crate::injection::Defaults;
use crate::injection::annotation::Prefix;
use crate::injection::defaults::{TokenVolume, WEB_IDENTITY_TOKEN_PATH, WEB_IDENTITY_VOLUME};
use crate::injection::grant::{MAX_LIFETIME, MIN_LIFETIME};

pub use tls::TlsSettings;

/// Largest body that is read: two objects of the 3 MB that etcd is commonly allowed, and slack.
pub const BODY_LIMIT: usize = 7 << 20;

/// Everything a server runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is injected.
    pub defaults: Defaults,
    /// Where ServiceAccounts are read.
    pub accounts: AccountSource,
    /// The serving certificate.
    pub certificate: CertificateSource,
    /// Versions and cipher suites.
    pub tls: TlsSettings,
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
    Manifests(Vec<PathBuf>),
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

/// How much of everything at once, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of all bodies in flight together; further ones wait to be read.
    pub request_memory: usize,
    /// One body.
    pub body: usize,
    /// From a connection's start to its first request's headers, the TLS handshake included.
    pub first_request: Duration,
    /// From one answer to the next request's headers. hyper's header time is the idle time of a
    /// kept connection too, and the API server keeps one for about 90 s.
    pub idle: Duration,
    /// From a request's headers to its answer.
    pub request: Duration,
    /// One live look-up.
    pub lookup: Duration,
    /// From the signal to stop, once the delay is over, to the end of the last connection.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            request_memory: 64 << 20,
            body: BODY_LIMIT,
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            request: Duration::from_secs(10),
            lookup: Duration::from_millis(1500),
            drain: Duration::from_secs(15),
        }
    }
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
        Ok(Self {
            defaults: defaults(injection, &mut notices)?,
            accounts: accounts(serve)?,
            certificate: certificate(serve)?,
            tls: TlsSettings::new(&tls.tls_min_version, &tls.tls_cipher_suites, &mut notices)?,
            address: SocketAddr::new(address, server.port),
            metrics_address: SocketAddr::new(address, server.metrics_port),
            limits: Limits {
                connections: usize::try_from(server.max_connections).unwrap_or(usize::MAX),
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

fn refuse_what_is_not_there_yet(serve: &ServeArgs) -> Result<(), SettingsError> {
    let ServeArgs { sources, tls, .. } = serve;
    let not_yet = |flag, feature, instead| Err(SettingsError::NotYet { flag, feature, instead });
    if sources.watch_config_map {
        return not_yet(
            "--watch-config-map",
            "identities from the ConfigMap pod-identity-webhook",
            "annotate the ServiceAccounts instead",
        );
    }
    if !sources.watch_container_credentials_config.is_empty() {
        return not_yet(
            "--watch-container-credentials-config",
            "Pod Identity associations from a watched file",
            "list them in a file for --manifests",
        );
    }
    if sources.compose_role_arn {
        return not_yet(
            "--compose-role-arn",
            "role ARNs made of names",
            "write whole ARNs into the annotations",
        );
    }
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

fn accounts(serve: &ServeArgs) -> Result<AccountSource, SettingsError> {
    let sources = &serve.sources;
    if !sources.manifests.is_empty() {
        let why = "manifests stand in for the cluster";
        for (other, given) in [("--kubeconfig", &sources.kubeconfig), ("--kube-api", &sources.kube_api)] {
            if !given.is_empty() {
                return Err(SettingsError::Conflict { one: "--manifests", other, why });
            }
        }
        return Ok(AccountSource::Manifests(sources.manifests.clone()));
    }
    let server = (!sources.kube_api.is_empty())
        .then(|| {
            let uri: Option<http::Uri> = sources.kube_api.parse().ok();
            uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))).ok_or_else(|| {
                invalid("--kube-api", &sources.kube_api, "expected a URL such as https://10.0.0.1:6443")
            })
        })
        .transpose()?;
    let kubeconfig = (!sources.kubeconfig.is_empty()).then(|| PathBuf::from(&sources.kubeconfig));
    Ok(AccountSource::Cluster { kubeconfig, server })
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

/// Checks the flags of injection. A value that makes a pod the API server refuses loses that pod,
/// whatever the failurePolicy: so every one is checked before the first pod comes.
pub fn defaults(args: &InjectionArgs, notices: &mut Vec<String>) -> Result<Defaults, SettingsError> {
    let annotation_prefix = Prefix::new(&args.annotation_prefix).ok_or_else(|| {
        invalid(
            "--annotation-prefix",
            &args.annotation_prefix,
            "expected a DNS name such as eks.amazonaws.com",
        )
    })?;
    Ok(Defaults {
        annotation_prefix,
        region: region(&args.aws_default_region)?,
        regional_sts: args.sts_regional_endpoint,
        lifetime: lifetime(args.token_expiration, notices),
        lifetime_is_explicit: args.token_expiration.is_some(),
        web_identity: TokenVolume {
            audience: audience("--token-audience", &args.token_audience)?,
            mount_path: mount_path("--token-mount-path", &args.token_mount_path)?,
            name: WEB_IDENTITY_VOLUME.to_owned(),
            token_path: WEB_IDENTITY_TOKEN_PATH.to_owned(),
        },
        container_credentials: TokenVolume {
            audience: audience("--container-credentials-audience", &args.container_credentials_audience)?,
            mount_path: mount_path(
                "--container-credentials-token-mount-path",
                &args.container_credentials_token_mount_path,
            )?,
            name: volume_name(&args.container_credentials_token_volume_name)?,
            token_path: token_path(&args.container_credentials_token_path)?,
        },
        credentials_full_uri: full_uri(&args.container_credentials_full_uri)?,
    })
}

fn region(text: &str) -> Result<Option<String>, SettingsError> {
    let fits = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if !fits {
        return Err(invalid("--aws-default-region", text, "expected a region such as eu-west-1"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn lifetime(asked: Option<i64>, notices: &mut Vec<String>) -> u64 {
    const DEFAULT: u64 = 86_400;
    let Some(seconds) = asked else {
        return DEFAULT;
    };
    let positive = u64::try_from(seconds).unwrap_or(0);
    let clamped = positive.clamp(MIN_LIFETIME, MAX_LIFETIME);
    if i64::try_from(clamped) != Ok(seconds) {
        notices.push(format!(
            "--token-expiration {seconds} is not within {MIN_LIFETIME} to {MAX_LIFETIME}: {clamped} is used"
        ));
    }
    clamped
}

fn audience(flag: &'static str, text: &str) -> Result<String, SettingsError> {
    if text.is_empty() {
        // Kubernetes would make a token for the API server itself, which AWS must never see.
        return Err(invalid(flag, text, "expected an audience"));
    }
    Ok(text.to_owned())
}

fn mount_path(flag: &'static str, text: &str) -> Result<String, SettingsError> {
    // Kubernetes refuses a colon; a relative path means another place on every runtime.
    if !text.starts_with('/') || text.contains(':') || text.chars().any(char::is_control) {
        return Err(invalid(flag, text, "expected an absolute path without a colon"));
    }
    Ok(text.to_owned())
}

fn volume_name(text: &str) -> Result<String, SettingsError> {
    let is_label = text.len() <= 63 && !text.contains('.') && Prefix::new(text).is_some();
    if !is_label {
        let allowed = "expected a volume's name: at most 63 of a-z, 0-9 and -, no - at either end";
        return Err(invalid("--container-credentials-token-volume-name", text, allowed));
    }
    Ok(text.to_owned())
}

fn token_path(text: &str) -> Result<String, SettingsError> {
    let climbs = text.split('/').any(|part| part == "..");
    if text.is_empty()
        || text.starts_with('/')
        || text.starts_with("..")
        || climbs
        || text.chars().any(char::is_control)
    {
        let allowed = "expected a relative path that does not climb";
        return Err(invalid("--container-credentials-token-path", text, allowed));
    }
    Ok(text.to_owned())
}

fn full_uri(text: &str) -> Result<String, SettingsError> {
    let is_url = text
        .parse::<http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    if !is_url {
        let allowed = "expected a URL such as http://169.254.170.23/v1/credentials";
        return Err(invalid("--container-credentials-full-uri", text, allowed));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
