//! The command line: the Go webhook's flags as they are, ours beside them. No flag is read from an
//! environment variable: Kubernetes sets `POD_IDENTITY_WEBHOOK_PORT=tcp://…` in every pod of a
//! namespace with a Service of that name.
//!
//! What was written is turned into [`crate::settings::Settings`]; nothing else reads it.

#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    reason = "the doc comments here are the text of --help"
)]

mod go;
mod klog;
mod sources;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use injection::policy::PolicyMode;
use injection::role::RoleArnValidation;

pub use klog::KlogArgs;
pub use sources::{AssociationResourceArgs, SourceArgs};

/// Everything that can be written on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "pod-identity-webhook",
    about = "Admission webhook that gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity, on any \
cluster. Without a subcommand it serves. It takes the arguments of amazon-eks-pod-identity-webhook as they are.",
    disable_help_subcommand = true,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    subcommand_negates_reqs = true,
    next_line_help = true,
    after_help = "Values follow = or a blank; those of booleans only =, and --flag alone means --flag=true. \
Durations are written 1m0s, 100ms, 0. The klog flags of the Go webhook are accepted; of them only -v has an effect."
)]
pub struct Args {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print the version
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = go::boolean, action = ArgAction::Set)]
    pub version: bool,
    /// What is injected.
    #[command(flatten)]
    pub injection: InjectionArgs,
    /// How it is served.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Accepted for the Go webhook's sake.
    #[command(flatten)]
    pub klog: KlogArgs,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print manifests with their AWS identity injected: offline, as the webhook would
    Inject(InjectArgs),
}

/// Flags of `inject`.
#[derive(Debug, ClapArgs)]
#[command(next_line_help = true)]
pub struct InjectArgs {
    /// Manifests to read, - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Where to read ServiceAccounts that the input lacks: a file or a folder; repeatable
    #[arg(long = "manifests", value_name = "PATH")]
    pub manifests: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default")]
    pub namespace: String,
    /// Association resources count for ServiceAccounts of the namespace that they are in themselves, and for no others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", value_parser = go::boolean, action = ArgAction::Set)]
    pub association_resources_own_namespace_only: bool,
    /// manifests, or patch: the JSON patch of each document, one a line
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = InjectOutput::Manifests,
          hide_possible_values = true)]
    pub output: InjectOutput,
    /// Print what was found and decided for every pod, and why, instead of the manifests
    #[arg(long, conflicts_with = "output")]
    pub explain: bool,
    /// What is injected.
    #[command(flatten)]
    pub injection: InjectionArgs,
}

/// What `inject` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InjectOutput {
    /// The manifests as they would be.
    Manifests,
    /// A line for each document: its JSON patch, `[]` where nothing is added.
    Patch,
}

/// Flags that say what is injected.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "What is injected")]
pub struct InjectionArgs {
    /// Domain of the annotations
    #[arg(long, value_name = "DOMAIN", default_value = "eks.amazonaws.com")]
    pub annotation_prefix: String,
    /// Region to set in pods that set none; empty: leave it to them
    #[arg(long, value_name = "REGION", default_value = "", hide_default_value = true)]
    pub aws_default_region: String,
    /// Set AWS_STS_REGIONAL_ENDPOINTS=regional, unless the ServiceAccount says otherwise
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = go::boolean, action = ArgAction::Set)]
    pub sts_regional_endpoint: bool,
    /// Lifetime of the token in seconds, 600 at least [default: 86400]
    #[arg(long, value_name = "SECONDS", value_parser = go::integer, allow_negative_numbers = true)]
    pub token_expiration: Option<i64>,
    /// IRSA: make ARNs of annotations that hold a role's name, in the account and partition below
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = go::boolean, action = ArgAction::Set)]
    pub compose_role_arn: bool,
    /// IRSA: account of roles that are given by name; empty: that of the EC2 instance this runs on
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub aws_account_id: String,
    /// IRSA: partition of that account, such as aws-cn; empty: that of --aws-default-region if the account is given, else of the instance's region
    #[arg(long, value_name = "PARTITION", default_value = "", hide_default_value = true)]
    pub aws_partition: String,
    /// IRSA: what to do about a role that is none by its ARN: warn, enforce (refuse the pod) or off
    #[arg(long, value_name = "MODE", default_value = "warn", value_parser = values::role_arn_validation(), hide_possible_values = true)]
    pub role_arn_validation: RoleArnValidation,
    /// IRSA: file that says which roles the pods of which namespaces may use, followed by a server; empty: any
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub role_policy: String,
    /// IRSA: what to do about a role that it does not allow: enforce (refuse the pod) or warn [default: enforce]
    #[arg(long, value_name = "MODE", value_parser = values::policy_mode(), hide_possible_values = true)]
    pub role_policy_mode: Option<PolicyMode>,
    /// IRSA: audience of the token
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com")]
    pub token_audience: String,
    /// IRSA: where the token is mounted
    #[arg(long, value_name = "PATH", default_value = "/var/run/secrets/eks.amazonaws.com/serviceaccount")]
    pub token_mount_path: String,
    /// Pod Identity: audience of the token
    #[arg(long, value_name = "AUDIENCE", default_value = "pods.eks.amazonaws.com")]
    pub container_credentials_audience: String,
    /// Pod Identity: where the token is mounted
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    )]
    pub container_credentials_token_mount_path: String,
    /// Pod Identity: name of the volume
    #[arg(long, value_name = "NAME", default_value = "eks-pod-identity-token")]
    pub container_credentials_token_volume_name: String,
    /// Pod Identity: path of the token in the volume
    #[arg(long, value_name = "PATH", default_value = "eks-pod-identity-token")]
    pub container_credentials_token_path: String,
    /// Pod Identity: where the node's agent answers, instead of its own address [default: by --ip-family, http://169.254.170.23/v1/credentials or http://[fd00:ec2::23]/v1/credentials]
    #[arg(long, value_name = "URI")]
    pub container_credentials_full_uri: Option<String>,
    /// Pod Identity: IP family of the pods: ipv4, ipv6 (sets AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6 too) or auto (that of the Service kubernetes, asked for at start)
    #[arg(long, value_name = "FAMILY", value_enum, default_value_t = IpFamily::Ipv4, hide_possible_values = true)]
    pub ip_family: IpFamily,
}

/// What `--ip-family` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// The cluster's own.
    Auto,
}

/// Flags that say how it is served.
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Where identities come from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Certificate and TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Addresses and limits.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Flags of the certificate and of TLS.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Certificate and TLS")]
pub struct TlsArgs {
    /// Keep the certificate in a Secret of the cluster (not yet available: use --in-cluster=false) [default: true without --manifests]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = go::boolean, action = ArgAction::Set)]
    pub in_cluster: Option<bool>,
    /// Certificate chain in PEM; read again when it changes [default: /etc/webhook/certs/tls.crt]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM; read again when it changes [default: /etc/webhook/certs/tls.key]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// With --manifests and no --tls-cert: write the CA of the certificate made in memory here
    #[arg(long, value_name = "FILE")]
    pub tls_ca_out: Option<PathBuf>,
    /// Lowest version of TLS: 1.2 or 1.3, also VersionTLS12; lower ones are raised to 1.2
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub tls_min_version: String,
    /// Cipher suites by Go's names, separated by commas; empty: all safe ones
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub tls_cipher_suites: String,
    /// Authorities in PEM whose client certificates may call /mutate, which then nobody else may; read again when it changes; empty: any client may call
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub client_ca_file: String,
    /// Name of the Service, for a certificate kept in the cluster
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub service_name: String,
    /// Namespace of the webhook, and of its ConfigMap
    #[arg(long, value_name = "NAMESPACE", default_value = "eks")]
    pub namespace: String,
    /// Name of the Secret, for a certificate kept in the cluster
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub tls_secret: String,
}

/// Flags of the server itself.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Address to listen on; empty: every address
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true)]
    pub bind_address: String,
    /// Port of the webhook, TLS
    #[arg(long, value_name = "PORT", default_value_t = 443, value_parser = go::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub port: u16,
    /// Port of metrics and probes, plain HTTP
    #[arg(long, value_name = "PORT", default_value_t = 9999, value_parser = go::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub metrics_port: u16,
    /// How long to serve on after SIGTERM, until no API server comes here any more
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = go::duration, allow_hyphen_values = true)]
    pub shutdown_delay: Duration,
    /// Connections to the webhook's port at the same time; for one more another is closed, what is silent first
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = go::within::<u32>(1..=1_000_000),
          allow_negative_numbers = true)]
    pub max_connections: u32,
    /// Of these, connections of one address (of one /64 in IPv6): with more, one of its own is closed first; 0: no share, for API servers behind one address [default: half of --max-connections]
    #[arg(long, value_name = "NUMBER", value_parser = go::within::<u32>(0..=1_000_000),
          allow_negative_numbers = true)]
    pub max_connections_per_peer: Option<u32>,
    /// MiB of the bodies of all requests in flight together, 16 at least
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = go::within::<u32>(16..=4095),
          allow_negative_numbers = true)]
    pub max_request_memory: u32,
    /// How logs are written to standard error: text or json
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    pub log_format: LogFormat,
    /// Serve /debug/alpha/cache and /debug/alpha/cache/clear on the metrics port (of a cluster alone), /debug/alpha/deny and /debug/alpha/500 on the other
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = go::boolean, action = ArgAction::Set)]
    pub enable_debugging_handlers: bool,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// An object a line.
    Json,
}
