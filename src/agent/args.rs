//! Flags of the agent. Those of AWS's agent have its names and defaults, so that its DaemonSet runs this one.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use injection::policy::PolicyMode;

use super::node::link::{LinkName, LinkType};
use crate::cli::injection::policy_mode;
use crate::cli::kubernetes::KubernetesArgs;
use crate::cli::log::LogArgs;
use crate::cli::values;

/// The name of the link, as AWS's agent has it.
const LINK: &str = "pod-id-link0";

/// Hand out credentials to the pods of this node, as the EKS Pod Identity agent does, on any cluster
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, next_line_help = true)]
pub struct AgentArgs {
    /// What to do; without it, serve.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Flags of the server.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What the agent does.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "a process has one")]
pub enum Verb {
    /// Serve, which is also done without this word
    Server(ServeArgs),
    /// Put 169.254.170.23 and fd00:ec2::23, at which SDKs ask, on a link of this node, as an init container does
    Initialize(InitializeArgs),
    /// Remove the link that `initialize` has made, with its addresses and routes
    Teardown(TeardownArgs),
    /// Ask the agent of this container how it is, as an exec probe does where --handover-file is given
    Probe(ProbeArgs),
    /// Print the version
    Version,
}

/// Flags of the server.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Name of the cluster, as EKS has it or as you call it; has to be given
    #[arg(long, short = 'c', value_name = "NAME", default_value = "", hide_default_value = true)]
    pub cluster_name: String,
    /// Port on which pods are answered
    #[arg(long, short = 'p', value_name = "PORT", default_value_t = 80)]
    pub port: u16,
    /// Addresses on which pods are answered; those that the node does not have are left out, but not all of them
    #[arg(
        long,
        short = 'b',
        value_name = "ADDRESSES",
        value_delimiter = ',',
        default_value = "169.254.170.23,[fd00:ec2::23]"
    )]
    pub bind_hosts: Vec<String>,
    /// Port of the probes on localhost
    #[arg(long, value_name = "PORT", default_value_t = 2703)]
    pub probe_port: u16,
    /// Let a newer agent listen beside this one, so that an upgrade leaves no gap: it shares the addresses and the port of
    /// metrics, listens once everything is read, and serves probes on a port that it writes to FILE, for 'agent probe'
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub handover_file: String,
    /// Stand by until the agent that holds the lock on FILE dies, and take over from it at once; needs --handover-file
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub standby_lock: String,
    /// Address of metrics
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub metrics_address: IpAddr,
    /// Port of metrics
    #[arg(long, value_name = "PORT", default_value_t = 2705)]
    pub metrics_port: u16,
    /// Longest time until credentials are renewed, which is done at half of their lifetime; 0: none are kept
    #[arg(long, value_name = "DURATION", default_value = "3h", value_parser = values::duration)]
    pub max_credential_retention_before_renewal: Duration,
    /// Pods whose credentials are kept; 0: none
    #[arg(long, value_name = "NUMBER", default_value_t = 2000)]
    pub max_cache_size: u32,
    /// Credentials that are renewed a second before a pod asks for them
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = values::within::<u32>(1..=1000))]
    pub max_service_qps: u32,
    /// Not supported: shared credentials of hybrid nodes that are read again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub rotate_credentials: bool,
    /// URL of EKS Auth or STS, instead of the region's
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    pub endpoint: String,
    /// How much is logged: trace, debug, info, warn or error
    #[arg(long, short = 'v', value_name = "LEVEL", value_enum, default_value_t = Verbosity::Info, hide_possible_values = true)]
    pub verbosity: Verbosity,

    /// Where credentials come from: eks-auth (EKS knows the associations) or web-identity (STS, by the pod's own token, with the associations of this cluster)
    #[arg(long, value_name = "UPSTREAM", value_enum, default_value_t = UpstreamKind::EksAuth, hide_possible_values = true)]
    pub upstream: UpstreamKind,
    /// Region of AWS; empty: AWS_REGION and what else the SDK looks at
    #[arg(long, value_name = "REGION", default_value = "", hide_default_value = true)]
    pub region: String,
    /// web-identity: custom resources that hold associations, of which an earlier one counts before a later one: own, ack, crossplane
    #[arg(long, value_name = "NAMES", default_value = "own")]
    pub watch_association_resources: String,
    /// web-identity: JSON file that holds associations with their roleArn
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub watch_container_credentials_config: String,
    /// web-identity: how long a role's credentials live, which its maximum session duration must allow
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    pub credential_duration: Duration,
    /// web-identity: file that says which roles the pods of which namespaces may use; empty: any role
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub role_policy: String,
    /// What to do about a role that --role-policy does not allow: enforce or warn [default: enforce]
    #[arg(long, value_name = "MODE", value_parser = policy_mode(), hide_possible_values = true)]
    pub role_policy_mode: Option<PolicyMode>,
    /// Issuer of the pods' tokens, if not the one that the API server names; repeatable
    #[arg(long = "issuer", value_name = "URL")]
    pub issuers: Vec<String>,
    /// Audience of the pods' tokens
    #[arg(long, value_name = "AUDIENCE", default_value = "pods.eks.amazonaws.com")]
    pub audience: String,
    /// Name of this node, whose pods alone are answered; empty: NODE_NAME of the environment
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub node_name: String,
    /// Refuse tokens of pods of other nodes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", value_parser = values::boolean, action = ArgAction::Set)]
    pub verify_node: bool,
    /// Key of a taint that is removed from this node once the agent answers, so that pods come after it; empty: none
    #[arg(long, value_name = "KEY", default_value = "", hide_default_value = true)]
    pub startup_taint: String,
    /// Requests that one address is answered a second, and half as many at once; a pod may take a fifth of them
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = values::within::<u32>(10..=10_000_000))]
    pub max_requests_per_second: u32,
    /// The cluster whose keys verify tokens.
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    /// How logs are written.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `initialize`. AWS's agent has none, and so none is needed.
#[derive(Debug, Args)]
#[command(
    after_help = "It runs in the host's network namespace (hostNetwork: true) and needs CAP_NET_ADMIN. What is there \
is used as it is, the link of AWS's agent too: a second run changes nothing. It fails, and says what to do, if another \
interface has one of the addresses or a route to it. On a node without IPv6, or without IPv4, the other address is \
enough."
)]
pub struct InitializeArgs {
    /// Name of the link
    #[arg(long, value_name = "NAME", default_value = LINK)]
    pub link: LinkName,
    /// Type of the link: dummy, bridge (one without ports), or auto, which takes a bridge where the kernel has no dummy
    #[arg(long, value_name = "TYPE", value_enum, default_value_t = LinkType::Auto, hide_possible_values = true)]
    pub link_type: LinkType,
}

/// Flags of `teardown`.
#[derive(Debug, Args)]
#[command(
    after_help = "It needs what 'agent initialize' needs. The link is removed only if it is a dummy or a bridge \
without ports and has no addresses but the agent's. If there is no such link, there is nothing to do, which is no error."
)]
pub struct TeardownArgs {
    /// Name of the link
    #[arg(long, value_name = "NAME", default_value = LINK)]
    pub link: LinkName,
}

/// Flags of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// What to ask: live or ready
    #[arg(value_name = "QUESTION", value_enum, hide_possible_values = true)]
    pub question: Question,
    /// The file that is the server's --handover-file
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// What a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Whether it answers at all.
    Live,
    /// Whether it answers pods.
    Ready,
}

/// Where credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UpstreamKind {
    /// EKS Auth.
    EksAuth,
    /// STS, by the pod's own token.
    WebIdentity,
}

/// How much is logged, by the words of AWS's agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verbosity {
    /// Everything.
    Trace,
    /// What explains decisions.
    Debug,
    /// What an operator wants to know.
    Info,
    /// What is wrong.
    Warn,
    /// The same.
    Error,
    /// The same.
    Fatal,
    /// The same.
    Panic,
}
