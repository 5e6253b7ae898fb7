//! Whether STS would take a token that the cluster makes now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use injection::text::{Line, Quoted};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokens::{JsonWebKeySet, SignatureError, Token};

use super::super::finding::{Findings, PodSees, Step};
use super::super::seen::{AskedCluster, Seen, Unread};
use super::super::settings::Settings;
use super::cluster::to_match;
use super::document::difference;
use crate::cli::time::span;

/// Characters of a token that STS takes (`AssumeRoleWithWebIdentity`, `WebIdentityToken`).
const LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;

/// Characters of somebody else's text that are shown.
const SHOWN: usize = 200;

/// By how much clocks may differ before it is told, and before it is wrong: what AWS takes is not documented, and five
/// minutes are usual.
const TOLD: Duration = Duration::from_mins(1);
const WRONG: Duration = Duration::from_mins(5);

/// What a token says, unverified: it comes from the API server itself.
#[derive(Deserialize)]
struct Payload {
    iss: String,
    aud: Audiences,
    iat: u64,
}

#[derive(Deserialize)]
struct Header {
    kid: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

/// Judges the token: claims, signature by the published keys, and the clock that it shows.
pub(super) fn judge(
    cluster: &AskedCluster,
    settings: &Settings,
    published: Option<&JsonWebKeySet>,
    seen: &Seen,
    findings: &mut Findings,
) {
    let token = match &cluster.token {
        Ok(issued) => issued.token.as_str(),
        Err(why) => return not_made(why, settings, findings),
    };
    let payload = part::<Payload>(token, 1);
    claims(token, payload.as_ref(), settings, findings);
    signature(token, published, findings);
    clock(payload.map(|payload| payload.iat), cluster, seen, findings);
}

fn not_made(why: &Unread, settings: &Settings, findings: &mut Findings) {
    let account = &settings.account;
    let fix = match why {
        Unread::Forbidden(_) => format!(
            "Run this as a user who may create serviceaccounts/token in the namespace {}, to have a token checked too.",
            account.namespace
        ),
        Unread::Missing(_) => {
            format!("Name a ServiceAccount that there is with --service-account: {account} is none.")
        }
        Unread::Failed(_) => format!(
            "See whether this makes one: 'kubectl create token {} -n {} --audience {}'.",
            account.name, account.namespace, settings.audience
        ),
    };
    findings.warn(Step::Token, format!("no token was made for {account}: {why}"), fix);
    findings.skip(Step::Signature, "there is no token");
    findings.skip(Step::Clock, "there is no token");
}

fn claims(token: &str, payload: Option<&Payload>, settings: &Settings, findings: &mut Findings) {
    let step = Step::Token;
    if !LENGTH.contains(&token.len()) {
        let seen = format!("it has {} characters, and STS takes 20,000 at most", token.len());
        let fix = "Find out what makes it so long: a token of Kubernetes has one to two thousand.";
        findings.fail(step, seen, PodSees::Token, fix);
    }
    let Some(Payload { iss, aud, iat: _ }) = payload else {
        let fix = "Find out who signs tokens: API servers write iss, aud and iat into each.";
        return findings.fail(step, "it cannot be read, or lacks a claim", PodSees::Token, fix);
    };
    if iss != &settings.issuer {
        let seen =
            format!("its iss is {}, which {}", Quoted::new(iss, SHOWN), difference(iss, &settings.issuer));
        findings.fail(
            step,
            seen,
            PodSees::NoProvider(Line::new(iss, SHOWN).to_string()),
            to_match(&settings.issuer),
        );
    }
    if !aud.has(&settings.audience) {
        let seen = format!("it is not for the audience {}", settings.audience);
        let fix = "Find out who changes token requests: the API server makes tokens for the audience that it is asked for.";
        findings.fail(step, seen, PodSees::Audience, fix);
    }
    if findings.is_open(step) {
        findings.ok(step, format!("iss and aud are right, {} characters", token.len()));
    }
}

fn signature(token: &str, published: Option<&JsonWebKeySet>, findings: &mut Findings) {
    let step = Step::Signature;
    let Some(published) = published else { return findings.skip(step, "there are no published keys") };
    let kid = part::<Header>(token, 0).and_then(|header| header.kid).unwrap_or_default();
    let kid = Quoted::new(&kid, SHOWN);
    let token = match Token::parse(token) {
        Ok(token) => token,
        Err(why) => {
            let fix = "Find out who signs tokens: this is not how API servers do it.";
            return findings.fail(step, why.to_string(), PodSees::Token, fix);
        }
    };
    match token.verify_signature(published) {
        Ok(_) => findings.ok(step, format!("the published key {kid} verifies it")),
        Err(SignatureError::UnknownKey) => {
            let fix = "Publish the key that signs now, beside the others: 'pod-identity-webhook issuer publish \
                       --from-api-server', or --keys with the public key of --service-account-signing-key-file of each API server.";
            findings.fail(step, format!("its key {kid} is not published"), PodSees::NoKey, fix);
        }
        Err(why) => {
            let fix =
                "Publish the key anew: the one that is published under this kid is not the one that signs.";
            findings.fail(
                step,
                format!("the published key {kid} does not verify it: {why}"),
                PodSees::Signature,
                fix,
            );
        }
    }
}

/// The API server's clock, by the token, and that of whoever serves the document. A minute away they are told, as tokens are
/// made and read in the seconds around.
fn clock(made_at: Option<u64>, cluster: &AskedCluster, seen: &Seen, findings: &mut Findings) {
    let step = Step::Clock;
    let by_token = made_at.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let by_answer = cluster.token.as_ref().ok().and_then(|issued| issued.date);
    let Some(of_cluster) = by_token.or(by_answer) else {
        return findings.skip(step, "no token says the time");
    };
    let reached = seen.document.as_ref().and_then(|document| document.reached.as_ref().ok());
    let by_issuer = reached.and_then(|reached| reached.reply.as_ref().ok()?.date);
    let (reference, whose) =
        by_issuer.map_or((seen.now, "this machine"), |date| (date, "the issuer's server"));
    let (away, direction) = apart(of_cluster, reference);
    let seen_text = format!("the API server's clock is {} {direction} that of {whose}", span(away.as_secs()));
    let fix = "Have every control plane node keep time by NTP: STS takes no token that has expired or is not valid yet.";
    if away > WRONG {
        return findings.fail(step, seen_text, PodSees::Clock, fix);
    }
    if away > TOLD {
        return findings.warn(step, seen_text, fix);
    }
    match by_issuer.map(|date| apart(seen.now, date)) {
        Some((away, direction)) if away > TOLD => findings.warn(
            step,
            format!(
                "this machine's clock is {} {direction} that of the issuer's server",
                span(away.as_secs())
            ),
            "Correct this machine's clock: what is said here of certificates is by it.",
        ),
        _ => findings.ok(step, format!("the API server's and that of {whose} agree within a minute")),
    }
}

fn apart(one: SystemTime, other: SystemTime) -> (Duration, &'static str) {
    match one.duration_since(other) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    }
}

/// The header or the claims, the parts 0 and 1.
fn part<T: DeserializeOwned>(token: &str, index: usize) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl Audiences {
    fn has(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}
