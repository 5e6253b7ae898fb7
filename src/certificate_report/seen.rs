//! What was read of a cluster, before anything is made of it.

use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::certificates::self_managed::{Aside, Certificate, Entry, Stored};

/// Everything that was looked at.
pub(super) struct Seen {
    /// The API server's time, in seconds since 1970.
    pub(super) now: i64,
    /// The Secret; `None` if there is none.
    pub(super) secret: Reading<Option<Contents>>,
    /// The registration's entries; `None` if there is no registration.
    pub(super) entries: Reading<Option<Vec<Entry>>>,
    /// What stands behind the Service.
    pub(super) replicas: Reading<Replicas>,
    /// What the pod serves that this runs in, if it was asked.
    pub(super) own: Option<Reading<Served>>,
}

/// What was read, or why it was not.
pub(super) type Reading<T> = Result<T, Unread>;

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// The caller may not.
    Forbidden(String),
    /// There was no usable answer.
    Failed(String),
}

/// What the Secret holds.
pub(super) struct Contents {
    pub(super) stored: Stored,
    pub(super) aside: Option<Aside>,
}

/// What stands behind the Service.
pub(super) enum Replicas {
    NoService,
    NoSelector,
    Pods(Vec<Replica>),
}

/// A pod, and what it serves.
pub(super) struct Replica {
    pub(super) pod: String,
    pub(super) is_ready: bool,
    pub(super) served: Reading<Served>,
}

/// What a replica shows whoever connects.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) leaf: Certificate,
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Served {
    /// Reads what the path `/certificate` answers.
    pub(super) fn of_pem(text: &str) -> Reading<Self> {
        let chain = Certificate::of_bundle(text.as_bytes());
        let leaf = chain.first().cloned();
        let leaf = leaf.ok_or_else(|| Unread::Failed("the answer holds no certificate".to_owned()))?;
        Ok(Self { leaf, chain: chain.into_iter().map(|one| one.der().clone()).collect() })
    }
}
