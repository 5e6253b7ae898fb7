//! The STS as a program. See the README beside it for what it prints.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use e2e_aws::authority::Authority;
use e2e_aws::bucket::S3;
use e2e_aws::cue::Cue;
use e2e_aws::eks_auth::{EksAuth, NodeKey};
use e2e_aws::keys::{KeySource, Place};
use e2e_aws::provider::Provider;
use e2e_aws::server::{self, Sts};
use e2e_aws::sessions::Sessions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// An STS for tests: verifies projected tokens, issues credentials that nothing else takes.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one, which the first line tells.
    #[arg(long, default_value_t = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8080)))]
    listen: SocketAddr,
    /// The cluster's issuer, to the letter as in its tokens.
    #[arg(long)]
    issuer: String,
    /// An audience that is taken; may be given several times.
    #[arg(long = "client-id", default_value = "sts.amazonaws.com")]
    client_ids: Vec<String>,
    /// JSON: role ARN to IAM trust policy; read at each call.
    #[arg(long)]
    roles: PathBuf,
    /// The key set; by default that of the cluster this runs in.
    #[arg(long)]
    jwks_url: Option<String>,
    /// Ask where the issuer's own discovery document says, as AWS does; it is shown no token.
    #[arg(long, conflicts_with = "jwks_url")]
    discover: bool,
    /// Who signed the certificate of an https key set, or of the issuer that is to be discovered.
    #[arg(long, default_value = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")]
    ca_file: PathBuf,
    /// The token to show to an https key set; read at each fetch.
    #[arg(long, default_value = "/var/run/secrets/kubernetes.io/serviceaccount/token")]
    token_file: PathBuf,
    /// The shortest `DurationSeconds` that is taken.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    shortest_duration: u64,
    /// How long all credentials live, whatever was asked for.
    #[arg(long, value_name = "SECONDS")]
    credential_lifetime: Option<u64>,
    /// A file with the code by which every call for credentials fails while it is there; read at each call.
    #[arg(long, value_name = "FILE")]
    fail: Option<PathBuf>,
    /// JSON: bucket to readers (roles) and objects (keys and bytes); read at each call.
    #[arg(long, value_name = "FILE")]
    buckets: Option<PathBuf>,
    #[command(flatten)]
    eks_auth: EksAuthArgs,
}

/// EKS Auth is served if there is a node's key.
#[derive(Parser)]
struct EksAuthArgs {
    /// JSON: a list of namespace, serviceAccount, roleArn and associationId; read at each call.
    #[arg(long, value_name = "FILE")]
    associations: Option<PathBuf>,
    /// The access key with which Pod Identity agents sign.
    #[arg(long, env, requires = "node_secret_access_key")]
    node_access_key_id: Option<String>,
    /// Its secret half.
    #[arg(long, env, hide_env_values = true, requires = "node_access_key_id")]
    node_secret_access_key: Option<String>,
}

impl EksAuthArgs {
    fn settings(self) -> Option<EksAuth> {
        let Self { associations, node_access_key_id, node_secret_access_key } = self;
        let node = NodeKey { access_key_id: node_access_key_id?, secret_access_key: node_secret_access_key? };
        Some(EksAuth { node, associations })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Args {
        listen,
        issuer,
        client_ids,
        roles,
        jwks_url,
        discover,
        ca_file,
        token_file,
        shortest_duration,
        credential_lifetime,
        fail,
        buckets,
        eks_auth,
    } = Args::parse();
    let place = if discover {
        Place::Discovered(issuer.clone())
    } else {
        let jwks_url = jwks_url.map_or_else(in_cluster, Ok)?;
        let address = jwks_url.parse().with_context(|| format!("no address of a key set: {jwks_url}"))?;
        Place::ApiServer(address, token_file)
    };
    let keys = KeySource::new(place, &ca_file)?;
    let authority = Authority {
        provider: Provider { issuer, client_ids },
        keys,
        roles,
        lifetime: credential_lifetime.map(Duration::from_secs),
        sessions: Sessions::default(),
    };
    let shortest = Duration::from_secs(shortest_duration);
    let (eks_auth, s3) = (eks_auth.settings(), buckets.map(S3));
    let sts = Arc::new(Sts { authority, eks_auth, s3, shortest, cue: Cue(fail) });
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("failed to listen on {listen}"))?;
    // A process with the id 1 ends by SIGTERM only if it asks for it.
    let mut end = signal(SignalKind::terminate())?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        biased;
        _ = end.recv() => Ok(()),
        never = server::serve(listener, sts) => match never {},
    }
}

/// The key set's URL by address, as Kubernetes' own clients do: a test cluster may have no DNS.
fn in_cluster() -> Result<String> {
    let variable = |name| std::env::var(name).with_context(|| format!("no --jwks-url, and no {name}"));
    let host = variable("KUBERNETES_SERVICE_HOST")?;
    let port = variable("KUBERNETES_SERVICE_PORT")?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(format!("https://{host}:{port}/openid/v1/jwks"))
}
