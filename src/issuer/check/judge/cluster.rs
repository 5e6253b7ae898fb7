//! Whether what is published is the cluster's: its issuer, and every key that it has now.

use injection::text::{Line, Quoted};
use serde_json::Value;
use tokens::{JsonWebKey, JsonWebKeySet};

use super::super::document::object;
use super::super::finding::{Findings, PodSees, Step};
use super::super::seen::{AskedCluster, Unread};
use super::super::settings::Settings;
use super::document::difference;
use super::keys::{is_same, shown};

/// Characters of somebody else's text that are shown.
const SHOWN: usize = 200;

/// The cluster's keys, if they can be used.
pub(super) fn keys(cluster: &AskedCluster) -> Option<JsonWebKeySet> {
    JsonWebKeySet::parse(cluster.keys.as_ref().ok()?.as_bytes()).ok()
}

/// Judges issuer and keys.
pub(super) fn judge(
    cluster: &AskedCluster,
    settings: &Settings,
    published: Option<&JsonWebKeySet>,
    findings: &mut Findings,
) {
    judge_issuer(cluster, &settings.issuer, findings);
    judge_keys(cluster, &settings.withdrawn, published, findings);
}

fn judge_issuer(cluster: &AskedCluster, issuer: &str, findings: &mut Findings) {
    let step = Step::ClusterIssuer;
    let text = match &cluster.document {
        Ok(text) => text,
        Err(why) => return findings.warn(step, format!("it was not read: {why}"), to_read(why)),
    };
    let members = object(text.as_bytes()).unwrap_or_default();
    let Some(found) = members.get("issuer").and_then(Value::as_str) else {
        let fix = "See whether --kubeconfig and --context name the API server of the cluster itself.";
        return findings.warn(step, "the API server's discovery document has no issuer", fix);
    };
    if found == issuer {
        return findings.ok(step, "exactly the URL");
    }
    let seen = format!("tokens have {}, which {}", Quoted::new(found, SHOWN), difference(found, issuer));
    findings.fail(step, seen, PodSees::NoProvider(Line::new(found, SHOWN).to_string()), to_match(issuer));
}

/// How the issuer of tokens and the one that is published become one.
pub(super) fn to_match(issuer: &str) -> String {
    format!(
        "Set --service-account-issuer={} first on every API server, and keep the old issuer as a second such flag until its tokens \
         have expired; or publish under the issuer that tokens have, and give IAM that one. If this is another cluster, name the \
         right one with --context.",
        Quoted::new(issuer, SHOWN).to_string().trim_matches('"')
    )
}

fn judge_keys(
    cluster: &AskedCluster,
    withdrawn: &[String],
    published: Option<&JsonWebKeySet>,
    findings: &mut Findings,
) {
    let step = Step::ClusterKeys;
    if let Err(why) = &cluster.keys {
        return findings.warn(step, format!("they were not read: {why}"), to_read(why));
    }
    let Some(own) = keys(cluster) else {
        let fix = "See whether --kubeconfig and --context name the API server of the cluster itself.";
        return findings.warn(step, "the API server gave no key set that can be read", fix);
    };
    let Some(published) = published else { return findings.skip(step, "there are no published keys") };
    let is_withdrawn = |key: &&JsonWebKey| withdrawn.iter().any(|kid| key.kid() == Some(kid));
    let left: Vec<_> = published.keys().iter().filter(is_withdrawn).collect();
    if !left.is_empty() {
        let seen = format!("still published: {}", shown(left.into_iter()));
        let fix = "Once no token that it signed is in use, take it away with 'pod-identity-webhook issuer publish … --remove=KID --yes'; \
                   until then leave it, and --withdrawn out.";
        findings.warn(step, seen, fix);
    }
    let has = |wanted: &JsonWebKey| published.keys().iter().any(|key| is_same(key, wanted));
    let missing: Vec<_> = own.keys().iter().filter(|key| !has(key) && !is_withdrawn(key)).collect();
    if missing.is_empty() {
        let withdrawn = own.keys().iter().filter(|key| !has(key)).count();
        let count = own.keys().len() - withdrawn;
        let rest = if withdrawn == 0 { String::new() } else { format!(", and {withdrawn} withdrawn") };
        return findings.ok(step, format!("every key of the API server is published ({count}{rest})"));
    }
    let is_named_otherwise = |key: &&&JsonWebKey| published.keys().iter().any(|one| one.spki() == key.spki());
    if missing.iter().all(|key| is_named_otherwise(&key)) {
        let seen = format!("published under another kid: {}", shown(missing.into_iter()));
        let fix = "Publish each key under the kid that the API server gives it: AWS picks the key by the kid in the token's header.";
        return findings.fail(step, seen, PodSees::NoKey, fix);
    }
    let is_replaced = |key: &&&JsonWebKey| published.keys().iter().any(|one| one.kid() == key.kid());
    if missing.iter().all(|key| is_replaced(&key)) {
        let seen = format!("other keys are published in the place of {}", shown(missing.into_iter()));
        let fix = "Publish the API server's keys under these kids, instead of those that have them now.";
        return findings.fail(step, seen, PodSees::Signature, fix);
    }
    let seen = format!("not published: {}", shown(missing.into_iter()));
    let fix = "Publish them at once, beside those that are published, with 'pod-identity-webhook issuer publish --from-api-server'. \
               Next time publish a key a day before an API server signs with it. A key that was withdrawn on purpose is named with --withdrawn.";
    findings.fail(step, seen, PodSees::NoKey, fix);
}

/// How the cluster comes to say something.
fn to_read(why: &Unread) -> &'static str {
    match why {
        Unread::Forbidden(_) => {
            "Run this as a user with the ClusterRole system:service-account-issuer-discovery, or with --no-cluster."
        }
        Unread::Missing(_) => {
            "See whether the API server has a --service-account-issuer that is an https URL."
        }
        Unread::Failed(_) => {
            "See whether kubectl reaches the cluster: 'kubectl get --raw /.well-known/openid-configuration'."
        }
    }
}
