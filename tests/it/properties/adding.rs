//! Patches only add: whatever was there stays, once is enough, and a pod gets one method.

use injection::Grant;
use injection::annotation;
use injection::pod::{POD_IDENTITY_LABEL, env};
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::Value;

use super::case::{Case, case};
use super::cases;
use super::settings::PREFIX;

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The places, as patterns, at which a member or further elements may appear.
const ADDITIONS: [&str; 9] = [
    "/metadata",
    "/metadata/labels",
    "/metadata/labels/eks.amazonaws.com~1pod-identity",
    "/spec",
    "/spec/volumes",
    "/spec/initContainers/*/env",
    "/spec/containers/*/env",
    "/spec/initContainers/*/volumeMounts",
    "/spec/containers/*/volumeMounts",
];

fn may_be_added(place: &str) -> bool {
    let place = place.replace("/ephemeralContainers/", "/containers/");
    let parts: Vec<_> = place.split('/').collect();
    ADDITIONS.iter().any(|pattern| {
        let pattern: Vec<_> = pattern.split('/').collect();
        pattern.len() == parts.len()
            && pattern.iter().zip(&parts).all(|(one, part)| *one == "*" || one == part)
    })
}

/// Holds `after` against `before`, value by value: every difference must be an addition by the webhook.
fn compare(place: &str, before: &Value, after: &Value) -> Result<(), String> {
    let escaped = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in old {
                let now = new.get(name).ok_or_else(|| format!("{} is gone", escaped(name)))?;
                compare(&escaped(name), value, now)?;
            }
            match new.keys().find(|name| !old.contains_key(*name) && !may_be_added(&escaped(name))) {
                Some(name) => Err(format!("{} is new", escaped(name))),
                None => Ok(()),
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            if new.len() < old.len() || new.len() > old.len() && !may_be_added(place) {
                return Err(format!("{place} has {} elements instead of {}", new.len(), old.len()));
            }
            let mut pairs = old.iter().zip(new).enumerate();
            pairs.try_for_each(|(index, (old, new))| compare(&format!("{place}/{index}"), old, new))
        }
        // For a patch, a member that is null is made anew.
        (Value::Null, Value::Array(_) | Value::Object(_)) if may_be_added(place) => Ok(()),
        (Value::String(_), Value::String(new)) if place == ADDITIONS[2] && new == "enabled" => Ok(()),
        (old, new) if old == new => Ok(()),
        _ => Err(format!("{place} is another")),
    }
}

/// Pairs of a container before and after, in all lists.
pub fn containers<'v>(before: &'v Value, after: &'v Value) -> Vec<(&'v Value, &'v Value)> {
    let list = |pod: &'v Value, name| pod["spec"][name].as_array().map_or(&[][..], Vec::as_slice);
    LISTS.iter().flat_map(|name| list(before, name).iter().zip(list(after, name))).collect()
}

/// The elements of a container's list that were added.
pub fn added<'v>(before: &Value, after: &'v Value, list: &str) -> &'v [Value] {
    let known = before[list].as_array().map_or(0, Vec::len);
    after[list].as_array().map_or(&[], |all| &all[known..])
}

/// Whether the annotations of the pod that counts leave a container of that name alone.
fn is_skipped(case: &Case, name: &str) -> bool {
    let pod = case.volumes_of(case.object());
    let names = |annotation: &str| {
        let text = pod["metadata"]["annotations"][format!("{PREFIX}/{annotation}")].as_str()?;
        annotation::names(text).ok().filter(|names| !names.is_empty())
    };
    let has = |names: Vec<String>| names.iter().any(|known| known == name);
    names("skip-containers").is_some_and(has) || names("inject-containers").is_some_and(|only| !has(only))
}

fn typed(object: &Value) -> Option<Value> {
    let pod: Pod = serde_json::from_value(object.clone()).ok()?;
    Some(serde_json::to_value(pod).unwrap())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn patch_holds_add_operations_alone_and_applies(case in case()) {
        if let Some(patch) = case.admit().patch {
            let operations: Vec<Value> = serde_json::from_slice(&patch).unwrap();
            prop_assert!(!operations.is_empty());
            for operation in &operations {
                prop_assert_eq!(&operation["op"], "add");
                prop_assert_eq!(operation.as_object().unwrap().len(), 3);
            }
            case.patched(Some(&patch));
        }
    }

    #[test]
    fn every_value_stays_at_its_place_known_or_not(case in case()) {
        let difference = compare("", case.object(), &case.after());
        prop_assert_eq!(difference, Ok(()));
    }

    #[test]
    fn skipped_containers_stay_as_they_are(case in case()) {
        let after = case.after();
        for (before, after) in containers(case.object(), &after) {
            if is_skipped(&case, before["name"].as_str().unwrap_or_default()) {
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn patched_pod_admitted_again_gets_no_patch(case in case()) {
        let after = case.after();
        let second = case.again(after).admit().patch;
        prop_assert_eq!(second.map(|patch| String::from_utf8(patch).unwrap()), None);
    }

    #[test]
    fn one_method_alone_is_added_and_its_pair_as_a_whole(case in case()) {
        let (pair, label) = match &case.grant {
            Grant::Role(_) => ([env::ROLE_ARN, env::WEB_IDENTITY_TOKEN_FILE], false),
            Grant::Association(_) => ([env::CREDENTIALS_FULL_URI, env::AUTHORIZATION_TOKEN_FILE], true),
        };
        let region = [env::DEFAULT_REGION, env::REGION];
        let mode = [env::METADATA_ENDPOINT_MODE];
        let after = case.after();
        for (before, after) in containers(case.object(), &after) {
            let names: Vec<_> =
                added(before, after, "env").iter().map(|one| one["name"].as_str().unwrap()).collect();
            let mut left = names.as_slice();
            for whole in [&[env::STS_REGIONAL_ENDPOINTS][..], &region, &pair, &mode] {
                left = left.strip_prefix(whole).unwrap_or(left);
            }
            prop_assert!(left.is_empty(), "{:?}", names);
            let set = |name: &&str| {
                before["env"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == **name))
            };
            for whole in [region, pair] {
                let is_added = names.contains(&whole[0]);
                prop_assert!(!is_added || !whole.iter().any(set), "{:?} though one is set", whole);
            }
            prop_assert!(!names.iter().any(set), "{:?} set twice", names);
            let wants_mode = label && case.defaults.agent.endpoint_mode().is_some();
            let has_mode = wants_mode && names.contains(&pair[0]) && !set(&mode[0]);
            prop_assert_eq!(names.contains(&mode[0]), has_mode);
        }
        let labelled = |pod: &Value| pod["metadata"]["labels"][POD_IDENTITY_LABEL] == "enabled";
        prop_assert!(label || labelled(case.object()) == labelled(&after));
        prop_assert!(!label || case.review["request"]["operation"] == "UPDATE" || labelled(&after));
    }

    #[test]
    fn patched_pod_is_a_pod_to_the_typed_api_whenever_it_was(case in case()) {
        let after = case.after();
        if let Some(before) = typed(case.object()) {
            let once = typed(&after).expect("still a pod");
            prop_assert_eq!(typed(&once), Some(once.clone()));
            // Nothing of the patch is dropped or changed when it is put on what typed code knows.
            let patched = case.again(before).patched(case.admit().patch.as_deref());
            prop_assert_eq!(typed(&patched), Some(once));
        }
    }
}

#[test]
fn comparison_sees_what_is_lost_and_what_is_new() {
    let pod = serde_json::json!({"spec": {"containers": [{"name": "a", "x": [1, {"y": null}]}]}});
    let changed = |pointer: &str, value: Value| {
        let mut changed = pod.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        compare("", &pod, &changed)
    };
    assert!(changed("/spec/containers/0/x/0", Value::from(2)).is_err());
    assert!(changed("/spec/containers/0/x/1/y", Value::from("")).is_err());
    assert!(changed("/spec/containers/0/x", serde_json::json!([1])).is_err());
    assert!(changed("/spec/containers/0", serde_json::json!({"name": "a"})).is_err());
    assert!(
        changed("/spec", serde_json::json!({"containers": pod["spec"]["containers"], "os": {}})).is_err()
    );
    assert!(
        changed("/spec", serde_json::json!({"containers": pod["spec"]["containers"], "volumes": []})).is_ok()
    );
}
