//! The report for people.

use std::fmt::{self, Display, Write};

use super::report::{
    AsideReport, AuthorityReport, EntryReport, PreviousReport, ProblemReport, RegistrationReport,
    ReplicaReport, Report, SecretReport, ServiceReport,
};
use crate::cli::time::distance;
use injection::text::visible;
use k8s_openapi::jiff::Timestamp;

/// A report as text.
pub(super) struct Text<'a>(pub(super) &'a Report);

/// A moment with how far it is away.
struct When(Timestamp, Timestamp);

impl Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(moment, now) = self;
        write!(f, "{moment}, {}", distance(moment.as_second(), now.as_second()))
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { all_well, time, secret, registration, service, problems, notes, partial } = self.0;
        let has = |reason| problems.iter().any(|problem| problem.reason == reason);
        let absent = |is_unread| if is_unread { "not read" } else { "none" };
        write_secret(f, secret, absent(has("SecretUnreadable")), *time)?;
        write_registration(f, registration, secret, absent(has("RegistrationUnreadable")))?;
        write_service(f, service, registration, absent(*partial || has("ReplicasUnreadable")), *time)?;
        for note in notes {
            writeln!(f, "Note: {}.", visible(note))?;
        }
        if !notes.is_empty() {
            writeln!(f)?;
        }
        match (all_well, partial) {
            (true, false) => f.write_str("All is well.\n"),
            (true, true) => f.write_str("All is well, as far as it could be read.\n"),
            (false, _) => write_problems(f, problems),
        }
    }
}

fn write_problems(f: &mut impl Write, problems: &[ProblemReport]) -> fmt::Result {
    let count = problems.len();
    writeln!(f, "{count} {}:", if count == 1 { "problem" } else { "problems" })?;
    for (index, ProblemReport { reason: _, problem, to_do }) in problems.iter().enumerate() {
        writeln!(f, "\n{}. {}.\n   {to_do}", index + 1, visible(&capitalized(problem)))?;
    }
    Ok(())
}

fn write_secret(f: &mut impl Write, secret: &SecretReport, absent: &str, now: Timestamp) -> fmt::Result {
    let SecretReport { namespace, name, signing, next, previous, set_aside } = secret;
    writeln!(f, "Authorities in the Secret {namespace}/{name}")?;
    if let Some(AuthorityReport { serial, not_before, not_after, next_due }) = signing {
        writeln!(f, "  signing   {serial}")?;
        writeln!(f, "            valid from {not_before} until {}", When(*not_after, now))?;
        if let Some(due) = next_due.filter(|_| next.is_none()) {
            writeln!(f, "            the next one is due {}", When(due, now))?;
        }
    } else {
        writeln!(f, "  signing   {absent}")?;
    }
    if let Some(AuthorityReport { serial, not_before, not_after, next_due: _ }) = next {
        writeln!(f, "  next      {serial}")?;
        writeln!(f, "            valid from {not_before} until {}", When(*not_after, now))?;
        writeln!(f, "            signs once every caBundle has had it for --rotation-wait")?;
    }
    for PreviousReport { serial, not_after: _, trusted_until } in previous {
        writeln!(f, "  previous  {serial}\n            trusted until {}", When(*trusted_until, now))?;
    }
    if let Some(AsideReport { keys, reasons }) = set_aside {
        writeln!(f, "  set aside {}", visible(&keys.join(", ")))?;
        reasons.iter().try_for_each(|reason| writeln!(f, "            {}", visible(reason)))?;
    }
    writeln!(f)
}

fn write_registration(
    f: &mut impl Write,
    registration: &RegistrationReport,
    secret: &SecretReport,
    absent: &str,
) -> fmt::Result {
    let RegistrationReport { name, entries } = registration;
    writeln!(f, "caBundles of the MutatingWebhookConfiguration {name}")?;
    if entries.is_empty() {
        writeln!(f, "  {absent}")?;
    }
    for EntryReport { name, trusts, missing, unknown } in entries {
        writeln!(f, "  {}", visible(name))?;
        for serial in trusts {
            let which = if unknown.contains(serial) { "unknown" } else { secret.which(serial) };
            writeln!(f, "            trusts {serial}{}{which}", if which.is_empty() { "" } else { ", " })?;
        }
        for serial in missing {
            writeln!(f, "            lacks  {serial}, {}", secret.which(serial))?;
        }
        if trusts.is_empty() && missing.is_empty() {
            writeln!(f, "            trusts nobody")?;
        }
    }
    writeln!(f)
}

impl SecretReport {
    /// What the authority with this serial number is in the Secret.
    fn which(&self, serial: &str) -> &'static str {
        let is =
            |authority: &Option<AuthorityReport>| authority.as_ref().is_some_and(|one| one.serial == serial);
        if is(&self.signing) {
            "signing"
        } else if is(&self.next) {
            "next"
        } else if self.previous.iter().any(|one| one.serial == serial) {
            "previous"
        } else {
            ""
        }
    }
}

fn write_service(
    f: &mut impl Write,
    service: &ServiceReport,
    registration: &RegistrationReport,
    absent: &str,
    now: Timestamp,
) -> fmt::Result {
    let ServiceReport { namespace, name, replicas } = service;
    writeln!(f, "Replicas behind the Service {namespace}/{name}")?;
    if replicas.is_empty() {
        writeln!(f, "  {absent}")?;
    }
    for ReplicaReport { pod, ready, certificate, accepted_by, refused_by } in replicas {
        let ready = ready.map_or("", |ready| if ready { ", ready" } else { ", not ready" });
        writeln!(f, "  {}{ready}", visible(pod.as_deref().unwrap_or("this pod")))?;
        let Some(certificate) = certificate else {
            writeln!(f, "            certificate not read")?;
            continue;
        };
        writeln!(f, "            certificate {}", certificate.serial)?;
        let authority = certificate.authority.as_deref().unwrap_or("an unknown authority");
        writeln!(f, "            signed by   {authority}")?;
        writeln!(f, "            valid until {}", When(certificate.not_after, now))?;
        if refused_by.is_empty() && !accepted_by.is_empty() && accepted_by.len() == registration.entries.len()
        {
            writeln!(f, "            accepted by every entry")?;
            continue;
        }
        for entry in accepted_by {
            writeln!(f, "            accepted by {}", visible(entry))?;
        }
        for refusal in refused_by {
            writeln!(f, "            refused by  {}: {}", visible(&refusal.entry), visible(&refusal.why))?;
        }
    }
    writeln!(f)
}

/// A sentence begins with a capital letter.
fn capitalized(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}
