//! What the agent's flags come to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use injection::name::is_subdomain;
use injection::policy::PolicyMode;

use super::args::{ServeArgs, UpstreamKind, Verbosity};
use super::cache::CacheSettings;
use super::taint::StartupTaint;
use crate::aws::ClusterName;
use crate::cli::error::{SettingsError, invalid};
use crate::identities::sources::association_resources::Controller;
use crate::kubernetes;
use crate::telemetry::Log;

/// STS' limits of a session.
const SHORTEST: Duration = Duration::from_mins(15);
const LONGEST: Duration = Duration::from_hours(12);

/// Where credentials come from, and how it is reached.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Where they come from.
    pub kind: UpstreamKind,
    /// The region, if a flag says it.
    pub region: Option<String>,
    /// The URL, instead of the region's.
    pub endpoint: Option<String>,
    /// The cluster.
    pub cluster: ClusterName,
    /// How long credentials of STS live.
    pub duration: Duration,
}

/// Where associations are read.
#[derive(Debug, Clone)]
pub struct GrantSettings {
    /// Custom resources, in the order in which they count.
    pub resources: Vec<Controller>,
    /// A file, which comes last.
    pub file: Option<PathBuf>,
    /// The role policy, and what is done about what it does not allow.
    pub policy: Option<(PathBuf, PolicyMode)>,
}

/// What the agent's flags come to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pods are answered.
    pub addresses: Vec<SocketAddr>,
    /// Where probes are answered.
    pub probes: SocketAddr,
    /// Where metrics are served.
    pub metrics: SocketAddr,
    /// The file for the port of probes, where agents of one node hand over to each other.
    pub handover: Option<PathBuf>,
    /// The file whose lock the one has that answers pods, where another stands by.
    pub standby: Option<PathBuf>,
    /// How much is kept, and for how long.
    pub cache: CacheSettings,
    /// Where credentials come from.
    pub upstream: UpstreamSettings,
    /// Where associations are read; `None` where the upstream knows them.
    pub grants: Option<GrantSettings>,
    /// Issuers of tokens; empty: the one that the API server names.
    pub issuers: Vec<String>,
    /// The audience of tokens.
    pub audience: String,
    /// This node's name, if it is known.
    pub node: Option<String>,
    /// Whether tokens of other nodes' pods are refused.
    pub verify_node: bool,
    /// The taint that is removed from this node once the agent answers.
    pub startup_taint: Option<StartupTaint>,
    /// Requests a second on one address.
    pub rate: u32,
    /// The cluster whose keys verify tokens.
    pub cluster: kubernetes::Settings,
    /// Form and verbosity of the log.
    pub log: Log,
}

impl Settings {
    /// What the flags come to, in this environment.
    pub fn new(
        args: &ServeArgs,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let name = &args.cluster_name;
        let cluster =
            ClusterName::new(name).ok_or_else(|| invalid("--cluster-name", name, ClusterName::EXPECTED))?;
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if args.rotate_credentials {
            return Err(invalid(
                "--rotate-credentials",
                "true",
                "hybrid nodes' shared credentials are not read again: leave it out",
            ));
        }
        let duration = args.credential_duration;
        if !(SHORTEST..=LONGEST).contains(&duration) {
            let text = format!("{}s", duration.as_secs());
            return Err(invalid("--credential-duration", &text, "expected 15m to 12h"));
        }
        if args.handover_file.is_empty() && !args.standby_lock.is_empty() {
            let (flag, other) = ("--standby-lock", "--handover-file");
            let why = "the two share the node's addresses";
            return Err(SettingsError::Incomplete { flag, other, why });
        }
        let node =
            filled(&args.node_name).or_else(|| environment("NODE_NAME").filter(|name| !name.is_empty()));
        Ok(Self {
            addresses: addresses(&args.bind_hosts, args.port)?,
            probes: SocketAddr::new(
                IpAddr::from([127, 0, 0, 1]),
                if args.handover_file.is_empty() { args.probe_port } else { 0 },
            ),
            handover: path(&args.handover_file),
            standby: path(&args.standby_lock),
            metrics: SocketAddr::new(args.metrics_address, args.metrics_port),
            cache: CacheSettings {
                entries: usize::try_from(args.max_cache_size).unwrap_or(usize::MAX),
                retention: args.max_credential_retention_before_renewal,
                renewals_per_second: args.max_service_qps,
            },
            upstream: UpstreamSettings {
                kind: args.upstream,
                region: filled(&args.region),
                endpoint: filled(&args.endpoint),
                cluster,
                duration,
            },
            grants: match args.upstream {
                UpstreamKind::EksAuth => None,
                UpstreamKind::WebIdentity => Some(grants(args)?),
            },
            issuers: args.issuers.clone(),
            audience: args.audience.clone(),
            startup_taint: startup_taint(&args.startup_taint, node.as_deref())?,
            node,
            verify_node: args.verify_node,
            rate: args.max_requests_per_second,
            cluster: (&args.kubernetes).try_into()?,
            log: Log {
                verbosity: match args.verbosity {
                    Verbosity::Trace => 6,
                    Verbosity::Debug => 4,
                    Verbosity::Info
                    | Verbosity::Warn
                    | Verbosity::Error
                    | Verbosity::Fatal
                    | Verbosity::Panic => 2,
                },
                format: args.log.log_format,
                is_quiet: !matches!(args.verbosity, Verbosity::Trace | Verbosity::Debug | Verbosity::Info),
            },
        })
    }
}

fn addresses(hosts: &[String], port: u16) -> Result<Vec<SocketAddr>, SettingsError> {
    let address = |host: &String| {
        let bare = host.trim().trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = bare.parse().ok();
        let refused = || invalid("--bind-hosts", host, "expected IPv4 and IPv6 addresses with commas");
        address.ok_or_else(refused).map(|address| SocketAddr::new(address, port))
    };
    hosts.iter().map(address).collect()
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// A node's name becomes part of a path here, so it has to be one.
fn startup_taint(key: &str, node: Option<&str>) -> Result<Option<StartupTaint>, SettingsError> {
    if key.is_empty() {
        return Ok(None);
    }
    let (flag, other) = ("--startup-taint", "--node-name");
    let why = "it is removed from this node alone; NODE_NAME of the environment is taken too";
    let node = node.ok_or(SettingsError::Incomplete { flag, other, why })?;
    if !is_subdomain(node) {
        return Err(invalid(other, node, "expected the name of a node, a DNS subdomain in small letters"));
    }
    StartupTaint::new(node, key).map(Some).ok_or_else(|| invalid(flag, key, StartupTaint::EXPECTED))
}

fn grants(args: &ServeArgs) -> Result<GrantSettings, SettingsError> {
    let text = &args.watch_association_resources;
    let controller = |name: &str| Controller::ALL.into_iter().find(|known| known.name() == name.trim());
    let named: Option<Vec<_>> =
        if text.is_empty() { Some(Vec::new()) } else { text.split(',').map(controller).collect() };
    let refused = || {
        let expected = "expected own, ack, crossplane or several of them with commas";
        invalid("--watch-association-resources", text, expected)
    };
    let mut resources = named.ok_or_else(refused)?;
    let mut seen = Vec::new();
    resources.retain(|controller| {
        let is_new = !seen.contains(controller);
        seen.push(*controller);
        is_new
    });
    let mode = args.role_policy_mode.unwrap_or(PolicyMode::Enforce);
    Ok(GrantSettings {
        resources,
        file: path(&args.watch_container_credentials_config),
        policy: path(&args.role_policy).map(|path| (path, mode)),
    })
}
