//! Replicas in simulated time, and what an API server makes of what they serve.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use pod_identity_webhook::certificates::self_managed::Periods;
use pod_identity_webhook::certificates::self_managed::{self, Certificate, Keeper, Objects, SelfManaged};
use pod_identity_webhook::certificates::{Clock, Metrics, Store};
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::telemetry::Registry;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};

use super::cluster::Cluster;

/// Seconds since 1970 at which every test begins.
pub const BEGIN: u64 = 1_800_000_000;

/// Periods of seconds, so that a simulated hour has many rotations.
pub const PERIODS: Periods = Periods {
    authority: Duration::from_mins(1),
    leaf: Duration::from_secs(12),
    wait: Duration::from_secs(2),
};

/// The time that simulations have in common.
#[derive(Clone, Copy)]
pub struct Time(Instant);

impl Time {
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    pub fn now(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(BEGIN) + self.0.elapsed()
    }
}

/// One replica; it ends as a killed one does when it is dropped.
pub struct Replica {
    pub store: Arc<Store>,
    pub readiness: Readiness,
    pub registry: Registry,
    task: JoinHandle<()>,
    /// What was accepted last, and when: signatures are slow without optimisation.
    accepted: RefCell<Option<(Vec<u8>, Instant)>>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Replica {
    /// Starts a replica whose machine's clock is the simulation's.
    pub fn start(cluster: &Cluster, time: Time, periods: Periods) -> Self {
        Self::with_clock(cluster, Clock::new(move || time.now()), periods)
    }

    /// Starts a replica with a clock of its own.
    pub fn with_clock(cluster: &Cluster, clock: Clock, periods: Periods) -> Self {
        let objects = Objects {
            service: "webhook".to_owned(),
            namespace: "eks".to_owned(),
            secret: "authority".to_owned(),
            registration: "webhook.eks".to_owned(),
        };
        let (readiness, registry) = (Readiness::default(), Registry::new().unwrap());
        let metrics = (Metrics::new(&registry).unwrap(), self_managed::Metrics::new(&registry).unwrap());
        let settings = SelfManaged { objects, periods };
        let keeper = Keeper::new(cluster.client(), settings, clock, metrics, &readiness).unwrap();
        let store = keeper.store();
        Self { store, readiness, registry, task: tokio::spawn(keeper.run()), accepted: RefCell::default() }
    }

    pub fn is_ready(&self) -> bool {
        self.readiness.report().0
    }

    /// What an API server that trusts these says of a handshake at this time.
    pub fn accepted_by(&self, bundle: &[Certificate], now: SystemTime) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        for certificate in bundle {
            roots.add(certificate.der().clone()).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = verifier.map_err(|error| error.to_string())?;
        let pair = self.store.current().certified();
        let since = now.duration_since(UNIX_EPOCH).unwrap();
        let name = ServerName::try_from("webhook.eks.svc").unwrap();
        let verdict =
            verifier.verify_server_cert(&pair.cert[0], &[], &name, &[], UnixTime::since_unix_epoch(since));
        verdict.map(|_| ()).map_err(|error| error.to_string())
    }

    /// What the API servers say that may know any of these bundles.
    pub fn accepted(&self, cluster: &Cluster, time: Time) -> Result<(), String> {
        let bundles = cluster.known_bundles();
        let mut asked = self.store.current().certified().cert[0].to_vec();
        for bundle in &bundles {
            asked.push(0);
            for certificate in bundle {
                asked.extend_from_slice(certificate.der());
            }
        }
        if let Some((last, at)) = &*self.accepted.borrow()
            && *last == asked
            && at.elapsed() < Duration::from_secs(1)
        {
            return Ok(());
        }
        bundles.iter().try_for_each(|bundle| self.accepted_by(bundle, time.now()))?;
        self.accepted.replace(Some((asked, Instant::now())));
        Ok(())
    }

    pub fn metric(&self, line: &str) -> bool {
        self.registry.scrape().unwrap().lines().any(|one| one == line)
    }
}

/// Waits until something holds, for a simulated minute; says how long it took.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_mins(1), "waited for a minute until {what}");
        sleep(Duration::from_millis(20)).await;
    }
    begin.elapsed()
}
