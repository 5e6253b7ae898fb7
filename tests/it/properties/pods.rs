//! Pods as JSON values: plausible ones, and odd ones that the API server would still send.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::members::{Members, extras, list, maybe, member, object, record};
use super::settings::{AGENT, AGENT_MOUNT, LONG_NAME, MOUNT, OTHER_AUDIENCE, PREFIX, STS, lifetime};

/// A pod, and whether it says that it wants a Windows node.
#[derive(Debug, Clone)]
pub struct Generated {
    pub pod: Value,
    pub windows: bool,
}

const NAMES: [&str; 8] = ["app", "App", "side,car", "a~b/c~1", "é😀", "q\"uo\\te", " blank ", "tab\t"];

const VOLUMES: [&str; 9] = [
    "aws-iam-token",
    "aws-iam-token-2",
    "eks-pod-identity-token",
    "eks-pod-identity-token-2",
    LONG_NAME,
    "identity",
    "data",
    "a~b/c",
    "q\"é\\",
];

const PATHS: [&str; 16] = [
    MOUNT,
    "/var/run/secrets/eks.amazonaws.com/serviceaccount/",
    "/var/run//secrets/eks.amazonaws.com/x/../serviceaccount",
    "/var/run/secrets/eks.amazonaws.com/serviceaccount-2",
    AGENT_MOUNT,
    "/var/./run/secrets/pods.eks.amazonaws.com/serviceaccount",
    "var/run/secrets/eks.amazonaws.com/serviceaccount",
    "C:\\var\\run\\secrets\\eks.amazonaws.com\\serviceaccount",
    "d:/tokens/",
    "/x/z",
    "/x/z-2/",
    "/data",
    "relative/../path",
    "/a~b/~1/\"é\\",
    "\\back\\slashes",
    "/",
];

const VARIABLES: [&str; 18] = [
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HTTP_PROXY",
    "no_proxy",
    "aws_region",
    "PATH",
    "é~/\"",
    "",
];

fn text(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(texts)
}

fn variables() -> BoxedStrategy<Value> {
    let source = prop_oneof![
        3 => member("value", select(vec!["", "x", "é\"\\"])),
        1 => member("valueFrom", Just(json!({"fieldRef": {"fieldPath": "spec.nodeName"}}))),
        1 => Just(Vec::new()),
    ];
    let some = list(record(vec![member("name", text(&VARIABLES)).boxed(), source.boxed()]), 0..5);
    // Nothing is left to add where all of them are set.
    let all = vec![Just(VARIABLES[..7].iter().map(|name| json!({"name": name})).collect::<Value>())];
    prop_oneof![12 => some, 1 => all.prop_map(|mut one| one.remove(0))].boxed()
}

fn mounts() -> BoxedStrategy<Value> {
    let sub_path = prop_oneof![
        6 => Just(Vec::new()),
        1 => member("subPath", select(vec!["token", ""])),
        1 => member("subPathExpr", Just("$(A)")),
    ];
    let mount = record(vec![
        member("name", text(&VOLUMES)).boxed(),
        prop_oneof![4 => Just(Vec::new()), 1 => member("readOnly", any::<bool>())].boxed(),
        sub_path.boxed(),
    ]);
    // Most lists have each path once: the API server refuses others. A few lists do not.
    let unique = subsequence(&PATHS[..], 0..4);
    let paths = prop_oneof![8 => unique, 1 => vec(select(&PATHS[..]), 0..4)];
    let mounts = paths.prop_flat_map(move |paths| {
        vec(mount.clone(), paths.len()).prop_map(move |mut mounts| {
            for (mount, path) in mounts.iter_mut().zip(&paths) {
                mount["mountPath"] = Value::from(*path);
            }
            Value::from(mounts)
        })
    });
    prop_oneof![40 => mounts, 1 => Just(json!([null]))].boxed()
}

fn container() -> BoxedStrategy<Value> {
    record(vec![
        maybe("env", variables()).boxed(),
        maybe("volumeMounts", mounts()).boxed(),
        maybe("resources", Just(json!({"limits": {"cpu": "0.10"}}))).boxed(),
        maybe("securityContext", select(vec![json!({"runAsUser": 0}), json!({"runAsUser": 1000})])).boxed(),
    ])
}

fn containers(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    let list = subsequence(names, 0..=names.len()).prop_shuffle().prop_flat_map(|names| {
        vec(container(), names.len()).prop_map(move |mut containers| {
            for (container, name) in containers.iter_mut().zip(&names) {
                container["name"] = Value::from(*name);
            }
            Value::from(containers)
        })
    });
    prop_oneof![30 => list, 1 => Just(json!([null, {"name": "app"}]))].boxed()
}

fn token() -> impl Strategy<Value = Value> {
    let audience = prop_oneof![
        3 => member("audience", Just(STS)),
        3 => member("audience", Just(AGENT)),
        1 => member("audience", select(vec![OTHER_AUDIENCE, "", "STS.amazonaws.com"])),
        1 => Just(Vec::new()),
    ];
    let token = record(vec![
        audience.boxed(),
        member("path", select(vec!["token", "eks-pod-identity-token", "a~b/c", "é\"\\"])).boxed(),
        maybe("expirationSeconds", lasting().prop_map(Value::from)).boxed(),
    ]);
    token.prop_map(|token| json!({"serviceAccountToken": token}))
}

/// Lifetimes of tokens: half of them those that are promised.
fn lasting() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(86_400), 1 => 600..90_000_i64]
}

fn volume_source() -> BoxedStrategy<Members> {
    let other = prop_oneof![
        Just(json!({"configMap": {"name": "trust", "items": [{"key": "ca", "path": "ca~/"}]}})),
        Just(json!({"downwardAPI": {}})),
        Just(json!({"serviceAccountToken": null})),
    ];
    let sources = list(prop_oneof![3 => token().boxed(), 1 => other.boxed()], 0..4);
    prop_oneof![
        2 => Just(Vec::new()),
        1 => member("emptyDir", Just(json!({"sizeLimit": "01Gi"}))),
        3 => maybe("projected", record(vec![maybe("sources", sources).boxed()])),
    ]
    .boxed()
}

fn volumes() -> BoxedStrategy<Value> {
    let names = prop_oneof![8 => subsequence(&VOLUMES[..], 0..5), 1 => vec(select(&VOLUMES[..]), 0..4)];
    let volumes = names.prop_shuffle().prop_flat_map(|names| {
        vec(record(vec![volume_source()]), names.len()).prop_map(move |mut volumes| {
            for (volume, name) in volumes.iter_mut().zip(&names) {
                volume["name"] = Value::from(*name);
            }
            Value::from(volumes)
        })
    });
    prop_oneof![40 => volumes, 1 => Just(json!([null]))].boxed()
}

/// A list of container names as users write them, broken ones too.
fn names() -> impl Strategy<Value = String> {
    let quoted = subsequence(&NAMES[..], 1..5).prop_map(|names| {
        let names = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
        names.collect::<Vec<_>>().join(" , ")
    });
    let plain = subsequence(&NAMES[..], 1..3).prop_map(|names| names.join(","));
    prop_oneof![3 => quoted, 2 => plain, 1 => select(vec!["", ",", "\"app", "nobody"]).prop_map(str::to_owned)]
}

fn metadata() -> BoxedStrategy<Value> {
    let annotation = |name, value: BoxedStrategy<String>| {
        option::weighted(0.25, value)
            .prop_map(move |value| value.map(|value| (format!("{PREFIX}/{name}"), Value::from(value))))
    };
    let annotations = (
        annotation("token-expiration", lifetime().boxed()),
        annotation("skip-containers", names().boxed()),
        annotation("inject-containers", names().boxed()),
        annotation("role-arn", Just("ignored".to_owned()).boxed()),
    )
        .prop_map(|(one, two, three, four)| object([one, two, three, four].into_iter().flatten()));
    let label = prop_oneof![
        2 => Just(Vec::new()),
        1 => member("eks.amazonaws.com/pod-identity", select(vec!["enabled", "disabled", ""])),
    ];
    let skip = prop_oneof![
        5 => Just(Vec::new()),
        1 => member("eks.amazonaws.com/skip-pod-identity-webhook", Just("x")),
    ];
    record(vec![
        prop_oneof![member("name", Just("app-é")), member("generateName", Just("app-"))].boxed(),
        maybe("labels", record(vec![label.boxed(), skip.boxed()])).boxed(),
        maybe("annotations", annotations).boxed(),
    ])
}

/// Members of a spec by which it says that it wants Windows, or seems to.
fn platform() -> BoxedStrategy<(Members, bool)> {
    let one = |name: &str, value: Value, windows| (vec![(name.to_owned(), value)], windows);
    let required = |values: Value, second: bool| {
        let term = |key| json!({"matchExpressions": [{"key": key, "operator": "In", "values": values}]});
        let terms = if second {
            json!([term("kubernetes.io/os"), term("zone")])
        } else {
            json!([term("kubernetes.io/os")])
        };
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
    };
    prop_oneof![
        6 => Just((Vec::new(), false)),
        1 => Just(one("nodeSelector", json!({"kubernetes.io/os": "windows", "a": "b"}), true)),
        1 => Just(one("nodeSelector", json!({"kubernetes.io/os": "Windows"}), false)),
        1 => Just(one("os", json!({"name": "windows"}), true)),
        1 => Just(one("affinity", required(json!(["windows"]), false), true)),
        1 => Just(one("affinity", required(json!(["windows", "linux"]), false), false)),
        1 => Just(one("affinity", required(json!(["windows"]), true), false)),
    ]
    .boxed()
}

fn spec() -> BoxedStrategy<(Value, bool)> {
    let members = record(vec![
        maybe("volumes", volumes()).boxed(),
        maybe("initContainers", containers(&NAMES[4..])).boxed(),
        maybe("containers", containers(&NAMES[..4])).boxed(),
        maybe("serviceAccountName", Just(Value::from("app"))).boxed(),
    ]);
    (members, platform())
        .prop_map(|(mut spec, (signs, windows))| {
            for (name, value) in signs {
                spec[name] = value;
            }
            (spec, windows)
        })
        .boxed()
}

/// A pod that is being made.
pub fn pod() -> BoxedStrategy<Generated> {
    let spec = prop_oneof![
        40 => spec().prop_map(|(spec, windows)| (vec![("spec".to_owned(), spec)], windows)),
        1 => maybe("spec", Just(json!({}))).prop_map(|spec| (spec, false)),
    ];
    let metadata = prop_oneof![12 => member("metadata", metadata()), 1 => maybe("metadata", metadata())];
    (metadata, spec, extras())
        .prop_map(|(metadata, (spec, windows), extras)| {
            let kind = [("kind".to_owned(), json!("Pod")), ("apiVersion".to_owned(), json!("v1"))];
            let pod = object(kind.into_iter().chain(metadata).chain(spec).chain(extras));
            Generated { pod, windows }
        })
        .boxed()
}

/// Ephemeral containers, as they are added to a running pod.
pub fn ephemeral_containers() -> BoxedStrategy<Value> {
    containers(&["debug", "é😀 debug"])
}
