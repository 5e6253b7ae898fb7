//! The flags of `issuer publish`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::cli::log::LogArgs;
use crate::cli::user_cluster::UserClusterArgs;
use crate::cli::values;

/// Flags of `issuer publish`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(
    next_line_help = true,
    group = ArgGroup::new("source").required(true).multiple(true).args(["keys", "from_api_server", "api_server"]),
    after_help = "The keys that are published are those of all files and API servers, and those that were published before: a key that \
none of them has any more stays, for ever or for --retention, because tokens that it signed may still be in use. A key is \
taken away at once by --remove alone. Files may hold private keys, of which the public part is taken.

The history is a third file, beside the keys: since when each key is published, and since when no file and no API server \
has had it. It holds no secret and nobody else has to read it.

The identity that writes to S3 needs s3:GetObject and s3:PutObject on the three objects, and s3:ListBucket on the bucket, \
without which S3 answers AccessDenied for an object that does not exist. No ACLs are set: a bucket policy lets everybody read \
the discovery document and the keys.

Examples:
  pod-identity-webhook issuer publish --issuer=https://oidc.example.com/prod \\
    --keys=/etc/kubernetes/pki/sa.pub --to=/srv/www/prod --dry-run
  pod-identity-webhook issuer publish --issuer=https://irsa-prod.s3.eu-west-1.amazonaws.com \\
    --from-api-server --keys=new-sa.pub --to=s3://irsa-prod --region=eu-west-1
  pod-identity-webhook issuer publish --issuer=https://oidc.example.com/prod \\
    --api-server=https://10.0.0.1:6443 --api-server=https://10.0.0.2:6443 \\
    --to=s3://irsa-prod/prod --retention=48h --watch"
)]
pub struct PublishArgs {
    /// URL of the issuer, exactly as the API servers have it first in --service-account-issuer
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// Files of keys to publish, in PEM: public keys, private keys or certificates, RSA or EC; repeatable
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub keys: Vec<PathBuf>,
    /// Publish the keys that the cluster's API server has too
    #[arg(long)]
    pub from_api_server: bool,
    /// Ask the API server with this URL for its keys, as the kubeconfig's user; repeatable, for each API server of a cluster that has several
    #[arg(long, value_name = "URL")]
    pub api_server: Vec<String>,
    /// Where to write: the folder or the part of an S3 bucket that is served at the issuer's URL; s3:// needs the cargo feature eks-api
    #[arg(long, value_name = "FOLDER|s3://BUCKET/PREFIX")]
    pub to: String,
    /// Path of the keys below the issuer's URL
    #[arg(long, value_name = "PATH", default_value = "openid/v1/jwks")]
    pub keys_path: String,
    /// Take a key away once no file and no API server has had it for this long; without it, such keys stay for ever
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_hyphen_values = true)]
    pub retention: Option<Duration>,
    /// Withdraw the key with this id at once, and do not publish it again even if a file or an API server has it; needs --yes; repeatable
    #[arg(long, value_name = "KID")]
    pub remove: Vec<String>,
    /// Publish a key again that was withdrawn; repeatable
    #[arg(long, value_name = "KID")]
    pub restore: Vec<String>,
    /// Do what would be refused: remove keys, or write over documents of another issuer
    #[arg(long)]
    pub yes: bool,
    /// Show what would change, and write nothing
    #[arg(long, conflicts_with = "watch")]
    pub dry_run: bool,
    /// How long others may keep what they have read: max-age of Cache-Control, which S3 keeps with an object
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::duration, allow_hyphen_values = true)]
    pub max_age: Duration,
    /// AWS region of the bucket; without it, that of AWS_REGION or the profile
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile of the AWS configuration; without it, that of AWS_PROFILE
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Name the bucket in the path of S3's URLs, as with AWS_ENDPOINT_URL_S3 and for a bucket with a dot in its name
    #[arg(long)]
    pub s3_path_style: bool,
    /// Go on until a signal: read files and API servers again, and publish what is new
    #[arg(long, conflicts_with_all = ["remove", "restore", "yes"])]
    pub watch: bool,
    /// How often --watch reads files and API servers
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::duration, allow_hyphen_values = true)]
    pub interval: Duration,
    /// How --watch writes its log.
    #[command(flatten)]
    pub log: LogArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}
