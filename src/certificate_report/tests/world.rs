//! A cluster in which all is well, for tests to break.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificate_report::judge::judge;
use crate::certificate_report::report::Report;
use crate::certificate_report::seen::{Contents, Replica, Replicas, Seen, Served, Unread};
use crate::certificates::self_managed::{
    Authority, Certificate, Names, Objects, Previous, State, Unusable, aside, entries, read, write,
};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const DAY: i64 = 86_400;
pub(super) const YEAR: Duration = Duration::from_hours(8760);

pub(super) fn names() -> Names {
    Names::of_service("webhook", "eks")
}

/// An authority of so many days ago.
pub(super) fn authority(days: i64) -> Arc<Authority> {
    Authority::make(&names(), NOW - days * DAY, YEAR).unwrap()
}

/// What a replica serves that made it so many hours ago.
pub(super) fn served(authority: &Authority, hours: i64) -> Served {
    let leaf = authority.leaf(&names(), NOW - hours * 3600, Duration::from_hours(24)).unwrap();
    Served::of_pem(&leaf.chain_pem()).unwrap()
}

pub(super) fn replica(pod: &str, is_ready: bool, served: Served) -> Replica {
    Replica { pod: pod.to_owned(), is_ready, served: Ok(served) }
}

pub(super) fn failed(why: &str) -> Unread {
    Unread::Failed(why.to_owned())
}

pub(super) fn forbidden() -> Unread {
    Unread::Forbidden("403 Forbidden: pods is forbidden".to_owned())
}

/// A cluster with two entries and two replicas.
pub(super) struct World {
    pub(super) signing: Arc<Authority>,
    pub(super) secret: Value,
    pub(super) seen: Seen,
}

impl World {
    pub(super) fn well() -> Self {
        let signing = authority(10);
        let state = State::of(signing.clone());
        let mut world = Self {
            secret: json!({}),
            seen: Seen {
                now: NOW,
                secret: Ok(None),
                entries: Ok(None),
                replicas: Ok(Replicas::Pods(vec![
                    replica("webhook-a", true, served(&signing, 1)),
                    replica("webhook-b", true, served(&signing, 2)),
                ])),
                own: None,
            },
            signing,
        };
        world.store(&state, &[]);
        world.trust(&[world.signing.certificate().clone()]);
        world
    }

    /// The Secret says this from now on.
    pub(super) fn store(&mut self, state: &State, unusable: &[Unusable]) {
        write(&mut self.secret, state, unusable, NOW);
        self.read();
    }

    /// The Secret's key has this text from now on.
    pub(super) fn set(&mut self, key: &str, text: &str) {
        self.secret["data"][key] = STANDARD.encode(text).into();
        self.read();
    }

    fn read(&mut self) {
        let stored = read(&self.secret, &names(), NOW);
        self.seen.secret = Ok(Some(Contents { stored, aside: aside(&self.secret) }));
    }

    /// Every entry trusts these from now on.
    pub(super) fn trust(&mut self, certificates: &[Certificate]) {
        let bundle: String = certificates.iter().map(Certificate::pem).collect();
        self.bundle(&[("iam-for-pods.amazonaws.com", &bundle), ("required.pod-identity", &bundle)]);
    }

    /// These are the entries from now on, each with its bundle.
    pub(super) fn bundle(&mut self, bundles: &[(&str, &str)]) {
        let entry = |(name, bundle): &(&str, &str)| {
            json!({
                "name": name,
                "clientConfig": {
                    "service": {"name": "webhook", "namespace": "eks"},
                    "caBundle": STANDARD.encode(bundle),
                },
            })
        };
        let webhooks: Vec<_> = bundles.iter().map(entry).collect();
        self.seen.entries = Ok(Some(entries(&json!({"webhooks": webhooks}), &names())));
    }

    pub(super) fn replicas(&mut self, pods: Vec<Replica>) {
        self.seen.replicas = Ok(Replicas::Pods(pods));
    }

    pub(super) fn report(&self) -> Report {
        let objects = Objects {
            service: "webhook".to_owned(),
            namespace: "eks".to_owned(),
            secret: "authority".to_owned(),
            registration: "webhook.eks".to_owned(),
        };
        judge(&self.seen, &objects, YEAR)
    }

    /// The words for what is wrong.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        let report = self.report();
        assert_eq!(report.all_well, report.problems.is_empty());
        report.problems.iter().map(|problem| problem.reason).collect()
    }
}

/// An authority that signed until now.
pub(super) fn previous(authority: &Authority) -> Previous {
    Previous { certificate: authority.certificate().clone(), until: NOW + DAY }
}
