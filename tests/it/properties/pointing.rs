//! What is added leads somewhere: mounts to volumes, variables to the token, names to one thing.

use std::collections::BTreeSet;

use injection::pod::env;
use proptest::prelude::*;
use serde_json::Value;

use super::adding::{added, containers};
use super::case::{Case, case};
use super::cases;
use super::settings::audience;

/// The elements of a list in a pod or container, none if it is absent or null.
fn elements<'v>(object: &'v Value, list: &str) -> &'v [Value] {
    object[list].as_array().map_or(&[], Vec::as_slice)
}

/// A path's place in the container, as kubelet and the runtime see it: absolute, without `.`, `..`
/// and empty parts. On Windows both slashes part, a drive may stand in front and C: is the default.
fn place(path: &str, windows: bool) -> String {
    let turned = if windows { path.replace('\\', "/") } else { path.to_owned() };
    let (drive, rest) = match turned.split_once(':') {
        Some((drive, rest)) if windows && drive.len() == 1 => (drive.to_uppercase(), rest),
        _ if windows => ("C".to_owned(), turned.as_str()),
        _ => (String::new(), turned.as_str()),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{drive}/{}", parts.join("/"))
}

/// The names of a pod's volumes, and whether each stands there once.
fn volume_names(pod: &Value) -> (BTreeSet<&str>, bool) {
    let volumes = elements(&pod["spec"], "volumes");
    let names: BTreeSet<_> = volumes.iter().filter_map(|volume| volume["name"].as_str()).collect();
    let unique = names.len() == volumes.len();
    (names, unique)
}

fn mount_places_are_unique(container: &Value, windows: bool) -> bool {
    let mounts = elements(container, "volumeMounts");
    let places = mounts.iter().map(|mount| place(mount["mountPath"].as_str().unwrap_or_default(), windows));
    places.collect::<BTreeSet<_>>().len() == mounts.len()
}

/// Where a container finds tokens of the audience: below whole mounts of projected volumes.
fn token_files(case: &Case, volumes: &Value, container: &Value) -> Vec<String> {
    let audience = audience(&case.grant, &case.defaults);
    let is_whole = |mount: &&Value| {
        ["subPath", "subPathExpr"].iter().all(|name| mount[name].as_str().is_none_or(str::is_empty))
    };
    let mut files = Vec::new();
    for mount in elements(container, "volumeMounts").iter().filter(is_whole) {
        let named = elements(&volumes["spec"], "volumes").iter().filter(|one| one["name"] == mount["name"]);
        for source in named.flat_map(|volume| elements(&volume["projected"], "sources")) {
            let token = &source["serviceAccountToken"];
            if token["audience"] == audience {
                let file =
                    format!("{}/{}", mount["mountPath"].as_str().unwrap(), token["path"].as_str().unwrap());
                files.push(place(&file, case.windows));
            }
        }
    }
    files
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn names_of_volumes_stay_unique_and_valid(case in case()) {
        let after = case.after();
        let (old, was_unique) = volume_names(case.object());
        let (new, is_unique) = volume_names(&after);
        prop_assert!(is_unique || !was_unique);
        for name in new.difference(&old) {
            prop_assert!(name.len() <= 63 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-'), "{}", name);
        }
    }

    #[test]
    fn no_two_mounts_of_a_container_meet_unless_they_did(case in case()) {
        let after = case.after();
        for (before, after) in containers(case.object(), &after) {
            let unique = |container| mount_places_are_unique(container, case.windows);
            prop_assert!(unique(after) || !unique(before), "{:#}", after["volumeMounts"]);
        }
    }

    #[test]
    fn every_added_mount_is_of_a_volume_with_the_token_and_read_only(case in case()) {
        let after = case.after();
        let (names, _) = volume_names(case.volumes_of(&after));
        for (before, after) in containers(case.object(), &after) {
            for mount in added(before, after, "volumeMounts") {
                prop_assert!(names.contains(mount["name"].as_str().unwrap()), "{}", mount);
                prop_assert_eq!(&mount["readOnly"], true);
                prop_assert!(mount["mountPath"].as_str().unwrap().starts_with('/'), "{}", mount);
            }
        }
    }

    #[test]
    fn every_added_token_file_is_there(case in case()) {
        let after = case.after();
        let volumes = case.volumes_of(&after);
        for (before, after) in containers(case.object(), &after) {
            let files = token_files(&case, volumes, after);
            for variable in added(before, after, "env") {
                let name = variable["name"].as_str().unwrap();
                if [env::WEB_IDENTITY_TOKEN_FILE, env::AUTHORIZATION_TOKEN_FILE].contains(&name) {
                    let value = variable["value"].as_str().unwrap();
                    prop_assert!(files.contains(&place(value, case.windows)), "{} is not in {:?}", value, files);
                    // Programs may have the file's usual name written into them.
                    let usual = &case.defaults.token_volume(case.grant.method()).token_path;
                    let is_usual = place(value, case.windows).ends_with(&place(usual, false));
                    prop_assert!(is_usual || case.review["request"]["operation"] == "UPDATE", "{}", value);
                    // Programs take it as it is: absolute, and on Windows as Windows writes it.
                    let is_absolute = if case.windows {
                        value[1..].starts_with(":\\") && !value.contains('/') && !value.contains("\\\\")
                    } else {
                        value.starts_with('/')
                    };
                    prop_assert!(is_absolute, "{}", value);
                }
            }
        }
    }
}
