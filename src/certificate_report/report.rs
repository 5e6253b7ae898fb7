//! The report: what JSON shows as it is, and text in sentences. Its shape is documented in docs/reference.md, and only
//! ever gets more members.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

/// Everything that is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether there is no problem.
    pub(super) all_well: bool,
    /// The API server's time.
    pub(super) time: Timestamp,
    pub(super) secret: SecretReport,
    pub(super) registration: RegistrationReport,
    pub(super) service: ServiceReport,
    pub(super) problems: Vec<ProblemReport>,
    /// What is worth knowing, and no problem.
    pub(super) notes: Vec<String>,
    /// Whether something was left out because the caller may not read it.
    pub(super) partial: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecretReport {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) signing: Option<AuthorityReport>,
    pub(super) next: Option<AuthorityReport>,
    pub(super) previous: Vec<PreviousReport>,
    pub(super) set_aside: Option<AsideReport>,
}

/// An authority with its key.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorityReport {
    pub(super) serial: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// When the next authority is due; only the signing one has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_due: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviousReport {
    pub(super) serial: String,
    pub(super) not_after: Timestamp,
    pub(super) trusted_until: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct AsideReport {
    pub(super) keys: Vec<String>,
    pub(super) reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RegistrationReport {
    pub(super) name: String,
    pub(super) entries: Vec<EntryReport>,
}

/// An entry, and serial numbers of authorities.
#[derive(Debug, Serialize)]
pub(super) struct EntryReport {
    pub(super) name: String,
    /// Those that its bundle has.
    pub(super) trusts: Vec<String>,
    /// Those that it should have.
    pub(super) missing: Vec<String>,
    /// Those that it has and the Secret has not.
    pub(super) unknown: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ServiceReport {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) replicas: Vec<ReplicaReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplicaReport {
    /// Its name; `None` is the pod that this runs in.
    pub(super) pod: Option<String>,
    /// Whether it is ready, if that is known.
    pub(super) ready: Option<bool>,
    pub(super) certificate: Option<LeafReport>,
    /// Entries whose bundle accepts it.
    pub(super) accepted_by: Vec<String>,
    /// Entries whose bundle does not, and why.
    pub(super) refused_by: Vec<RefusalReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeafReport {
    pub(super) serial: String,
    /// The authority that signed it, if it is a known one.
    pub(super) authority: Option<String>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct RefusalReport {
    pub(super) entry: String,
    pub(super) why: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProblemReport {
    /// In one word.
    pub(super) reason: &'static str,
    /// In a sentence.
    pub(super) problem: String,
    /// What to do about it.
    pub(super) to_do: &'static str,
}
