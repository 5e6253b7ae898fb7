//! Whether the published keys are public, usable, and can be told apart: STS picks a key by its id.

use std::collections::BTreeMap;

use injection::text::Quoted;
use serde_json::{Map, Value};
use tokens::{JsonWebKey, JsonWebKeySet, kid_of_spki};

use super::super::document::object;
use super::super::finding::{Findings, PodSees, Step};
use super::document::to_be_json;
use crate::issuer::documents::is_private;

/// Keys of one type that STS takes.
const MOST_OF_A_TYPE: usize = 100;

/// Characters of an id that are shown, and how many of them.
const LONGEST_KID: usize = 60;
const MOST_SHOWN: usize = 5;

const STEP: Step = Step::Keys;

/// Judges the published keys, knowing those of the cluster if they could be read; gives what can be used.
pub(super) fn judge(
    body: Option<&[u8]>,
    of_cluster: Option<&JsonWebKeySet>,
    findings: &mut Findings,
) -> Option<JsonWebKeySet> {
    let Some(body) = body else {
        findings.skip(STEP, "there are no keys");
        return None;
    };
    let members = match object(body) {
        Ok(members) => members,
        Err(why) => {
            findings.fail(STEP, why.to_string(), PodSees::NoKey, to_be_json(&why));
            return None;
        }
    };
    let listed = members.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<_> = listed.iter().filter_map(Value::as_object).collect();
    private(&listed, findings);
    counts(&listed, findings);
    let set = match JsonWebKeySet::parse(body) {
        Ok(set) => set,
        Err(why) => {
            let fix =
                "Publish the public keys of the API servers, with 'pod-identity-webhook issuer publish'.";
            findings.fail(STEP, why.to_string(), PodSees::NoKey, fix);
            return None;
        }
    };
    ids(&listed, findings);
    names(&set, of_cluster, findings);
    if let Some(first) = set.left_out().first() {
        let fix = "Publish no key that AWS cannot verify a token with: only RSA keys and those of P-256, P-384 and P-521.";
        findings.warn(
            STEP,
            format!("{} of {} are of no use: {first}", set.left_out().len(), listed.len()),
            fix,
        );
    }
    if findings.is_open(STEP) {
        findings.ok(STEP, shown(set.keys().iter()));
    }
    Some(set)
}

fn private(listed: &[&Map<String, Value>], findings: &mut Findings) {
    let leaked: Vec<_> = listed.iter().filter(|key| is_private(key)).collect();
    let Some(first) = leaked.first() else { return };
    let kid = Quoted::new(first.get("kid").and_then(Value::as_str).unwrap_or_default(), LONGEST_KID);
    let seen = format!("the PRIVATE key is published, of {} of the keys: first {kid}", leaked.len());
    let fix = "Take it for known to everybody. Make a new key pair, have every API server sign and verify with that alone, publish \
               its public key, remove this one from the document at once, and restart the pods. Copy no private key into a key set: \
               'pod-identity-webhook issuer publish' writes public members alone.";
    findings.fail(STEP, seen, PodSees::Leak, fix);
}

fn counts(listed: &[&Map<String, Value>], findings: &mut Findings) {
    for kind in ["RSA", "EC"] {
        let count = listed.iter().filter(|key| key.get("kty").and_then(Value::as_str) == Some(kind)).count();
        if count > MOST_OF_A_TYPE {
            let seen = format!("there are {count} {kind} keys, and AWS takes {MOST_OF_A_TYPE} at most");
            let fix = "Remove the keys whose last token has expired.";
            findings.fail(STEP, seen, PodSees::NoKey, fix);
        }
    }
}

fn ids(listed: &[&Map<String, Value>], findings: &mut Findings) {
    let kid =
        |key: &&Map<String, Value>| key.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut counts = BTreeMap::<_, usize>::new();
    for kid in listed.iter().map(kid) {
        *counts.entry(kid).or_default() += 1;
    }
    if let Some(count) = counts.remove("") {
        let seen = format!("{count} of the keys have no kid");
        let fix = "Remove them, or name them as tokens do: AWS picks the key by the kid in the token's header, which every API \
                   server since 1.16 writes.";
        findings.warn(STEP, seen, fix);
    }
    if let Some((kid, count)) = counts.into_iter().find(|(_, count)| *count > 1) {
        let seen = format!("{count} keys have the kid {}", Quoted::new(&kid, LONGEST_KID));
        let fix = "Give each key its own kid, and publish each once: AWS picks the key by its kid, and may pick the wrong one.";
        findings.fail(STEP, seen, PodSees::Signature, fix);
    }
    let without = listed.iter().filter(|key| !key.contains_key("alg")).count();
    if without > 0 {
        let fix =
            "Write alg: RS256 for an RSA key, and ES256, ES384 or ES512 for a key of P-256, P-384 or P-521.";
        findings.warn(STEP, format!("{without} of the keys do not say their alg"), fix);
    }
}

/// Kubernetes computes the ids, unless the cluster itself has others: an external signer may choose its own.
fn names(set: &JsonWebKeySet, of_cluster: Option<&JsonWebKeySet>, findings: &mut Findings) {
    let is_of_cluster =
        |key: &JsonWebKey| of_cluster.is_some_and(|set| set.keys().iter().any(|one| is_same(one, key)));
    let is_other = |key: &&JsonWebKey| {
        key.kid().is_some_and(|kid| !kid.is_empty() && kid != kid_of_spki(key.spki())) && !is_of_cluster(key)
    };
    let Some(other) = set.keys().iter().find(is_other) else { return };
    let seen = format!(
        "the key {} would be called {} by Kubernetes",
        Quoted::new(other.kid().unwrap_or_default(), LONGEST_KID),
        kid_of_spki(other.spki())
    );
    let fix = "Publish it under the kid that the header of its tokens has: AWS picks the key by that.";
    findings.warn(STEP, seen, fix);
}

/// Whether two keys are one, under one id.
pub(super) fn is_same(one: &JsonWebKey, other: &JsonWebKey) -> bool {
    one.kid() == other.kid() && one.spki() == other.spki()
}

/// Some keys, for people.
pub(super) fn shown<'k>(keys: impl ExactSizeIterator<Item = &'k JsonWebKey>) -> String {
    let count = keys.len();
    let named = keys.take(MOST_SHOWN).map(|key| {
        format!("{} ({})", Quoted::new(key.kid().unwrap_or_default(), LONGEST_KID), key.algorithm())
    });
    let named: Vec<_> = named.collect();
    let more = if count > MOST_SHOWN { format!(" and {} more", count - MOST_SHOWN) } else { String::new() };
    format!("{count} {}: {}{more}", if count == 1 { "key" } else { "keys" }, named.join(", "))
}
