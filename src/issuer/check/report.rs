//! The report: what JSON shows as it is, and text in a line a step. Its shape is documented in docs/issuer-check.md, and only
//! ever gets more members.

use serde::Serialize;

use super::finding::{Finding, Status, Step};

/// Everything that is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The issuer as it was given.
    pub(super) issuer: String,
    /// Whether no step failed.
    pub(super) all_well: bool,
    /// By what IAM knows the server of the keys, if it needs that.
    pub(super) thumbprint: Option<String>,
    pub(super) findings: Vec<FindingReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FindingReport {
    pub(super) step: Step,
    pub(super) status: Status,
    /// What was seen, or why nothing was.
    pub(super) seen: String,
    /// What a pod sees of it; of failures alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod_sees: Option<String>,
    /// What to do; of failures and warnings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Report {
    pub(super) fn new(issuer: &str, thumbprint: Option<String>, findings: Vec<Finding>) -> Self {
        let all_well = findings.iter().all(|finding| finding.status != Status::Failed);
        let findings = findings.into_iter().map(FindingReport::new).collect();
        Self { issuer: issuer.to_owned(), all_well, thumbprint, findings }
    }
}

impl FindingReport {
    fn new(finding: Finding) -> Self {
        let Finding { step, status, seen, pod_sees, fix } = finding;
        Self { step, status, seen, pod_sees: pod_sees.map(|sees| sees.to_string()), fix }
    }
}
