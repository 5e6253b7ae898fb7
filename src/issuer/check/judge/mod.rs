//! Makes findings of what was seen, in the order in which STS goes. It reads nothing and asks nobody.

mod certificate;
mod cluster;
mod document;
mod fetched;
mod headers;
mod issuer_url;
mod keys;
#[cfg(test)]
mod tests;
mod token;

use super::finding::{Finding, Findings, Step};
use super::seen::{ClusterSeen, Seen};
use super::settings::Settings;
use crate::issuer::web::Fetched;
use certificate::Certificates;
use fetched::Steps;
use tokens::JsonWebKeySet;

pub(super) use certificate::thumbprint;

/// Why nothing of the documents is looked at.
const NO_URL: &str = "AWS could not read from this URL";

/// Judges everything.
pub(super) fn judge(seen: &Seen, settings: &Settings) -> Vec<Finding> {
    let mut findings = Findings::default();
    issuer_url::judge(&settings.issuer, &mut findings);
    let published = documents(seen, settings, &mut findings);
    let cluster = match &seen.cluster {
        ClusterSeen::Asked(cluster) => Ok(cluster),
        ClusterSeen::NotAsked => Err("--no-cluster: no cluster was asked".to_owned()),
        ClusterSeen::Unusable(why) => Err(why.clone()),
    };
    match cluster {
        Ok(cluster) => {
            cluster::judge(cluster, settings, published.as_ref(), &mut findings);
            token::judge(cluster, settings, published.as_ref(), seen, &mut findings);
        }
        Err(why) => {
            let is_wanted = matches!(seen.cluster, ClusterSeen::Unusable(_));
            if is_wanted {
                let fix = "Say which cluster it is with --kubeconfig and --context, or --no-cluster to check the documents alone.";
                findings.warn(Step::ClusterIssuer, why.as_str(), fix);
            }
            for step in [Step::ClusterIssuer, Step::ClusterKeys, Step::Token, Step::Signature, Step::Clock] {
                if findings.is_open(step) {
                    findings.skip(step, if is_wanted { "no cluster could be asked" } else { &why });
                }
            }
        }
    }
    headers::judge(seen, &mut findings);
    iam(settings, &mut findings);
    findings.into_vec()
}

/// Judges the documents; gives the keys that are published, if they could be read.
fn documents(seen: &Seen, settings: &Settings, findings: &mut Findings) -> Option<JsonWebKeySet> {
    let certificates = Certificates { authorities: &settings.approach.authorities, now: seen.now };
    let body = if let Some(document) = &seen.document {
        fetched::judge(document, Steps::DOCUMENT, &certificates, None, findings)
    } else {
        Steps::DOCUMENT.skip(NO_URL, findings);
        None
    };
    let names_keys = document::judge(body, &settings.issuer, findings);
    let body = if let Some(keys) = seen.keys.as_ref().filter(|_| names_keys) {
        fetched::judge(keys, Steps::KEYS, &certificates, seen.document.as_ref(), findings)
    } else {
        Steps::KEYS.skip("no document names keys that AWS could read", findings);
        None
    };
    let of_cluster = match &seen.cluster {
        ClusterSeen::Asked(cluster) => cluster::keys(cluster),
        ClusterSeen::NotAsked | ClusterSeen::Unusable(_) => None,
    };
    keys::judge(body, of_cluster.as_ref(), findings)
}

/// What only IAM can say.
fn iam(settings: &Settings, findings: &mut Findings) {
    let name = settings.issuer.split_once("://").map_or(settings.issuer.as_str(), |(_, name)| name);
    findings.skip(
        Step::Iam,
        format!(
            "IAM is not asked. Run 'aws iam list-open-id-connect-providers' and 'aws iam get-open-id-connect-provider \
             --open-id-connect-provider-arn arn:aws:iam::ACCOUNT:oidc-provider/{name}' in the account of the roles: Url has \
             to be {name}, and ClientIDList has to have {}",
            settings.audience
        ),
    );
}

/// The host of the URL that was read.
fn host(fetched: &Fetched) -> &str {
    &fetched.url.host
}
