//! What each replica serves, and which entries' bundles accept it.

use std::time::{Duration, UNIX_EPOCH};

use tokio_rustls::rustls::{CertificateError, Error};

use super::Findings;
use super::authorities::Trusted;
use crate::certificate_report::problem::Problem;
use crate::certificate_report::report::{LeafReport, RefusalReport, ReplicaReport};
use crate::certificate_report::seen::{Reading, Replica, Replicas, Seen, Served, Unread};
use crate::certificates::self_managed::{Certificate, Entry, Names, accepts};
use crate::cli::time::{distance, moment};

/// What the pod is called that this runs in.
const OWN: &str = "this pod";

/// By what replicas are judged.
pub(super) struct Place<'a> {
    pub(super) service: String,
    pub(super) names: &'a Names,
    /// What the registration's entries trust.
    pub(super) trusts: &'a [Entry],
    /// What they should trust.
    pub(super) trusted: &'a Trusted,
}

/// Judges all replicas.
pub(super) fn judge(seen: &Seen, place: &Place<'_>, findings: &mut Findings) -> Vec<ReplicaReport> {
    let service = place.service.clone();
    let mut reports = Vec::new();
    match &seen.replicas {
        Ok(Replicas::NoService) => findings.problems.push(Problem::ServiceMissing(service)),
        Ok(Replicas::NoSelector) => findings.problems.push(Problem::ServiceWithoutSelector(service)),
        Ok(Replicas::Pods(pods)) => {
            if !pods.iter().any(|pod| pod.is_ready) {
                findings.problems.push(Problem::NoReadyReplica(service));
            }
            reports.extend(pods.iter().map(|pod| place.pod(pod, seen.now, findings)));
        }
        Err(Unread::Forbidden(why)) => {
            findings.may_not_read(&format!("the pods of the Service {service}"), why);
        }
        Err(Unread::Failed(why)) => {
            findings.problems.push(Problem::ReplicasUnreadable(service, why.clone()));
        }
    }
    match &seen.own {
        None => {}
        Some(Ok(served)) => {
            findings
                .notes
                .push(format!("only the certificate that {OWN} serves was asked for, at 127.0.0.1"));
            let mut report = place.served(OWN, served, seen.now, &mut findings.problems);
            report.pod = None;
            reports.push(report);
        }
        Some(Err(Unread::Forbidden(why) | Unread::Failed(why))) => {
            findings.notes.push(format!("{OWN} serves no certificate at 127.0.0.1 either: {why}"));
        }
    }
    reports
}

impl Place<'_> {
    /// A pod of the Service. Nobody calls one that is not ready: what is wrong with it is worth no more than a note.
    fn pod(&self, replica: &Replica, now: i64, findings: &mut Findings) -> ReplicaReport {
        let Replica { pod, is_ready, served } = replica;
        let mut problems = Vec::new();
        let mut report = self.reading(pod, served, now, &mut problems, findings);
        report.ready = Some(*is_ready);
        if *is_ready {
            findings.problems.append(&mut problems);
        } else {
            findings.notes.push(format!("{pod} is not ready, so that no API server calls it"));
            findings.notes.extend(problems.iter().map(ToString::to_string));
        }
        report
    }

    fn reading(
        &self,
        pod: &str,
        served: &Reading<Served>,
        now: i64,
        problems: &mut Vec<Problem>,
        findings: &mut Findings,
    ) -> ReplicaReport {
        match served {
            Ok(served) => return self.served(pod, served, now, problems),
            Err(Unread::Forbidden(why)) => {
                findings.may_not_read(&format!("the certificate that {pod} serves"), why);
            }
            Err(Unread::Failed(why)) => {
                problems.push(Problem::CertificateUnreadable(pod.to_owned(), why.clone()));
            }
        }
        ReplicaReport {
            pod: Some(pod.to_owned()),
            ready: None,
            certificate: None,
            accepted_by: Vec::new(),
            refused_by: Vec::new(),
        }
    }

    /// Verifies a certificate as API servers do, for every entry.
    fn served(&self, pod: &str, served: &Served, now: i64, problems: &mut Vec<Problem>) -> ReplicaReport {
        let Served { leaf, chain } = served;
        let name = self.names.first().map_or("", String::as_str);
        let verify = |authorities: &[Certificate], at: i64| {
            accepts(authorities, chain, name, UNIX_EPOCH + Duration::from_secs(at.unsigned_abs()))
        };
        let (mut accepted_by, mut refused_by) = (Vec::new(), Vec::new());
        for entry in self.trusts {
            match verify(&entry.certificates, now) {
                Ok(()) => accepted_by.push(entry.name.clone()),
                Err(error) => {
                    let why = in_words(&error, name);
                    refused_by.push(RefusalReport { entry: entry.name.clone(), why });
                }
            }
        }
        if leaf.not_after() < now {
            problems.push(Problem::CertificateExpired(pod.to_owned(), distance(leaf.not_after(), now)));
        } else {
            problems.extend(refused_by.iter().map(|RefusalReport { entry, why }| {
                let (pod, entry, why) = (pod.to_owned(), entry.clone(), why.clone());
                Problem::CertificateRefused { pod, entry, why }
            }));
        }
        let bundled = self.trusts.iter().flat_map(|entry| &entry.certificates);
        let mut known = self.trusted.certificates().chain(bundled);
        // Who signed it does not change when it expires.
        let authority = known.find(|one| verify(std::slice::from_ref(one), leaf.not_after()).is_ok());
        let certificate = LeafReport {
            serial: leaf.serial().to_owned(),
            authority: authority.map(|one| one.serial().to_owned()),
            not_before: moment(leaf.not_before()),
            not_after: moment(leaf.not_after()),
        };
        let pod = Some(pod.to_owned());
        ReplicaReport { pod, ready: None, certificate: Some(certificate), accepted_by, refused_by }
    }
}

/// Why a certificate is refused, in words for whoever reads them.
fn in_words(error: &Error, name: &str) -> String {
    let Error::InvalidCertificate(why) = error else { return error.to_string() };
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "none of its authorities has signed the certificate".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is not for {name}")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate or its authority has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate or its authority is not valid yet".to_owned()
        }
        other => other.to_string(),
    }
}
