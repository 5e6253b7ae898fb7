//! The flags that say what is injected.

#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    reason = "the doc comments here are the text of --help"
)]

use clap::{ArgAction, Args};
use injection::policy::PolicyMode;
use injection::role::RoleArnValidation;

use super::words;
use crate::cli::values;

/// Flags that say what is injected.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is injected")]
pub struct InjectionArgs {
    /// Domain of the annotations
    #[arg(long, value_name = "DOMAIN", default_value = "eks.amazonaws.com")]
    pub annotation_prefix: String,
    /// Region for pods that do not set one themselves; empty: set no region
    #[arg(long, value_name = "REGION", default_value = "", hide_default_value = true)]
    pub aws_default_region: String,
    /// Set AWS_STS_REGIONAL_ENDPOINTS=regional, unless the ServiceAccount says otherwise
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub sts_regional_endpoint: bool,
    /// Lifetime of the token in seconds, at least 600 [default: 86400]
    #[arg(long, value_name = "SECONDS", value_parser = values::integer, allow_negative_numbers = true)]
    pub token_expiration: Option<i64>,
    /// IRSA: turn annotations with only a role's name into ARNs, in the account and partition below
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub compose_role_arn: bool,
    /// IRSA: AWS account of roles that are given by name; empty: the account of the EC2 instance this runs on
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub aws_account_id: String,
    /// IRSA: partition of that account, such as aws-cn; empty: the partition of --aws-default-region if the account is given, else that of the instance's region
    #[arg(long, value_name = "PARTITION", default_value = "", hide_default_value = true)]
    pub aws_partition: String,
    /// IRSA: what to do about a role that is not a valid IAM role ARN: warn, enforce (refuse the pod) or off
    #[arg(long, value_name = "MODE", default_value = "warn", value_parser = words::role_arn_validation(), hide_possible_values = true)]
    pub role_arn_validation: RoleArnValidation,
    /// IRSA: file that says which roles the pods of which namespaces may use; the webhook follows its changes; empty: any role
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub role_policy: String,
    /// IRSA: what to do about a role that --role-policy does not allow: enforce (refuse the pod) or warn [default: enforce]
    #[arg(long, value_name = "MODE", value_parser = words::policy_mode(), hide_possible_values = true)]
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
    /// Pod Identity: URL of the node's agent, if it is not at its usual address [default: by --ip-family, http://169.254.170.23/v1/credentials or http://[fd00:ec2::23]/v1/credentials]
    #[arg(long, value_name = "URI")]
    pub container_credentials_full_uri: Option<String>,
    /// Pod Identity: give the role of its account, if it has one, to a pod that asks for nodes without an agent: Fargate, Windows, a virtual kubelet
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub no_agent_fallback: bool,
    /// Pod Identity: IP family of the pods: ipv4, ipv6 (sets AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6 too) or auto (the family of the Service kubernetes, which is read at start)
    #[arg(long, value_name = "FAMILY", value_enum, default_value_t = IpFamilyFlag::Ipv4, hide_possible_values = true)]
    pub ip_family: IpFamilyFlag,
}

/// What `--ip-family` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IpFamilyFlag {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// The family of the cluster's Service `kubernetes`.
    Auto,
}
