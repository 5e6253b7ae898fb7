//! The EKS API as a source of associations, against a stand-in: the source by itself, with a pace
//! that no argument reaches, and the real binary with the environment of a pod.

mod bad_answers;
mod binary;
mod credentials;
mod example;
mod look_ups;
mod polls;
mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eks::Client;
use aws_sdk_eks::config::{BehaviorVersion, Config, Credentials, Region};
use injection::annotation::Prefix;
use injection::{AccountName, Grant, Need, Precedence};
use pod_identity_webhook::aws::ClusterName;
use pod_identity_webhook::identities::association_set::AssociationSet;
use pod_identity_webhook::identities::associations::Associations;
use pod_identity_webhook::identities::offline::Manifests;
use pod_identity_webhook::identities::sources::association_resources::Namespaces;
use pod_identity_webhook::identities::sources::eks_api::{Connection, EksApi, EksPace, NAME};
use pod_identity_webhook::identities::{Accounts, Identities, Unavailable};
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::source::Source;
use pod_identity_webhook::webhook::Metrics;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::wait::until;
use stand_in::{CLUSTER, KEYS, REGION, SECRET, SESSION, StandIn};

/// A source that is followed, with the identities that ask it.
struct Watched {
    identities: Identities,
    source: Arc<Source<AssociationSet>>,
    readiness: Readiness,
    metrics: Metrics,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The default pace with short waits.
fn pace() -> EksPace {
    EksPace {
        interval: Duration::from_millis(20),
        first_retry: Duration::from_millis(10),
        longest: Duration::from_millis(100),
        attempt_wait: Duration::from_millis(2),
        ..EksPace::default()
    }
}

/// A pace that polls once, and then not again in a test's time.
fn once() -> EksPace {
    EksPace { interval: Duration::from_hours(1), ..pace() }
}

/// A client that signs with the first of [`KEYS`]. Without TLS: a test machine may have no roots.
fn client(eks: &StandIn) -> Client {
    let credentials = Credentials::new(KEYS[0], SECRET, Some(SESSION.to_owned()), None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(eks.url())
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

impl Watched {
    /// Begins to follow this API, which need not work.
    fn begin(eks: &StandIn, pace: EksPace) -> Self {
        Self::begin_for(CLUSTER, eks, pace)
    }

    fn begin_for(cluster: &str, eks: &StandIn, pace: EksPace) -> Self {
        let (readiness, metrics) = (Readiness::default(), Metrics::new().unwrap());
        let source = Source::new(NAME, AssociationSet::len, &readiness, &metrics.sources);
        let cluster = ClusterName::new(cluster).unwrap();
        let api = EksApi::new(cluster, Connection::Client(client(eks)), pace, source.clone());
        let task = tokio::spawn(api.clone().follow());
        let world = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/world.yaml");
        let prefix = Prefix::new("eks.amazonaws.com").unwrap();
        let accounts = Manifests::read(&[world.into()], "default", &prefix, Namespaces::default()).unwrap();
        let identities = Identities::new(
            Accounts::Manifests(Arc::new(accounts)),
            vec![Associations::Askable(Arc::new(api.single_lookups()))],
            None,
        );
        Self { identities, source, readiness, metrics, task }
    }

    /// Follows this API and waits until it was read.
    async fn start(eks: &StandIn, pace: EksPace) -> Self {
        let watched = Self::begin(eks, pace);
        until("the first set", async || watched.source.is_synced().then_some(())).await;
        watched
    }

    /// Whether an account of `shop` is given Pod Identity.
    async fn is_associated(&self, name: &str, need: Need) -> Result<bool, Unavailable> {
        self.is_associated_within(Duration::from_secs(30), name, need).await
    }

    async fn is_associated_within(
        &self,
        time: Duration,
        name: &str,
        need: Need,
    ) -> Result<bool, Unavailable> {
        let found = self
            .identities
            .find(AccountName::new("shop", name), need, Precedence::Association, Instant::now() + time)
            .await?;
        Ok(matches!(found.grant.as_deref(), Some(Grant::Association(_))))
    }

    /// Waits until the set has so many associations.
    async fn wait_for_len(&self, len: usize) {
        let known = || self.source.current().map(|set| set.len());
        until("the set", async || (known() == Some(len)).then_some(())).await;
    }

    /// Waits until readiness says this of the source.
    async fn wait_for_report(&self, text: &str) {
        until(text, async || self.readiness.report().1.contains(text).then_some(())).await;
    }

    /// The value of one of the source's metrics.
    fn metric(&self, name: &str) -> f64 {
        let line = format!("pod_identity_webhook_source_{name} ");
        let text = self.metrics.registry.scrape().unwrap();
        text.lines().find_map(|text| text.strip_prefix(&line)).unwrap_or("0").parse().unwrap()
    }
}
