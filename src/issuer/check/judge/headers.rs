//! What the answers say of their type, and how long they may be kept. AWS documents neither what it needs nor how long it
//! keeps; others that verify tokens go by both.

use injection::text::Quoted;

use super::super::finding::{Findings, Step};
use super::super::seen::Seen;
use crate::issuer::web::{Fetched, Reply};

/// Seconds that a document may be kept without a warning: a key that signs before everybody has read of it locks pods out.
const LONGEST: u64 = 24 * 3600;

/// Characters of a header that are shown.
const SHOWN: usize = 100;

const STEP: Step = Step::Headers;

/// Judges the headers of whatever was answered well.
pub(super) fn judge(seen: &Seen, findings: &mut Findings) {
    let documents = [("the document", &seen.document), ("the keys", &seen.keys)];
    let good = documents.into_iter().filter_map(|(what, fetched)| Some((what, good(fetched.as_ref()?)?)));
    let good: Vec<_> = good.collect();
    if good.is_empty() {
        return findings.skip(STEP, "there is no document");
    }
    for (what, reply) in good {
        content_type(what, reply, findings);
        caching(what, reply, findings);
    }
    if findings.is_open(STEP) {
        findings.ok(STEP, "JSON, to be kept for a day at most");
    }
}

fn good(fetched: &Fetched) -> Option<&Reply> {
    let reply = fetched.reached.as_ref().ok()?.reply.as_ref().ok()?;
    (reply.status == 200).then_some(reply)
}

fn content_type(what: &str, reply: &Reply, findings: &mut Findings) {
    let full = reply.content_type.as_deref().unwrap_or_default();
    let bare = full.split(';').next().unwrap_or_default().trim();
    if ["application/json", "application/jwk-set+json"].iter().any(|one| bare.eq_ignore_ascii_case(one)) {
        return;
    }
    let fix = "Serve it as application/json: AWS seems to take others, but does not say so.";
    findings.warn(STEP, format!("{what}: Content-Type is {}", Quoted::new(full, SHOWN)), fix);
}

fn caching(what: &str, reply: &Reply, findings: &mut Findings) {
    let full = reply.cache_control.as_deref().unwrap_or_default();
    let directives = full.split(',').map(str::trim);
    let is_never_kept = directives
        .clone()
        .any(|one| ["no-store", "no-cache"].iter().any(|never| one.eq_ignore_ascii_case(never)));
    let seconds = directives.filter_map(|one| {
        let (name, value) = one.split_once('=')?;
        let value = value.trim_matches('"');
        name.eq_ignore_ascii_case("max-age").then(|| value.parse::<u64>().ok()).flatten()
    });
    let longest = seconds.max();
    let fix = "Serve it with Cache-Control: public, max-age=300, so that a new key is known everywhere before it signs.";
    match longest {
        Some(seconds) if seconds > LONGEST => {
            findings.warn(STEP, format!("{what}: it may be kept for {seconds} s, more than a day"), fix);
        }
        None if !is_never_kept => {
            findings.warn(STEP, format!("{what}: no max-age says how long it may be kept"), fix);
        }
        _ => {}
    }
}
