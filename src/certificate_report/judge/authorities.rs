//! The Secret's authorities, and whether a bundle has exactly these.

use std::time::Duration;

use super::Findings;
use crate::certificate_report::problem::Problem;
use crate::certificate_report::report::{AsideReport, AuthorityReport, EntryReport, PreviousReport};
use crate::certificate_report::seen::Contents;
use crate::certificates::self_managed::{Aside, Authority, Certificate, Entry, Previous, Stored};
use crate::cli::time::{distance, moment};

/// How long after it is due the next authority may be missing: replicas look every second.
const PATIENCE: i64 = 60;

/// What the Secret says, for the report; nothing, if it could not be read.
#[derive(Debug, Default)]
pub(super) struct Authorities {
    pub(super) signing: Option<AuthorityReport>,
    pub(super) next: Option<AuthorityReport>,
    pub(super) previous: Vec<PreviousReport>,
    pub(super) set_aside: Option<AsideReport>,
    pub(super) trusted: Trusted,
}

/// What every bundle should have, each with what it is; nothing is known without a signing authority.
#[derive(Debug, Default)]
pub(super) struct Trusted(Option<Vec<(&'static str, Certificate)>>);

/// Judges the Secret by itself.
pub(super) fn judge(
    contents: &Contents,
    secret: &str,
    authority_lifetime: Duration,
    now: i64,
    findings: &mut Findings,
) -> Authorities {
    let Contents { stored: Stored { signing, next, previous, unusable }, aside } = contents;
    for one in unusable {
        let (part, why) = (one.part.what(), one.why.clone());
        findings.problems.push(Problem::PartUnusable { secret: secret.to_owned(), part, why });
    }
    if signing.is_none() && unusable.is_empty() {
        findings.problems.push(Problem::SecretEmpty(secret.to_owned()));
    }
    let due = signing.as_ref().map(|signing| signing.renewal(authority_lifetime));
    if let Some(due) = due.filter(|due| next.is_none() && now.saturating_sub(*due) > PATIENCE) {
        findings.problems.push(Problem::NextAuthorityOverdue(distance(due, now)));
    }
    if let Some(Aside { keys, .. }) = aside {
        findings.notes.push(format!(
            "the Secret {secret} still has what was set aside because it could not be used; once nobody needs it, \
             remove the keys {} and set-aside.reason",
            keys.join(", ")
        ));
    }
    let previous_report = |one: &Previous| PreviousReport {
        serial: one.certificate.serial().to_owned(),
        not_after: moment(one.certificate.not_after()),
        trusted_until: moment(one.until),
    };
    let report = |authority: &Authority, due: Option<i64>| {
        let certificate = authority.certificate();
        AuthorityReport {
            serial: certificate.serial().to_owned(),
            not_before: moment(certificate.not_before()),
            not_after: moment(certificate.not_after()),
            next_due: due.map(moment),
        }
    };
    Authorities {
        signing: signing.as_ref().map(|signing| report(signing, due)),
        next: next.as_ref().map(|next| report(next, None)),
        previous: previous.iter().map(previous_report).collect(),
        set_aside: aside
            .as_ref()
            .map(|Aside { keys, reasons }| AsideReport { keys: keys.clone(), reasons: reasons.clone() }),
        trusted: Trusted::of(&contents.stored),
    }
}

impl Trusted {
    fn of(stored: &Stored) -> Self {
        let Stored { signing, next, previous, unusable: _ } = stored;
        let of = |which, authority: &Authority| (which, authority.certificate().clone());
        let trusted = signing.as_ref().map(|signing| {
            let previous = previous.iter().map(|previous| ("previous", previous.certificate.clone()));
            let next = next.iter().map(|next| of("next", next));
            std::iter::once(of("signing", signing)).chain(next).chain(previous).collect()
        });
        Self(trusted)
    }

    /// The authorities, if they are known.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter().flatten().map(|(_, certificate)| certificate)
    }

    /// Compares an entry's bundle with what it should be.
    pub(super) fn compare(&self, entry: &Entry, findings: &mut Findings) -> EntryReport {
        let serial = |certificate: &Certificate| certificate.serial().to_owned();
        if entry.has_rest || entry.certificates.is_empty() {
            findings.problems.push(Problem::BundleUnreadable(entry.name.clone()));
        }
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        if let Some(trusted) = &self.0 {
            for (which, certificate) in trusted.iter().filter(|(_, one)| !entry.shows(one)) {
                let (entry, serial) = (entry.name.clone(), serial(certificate));
                missing.push(serial.clone());
                findings.problems.push(Problem::AuthorityMissing { entry, which, serial });
            }
            let is_known = |one: &Certificate| trusted.iter().any(|(_, known)| known == one);
            for certificate in entry.certificates.iter().filter(|one| !is_known(one)) {
                let (entry, serial) = (entry.name.clone(), serial(certificate));
                unknown.push(serial.clone());
                findings.problems.push(Problem::AuthorityUnknown { entry, serial });
            }
        }
        let trusts = entry.certificates.iter().map(serial).collect();
        EntryReport { name: entry.name.clone(), trusts, missing, unknown }
    }
}
