//! What the check makes of single things that were seen; `tests/it/issuer_check` has whole issuers.

mod certificates;
mod replies;
mod urls;

use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::RootCertStore;

use super::super::args::CheckOutput;
use super::super::finding::{Finding, Findings, Status, Step};
use super::super::seen::{ClusterSeen, Seen};
use super::super::settings::Settings;
use crate::issuer::account::Account;
use crate::issuer::web::HttpsUrl;
use crate::issuer::web::{Approach, Authorities};
use crate::issuer::web::{Fetched, NoReply, Reached, Reply};

const ISSUER: &str = "https://oidc.example.com/prod";

fn settings(issuer: &str) -> Settings {
    Settings {
        issuer: issuer.to_owned(),
        approach: Approach {
            authorities: Authorities { public: RootCertStore::empty(), own: None },
            resolved: Vec::new(),
            limit: Duration::from_secs(1),
        },
        account: Account { namespace: "default".to_owned(), name: "default".to_owned() },
        withdrawn: Vec::new(),
        audience: "sts.amazonaws.com".to_owned(),
        cluster: None,
        output: CheckOutput::Text,
    }
}

/// A document that was read with this outcome, from an address of the internet.
fn fetched(url: &str, reply: Result<Reply, NoReply>) -> Fetched {
    let address = "203.0.113.7:443".parse().unwrap();
    let reached = Reached { address, is_by_flag: false, chain: Vec::new(), reply };
    Fetched { url: HttpsUrl::parse(url).unwrap(), reached: Ok(reached) }
}

fn seen(document: Option<Fetched>, keys: Option<Fetched>) -> Seen {
    Seen { now: SystemTime::now(), document, keys, cluster: ClusterSeen::NotAsked }
}

/// The findings of a judge, each as its status and what was seen.
fn judged(judge: impl FnOnce(&mut Findings)) -> Vec<(Status, String)> {
    let mut findings = Findings::default();
    judge(&mut findings);
    findings.into_vec().into_iter().map(|finding| (finding.status, finding.seen)).collect()
}

/// The one finding of a judge.
#[track_caller]
fn only(judge: impl FnOnce(&mut Findings)) -> Finding {
    let mut findings = Findings::default();
    judge(&mut findings);
    let mut all = findings.into_vec();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn every_step_has_a_finding_whatever_was_seen() {
    let document = format!("{ISSUER}/.well-known/openid-configuration");
    let good = || fetched(&document, Ok(Reply { status: 200, body: b"{}".to_vec(), ..Reply::default() }));
    let late = || fetched(&document, Err(NoReply::Late(Duration::from_secs(1))));
    for seen in [
        seen(None, None),
        seen(Some(late()), None),
        seen(Some(good()), None),
        seen(Some(good()), Some(good())),
    ] {
        let findings = super::judge(&seen, &settings(ISSUER));
        let mut steps: Vec<_> = findings.iter().map(|finding| finding.step).collect();
        steps.dedup();
        assert_eq!(steps.len(), 19, "{steps:?}");
        assert_eq!((steps.first(), steps.last()), (Some(&Step::Url), Some(&Step::Iam)));
    }
}
