//! What is wrong: a pure function of what was read. Nothing here waits, and nothing is printed.

mod authorities;
mod replicas;

use std::time::Duration;

use authorities::Trusted;

use super::problem::Problem;
use super::report::{EntryReport, ProblemReport, RegistrationReport, Report, SecretReport, ServiceReport};
use super::seen::{Seen, Unread};
use crate::certificates::self_managed::{Entry, Names, Objects};
use crate::cli::time::moment;

/// What is found while the parts are judged.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<Problem>,
    notes: Vec<String>,
    /// Whether something could not be judged because the caller may not read it.
    is_partial: bool,
}

impl Findings {
    /// The caller may not read this.
    fn may_not_read(&mut self, what: &str, why: &str) {
        self.is_partial = true;
        self.notes.push(format!("{what} may not be read by this caller: {why}"));
    }
}

/// Judges everything that was seen.
pub(super) fn judge(seen: &Seen, objects: &Objects, authority_lifetime: Duration) -> Report {
    let Objects { service, namespace, secret, registration } = objects;
    let mut findings = Findings::default();
    let secret_name = format!("{namespace}/{secret}");
    let mut authorities = authorities::Authorities::default();
    match &seen.secret {
        Ok(None) => findings.problems.push(Problem::SecretMissing(secret_name)),
        Err(Unread::Forbidden(why) | Unread::Failed(why)) => {
            findings.problems.push(Problem::SecretUnreadable(secret_name, why.clone()));
        }
        Ok(Some(contents)) => {
            authorities =
                authorities::judge(contents, &secret_name, authority_lifetime, seen.now, &mut findings);
        }
    }
    let authorities::Authorities { signing, next, previous, set_aside, trusted } = authorities;
    let entries = entries(seen, registration, &trusted, &mut findings);
    let trusts: &[Entry] =
        seen.entries.as_ref().map_or(&[], |entries| entries.as_deref().unwrap_or_default());
    let names = Names::of_service(service, namespace);
    let place = replicas::Place {
        service: format!("{namespace}/{service}"),
        names: &names,
        trusts,
        trusted: &trusted,
    };
    let replicas = replicas::judge(seen, &place, &mut findings);
    let Findings { problems, notes, is_partial } = findings;
    Report {
        all_well: problems.is_empty(),
        time: moment(seen.now),
        secret: SecretReport {
            namespace: namespace.clone(),
            name: secret.clone(),
            signing,
            next,
            previous,
            set_aside,
        },
        registration: RegistrationReport { name: registration.clone(), entries },
        service: ServiceReport { namespace: namespace.clone(), name: service.clone(), replicas },
        problems: problems.iter().map(told).collect(),
        notes,
        partial: is_partial,
    }
}

fn told(problem: &Problem) -> ProblemReport {
    ProblemReport { reason: problem.reason(), problem: problem.to_string(), to_do: problem.to_do() }
}

/// Compares each entry's bundle with what the Secret says.
fn entries(seen: &Seen, registration: &str, trusted: &Trusted, findings: &mut Findings) -> Vec<EntryReport> {
    let registration = registration.to_owned();
    let entries = match &seen.entries {
        Ok(Some(entries)) => entries,
        Ok(None) => {
            findings.problems.push(Problem::RegistrationMissing(registration));
            return Vec::new();
        }
        Err(Unread::Forbidden(why) | Unread::Failed(why)) => {
            findings.problems.push(Problem::RegistrationUnreadable(registration, why.clone()));
            return Vec::new();
        }
    };
    if entries.is_empty() {
        findings.problems.push(Problem::RegistrationEmpty(registration));
    }
    entries.iter().map(|entry| trusted.compare(entry, findings)).collect()
}
