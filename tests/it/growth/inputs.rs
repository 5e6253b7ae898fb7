//! Everything that repeats in what strangers send or write, by size.

use std::hint::black_box;

use injection::grant::{AssociationGrant, Preferences, RoleGrant, RoleSource};
use injection::{Candidate, Found, Grant, Review, Rules, decide};
use pod_identity_webhook::identities::account::Account;
use pod_identity_webhook::identities::sources::association_file;
use pod_identity_webhook::identities::sources::association_resources::{Association, KIND, Kind};
use pod_identity_webhook::identities::sources::config_map;
use pod_identity_webhook::role_policy;
use serde_json::{Map, Value, json};

use crate::properties::settings::plain;
use crate::support::reviews::review;

/// Something that repeats, and what is done with a given number of it.
pub struct Input {
    pub what: &'static str,
    /// Half of the most that is looked at, or a large number.
    pub size: usize,
    pub make: Box<dyn Fn(usize) -> Box<dyn Fn()>>,
}

/// As many as are taken of a pod's containers and volumes, in two sizes.
const BOUND: usize = 500;
/// Mounts: enough to tell, and few enough for square time to end.
const MOUNTS: usize = 500;
/// Elements of a kind without a bound of its own.
const MANY: usize = 6_000;

pub fn inputs() -> Vec<Input> {
    let mut inputs = pods();
    inputs.extend(judged());
    inputs.extend(ephemeral());
    inputs.extend(accounts());
    inputs.extend(files());
    inputs
}

fn repeat(count: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..count).map(one).collect()
}

fn members(count: usize, one: impl Fn(usize) -> (String, Value)) -> Value {
    Value::Object((0..count).map(one).collect::<Map<_, _>>())
}

fn text(count: usize) -> Value {
    json!("\u{1}x".repeat(count))
}

/// Admits a review for either method.
fn admitting(review: &Value) -> Box<dyn Fn()> {
    let body = serde_json::to_vec(review).unwrap();
    let role = RoleGrant {
        role_arn: "arn:aws:iam::123456789012:role/app".into(),
        source: RoleSource::Annotation,
        audience: None,
        preferences: Preferences::default(),
    };
    let founds = [Grant::Role(role), Grant::Association(AssociationGrant::default())].map(Found::from);
    let defaults = plain();
    Box::new(move || {
        let review = Review::decode(&body, &defaults.annotation_prefix).unwrap();
        let candidate = Candidate::of_review(&review, None).unwrap();
        for found in &founds {
            let rules = Rules { defaults: &defaults, policy: None, sources: &[] };
            black_box(decide(&candidate, found, &rules).answer(&review));
        }
    })
}

fn pod(what: &'static str, size: usize, put: fn(&mut Value, usize)) -> Input {
    let make = move |size| {
        let mut review = review("orders");
        put(&mut review["request"]["object"], size);
        admitting(&review)
    };
    Input { what, size, make: Box::new(make) }
}

fn windows(pod: &mut Value) {
    pod["spec"]["os"] = json!({"name": "windows"});
}

/// Mounts at the webhook's path, and at all that would be free beside it.
fn taken_paths(pod: &mut Value, size: usize, place: fn(usize) -> String) {
    let path = |number| json!({"name": "other", "mountPath": place(number)});
    pod["spec"]["containers"][0]["volumeMounts"] = repeat(size, path);
}

const PATHS: [&str; 2] = [
    "/var/run/secrets/eks.amazonaws.com/serviceaccount",
    "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
];

fn beside(number: usize, clean: bool) -> String {
    let (path, number) = (PATHS[number % 2], number / 2 + 1);
    let slash = if clean { "" } else { "/./" };
    if number == 1 { format!("{path}{slash}") } else { format!("{path}-{number}{slash}") }
}

fn name(number: usize) -> Value {
    json!({"name": format!("c{number}")})
}

/// What is judged by its value.
fn judged() -> Vec<Input> {
    vec![
        pod("containers with another role each, and tokens that they cannot read", BOUND, |pod, size| {
            pod["spec"]["containers"] = repeat(size, |number| {
                let role = format!("arn:aws:iam::123456789012:role/{number}");
                let env = json!([
                    {"name": "AWS_ROLE_ARN", "value": role},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/x"},
                ]);
                json!({"name": format!("c{number}"), "env": env, "securityContext": {"runAsUser": number}})
            });
            let token = json!({"serviceAccountToken":
                {"audience": "sts.amazonaws.com", "path": "token", "expirationSeconds": 86_400}});
            pod["spec"]["volumes"] = json!([{
                "name": "sts", "projected": {"defaultMode": 0o400, "sources": repeat(size, |_| token.clone())}
            }]);
        }),
        pod("mounts of the token, and the length of the file that a container names", BOUND, |pod, size| {
            let file = format!("{}token", "/x/..".repeat(size * 8));
            let container = &mut pod["spec"]["containers"][0];
            container["env"] = json!([
                {"name": "AWS_ROLE_ARN", "value": "x"},
                {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": file},
            ]);
            container["volumeMounts"] =
                repeat(size, |number| json!({"name": "aws-iam-token", "mountPath": format!("/{number}")}));
            let token =
                json!({"audience": "sts.amazonaws.com", "path": "token", "expirationSeconds": 86_400});
            pod["spec"]["volumes"] = json!([
                {"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": token}]}}
            ]);
        }),
        pod("a list of exceptions from a proxy", MANY, |pod, size| {
            let list = "10.0.0.0/24,".repeat(size);
            pod["spec"]["containers"][0]["env"] =
                json!([{"name": "HTTP_PROXY", "value": "x"}, {"name": "NO_PROXY", "value": list}]);
        }),
        pod("misspelt labels and annotations", MANY, |pod, size| {
            let key = |number| (format!("eks.amazonaws.com/skip-containe{}", number % 10_000), json!("x"));
            pod["metadata"]["labels"] = members(size, key);
            pod["metadata"]["annotations"] = members(size, key);
        }),
    ]
}

fn pods() -> Vec<Input> {
    vec![
        pod("containers", BOUND, |pod, size| pod["spec"]["containers"] = repeat(size, name)),
        pod("containers far beyond the bound", MANY, |pod, size| {
            pod["spec"]["containers"] = repeat(size, |_| json!({}));
        }),
        pod("containers with keys of their own", BOUND, |pod, size| {
            let keys = json!([{"name": "AWS_ACCESS_KEY_ID", "value": "x"}]);
            pod["spec"]["containers"] =
                repeat(size, |number| json!({"name": format!("c{number}"), "env": keys}));
        }),
        pod("names that are skipped, and containers", BOUND, |pod, size| {
            let names: Vec<_> = (0..size).map(|number| format!("c{}", number * 2)).collect();
            pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/skip-containers": names.join(",")});
            pod["spec"]["containers"] = repeat(size, name);
        }),
        pod("names far beyond the bound", MANY, |pod, size| {
            let names = vec!["\"a\""; size].join(",");
            pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/inject-containers": names});
        }),
        pod("commas without names", MANY, |pod, size| {
            pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/inject-containers": ",".repeat(size)});
        }),
        pod("variables", MANY, |pod, size| {
            pod["spec"]["containers"][0]["env"] =
                repeat(size, |number| json!({"name": format!("AWS_{number}")}));
        }),
        pod("volumes with our names", BOUND, |pod, size| {
            pod["spec"]["volumes"] = repeat(size, |number| {
                let (name, number) =
                    (["aws-iam-token", "eks-pod-identity-token"][number % 2], number / 2 + 1);
                json!({"name": if number == 1 { name.to_owned() } else { format!("{name}-{number}") }})
            });
        }),
        pod("volumes far beyond the bound", MANY, |pod, size| {
            pod["spec"]["volumes"] = repeat(size, |_| json!({}))
        }),
        pod("tokens", BOUND, |pod, size| {
            let sources = repeat(size, |_| json!({"serviceAccountToken": {"audience": "x", "path": "t"}}));
            pod["spec"]["volumes"] = json!([{"name": "v", "projected": {"sources": sources}}]);
        }),
        pod("mounts beside our paths", MOUNTS, |pod, size| taken_paths(pod, size, |n| beside(n, true))),
        pod("mounts beside our paths, not clean", MOUNTS, |pod, size| {
            taken_paths(pod, size, |number| beside(number, false));
        }),
        pod("mounts beside our paths, on Windows", MOUNTS, |pod, size| {
            windows(pod);
            taken_paths(pod, size, |number| beside(number, true).to_uppercase());
        }),
        pod("mounts of as many containers", BOUND, |pod, size| {
            let mounts = repeat(8, |number| json!({"name": "other", "mountPath": beside(number, true)}));
            pod["spec"]["containers"] =
                repeat(size, |number| json!({"name": format!("c{number}"), "volumeMounts": mounts}));
        }),
        pod("steps of a path", MANY, |pod, size| {
            let path = json!({"name": "other", "mountPath": "/a/..".repeat(size)});
            pod["spec"]["containers"][0]["volumeMounts"] = json!([path]);
        }),
        pod("mounts far beyond the bound", MANY, |pod, size| {
            pod["spec"]["containers"][0]["volumeMounts"] = repeat(size, |_| json!({}));
        }),
        pod("labels", MANY, |pod, size| {
            pod["metadata"]["labels"] = members(size, |number| (format!("l{number}"), json!("x")));
        }),
        pod("annotations", MANY, |pod, size| {
            let ours = |number| (format!("eks.amazonaws.com/a{number}"), json!("x"));
            pod["metadata"]["annotations"] = members(size, ours);
        }),
        pod("node selectors", MANY, |pod, size| {
            pod["spec"]["nodeSelector"] = members(size, |number| (format!("s{number}"), json!("windows")));
        }),
        pod("terms of an affinity", MANY, |pod, size| {
            let term = json!({"matchExpressions": [
                {"key": "kubernetes.io/os", "operator": "In", "values": ["windows", "windows"]}]});
            pod["spec"]["affinity"] = json!({"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": repeat(size, |_| term.clone())}}});
        }),
        pod("digits of a lifetime", MANY, |pod, size| {
            pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/token-expiration": "9".repeat(size)});
        }),
        pod("letters of names", MANY, |pod, size| {
            pod["metadata"]["name"] = text(size);
            pod["spec"]["containers"][0]["name"] = text(size);
            pod["spec"]["containers"][0]["env"] = json!([{"name": "AWS_ACCESS_KEY_ID", "value": "x"}]);
        }),
    ]
}

fn ephemeral() -> Vec<Input> {
    let adding = |what, size, name: fn(usize) -> Value| {
        let make = move |size| {
            let mut review = review("orders");
            let request = &mut review["request"];
            request["operation"] = json!("UPDATE");
            request["subResource"] = json!("ephemeralcontainers");
            request["oldObject"] = request["object"].clone();
            request["oldObject"]["spec"]["ephemeralContainers"] = repeat(size, name);
            request["object"]["spec"]["ephemeralContainers"] =
                repeat(size, |number| json!({"name": format!("n{number}")}));
            admitting(&review)
        };
        Input { what, size, make: Box::new(make) }
    };
    vec![
        adding(
            "ephemeral containers, old and new",
            BOUND / 2,
            |number| json!({"name": format!("o{number}")}),
        ),
        adding("ephemeral containers far beyond the bound", MANY, |_| json!({"name": "o"})),
    ]
}

fn accounts() -> Vec<Input> {
    let reading = |what, annotate: fn(usize) -> Vec<(String, String)>| {
        let make = move |size| {
            let (prefix, annotations) = (plain().annotation_prefix, annotate(size));
            let read = move || {
                let annotations = annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                drop(black_box(Account::read(&prefix, annotations)));
            };
            Box::new(read) as Box<dyn Fn()>
        };
        Input { what, size: MANY, make: Box::new(make) }
    };
    vec![
        reading("annotations of an account", |size| {
            (0..size).map(|number| (format!("eks.amazonaws.com/a{number}"), "x".to_owned())).collect()
        }),
        reading("letters of an account's annotations", |size| {
            ["role-arn", "audience", "token-expiration", "sts-regional-endpoints"]
                .map(|name| (format!("eks.amazonaws.com/{name}"), "é".repeat(size)))
                .to_vec()
        }),
    ]
}

fn files() -> Vec<Input> {
    let reading = |what, document: fn(usize) -> Value, read: fn(&str)| {
        let make = move |size| {
            let document = document(size).to_string();
            Box::new(move || read(&document)) as Box<dyn Fn()>
        };
        Input { what, size: MANY, make: Box::new(make) }
    };
    let entries = |text: &str| drop(black_box(config_map::ConfigMapDocument::parse(text)));
    let policy = |text: &str| drop(black_box(role_policy::parse(text.as_bytes()).unwrap()));
    let resource = |text: &str| {
        let kind = Kind::find("eks.services.k8s.aws/v1alpha1", KIND).unwrap();
        drop(black_box(Association::read(kind, &serde_json::from_str(text).unwrap(), "default")));
    };
    let associations =
        |text: &str| drop(black_box(association_file::AssociationFile::parse(text.as_bytes())));
    vec![
        reading(
            "entries of a ConfigMap",
            |size| members(size, |number| (format!("shop/a{number}"), json!({"RoleARN": "arn"}))),
            entries,
        ),
        reading(
            "entries of a ConfigMap with wildcards",
            |size| members(size, |number| (format!("shop-*/a*{number}*"), json!({"RoleARN": "arn"}))),
            entries,
        ),
        reading(
            "members of an entry",
            |size| json!({"shop/a": members(size, |number| (format!("m{number}"), json!({"x": 1})))}),
            entries,
        ),
        reading(
            "letters of a role in a ConfigMap",
            |size| json!({"shop/a": {"RoleARN": "é".repeat(size), "Audience": "é".repeat(size)}}),
            entries,
        ),
        reading(
            "keys of a ConfigMap that are none",
            |size| members(size, |n| (format!("a{n}"), json!(1))),
            entries,
        ),
        reading(
            "associations of a file",
            |size| json!({"identities": repeat(size, |number| json!({"namespace": "shop", "serviceAccount": format!("a{number}")}))}),
            associations,
        ),
        reading(
            "rules of a role policy",
            |size| {
                let rule = json!({"namespaces": ["shop-*"], "roles": ["arn:aws:iam::123456789012:role/*"]});
                json!({"rules": repeat(size / 10, |_| rule.clone())})
            },
            policy,
        ),
        reading(
            "globs of a rule",
            |size| {
                let roles =
                    repeat(size / 10, |number| json!(format!("arn:aws:iam::123456789012:role/{number}*")));
                let namespaces = repeat(size / 10, |number| json!(format!("shop-{number}-*")));
                json!({"rules": [{"namespaces": namespaces, "roles": roles}]})
            },
            policy,
        ),
        reading(
            "conditions of a custom resource",
            |size| {
                let condition = |_| json!({"type": "ACK.Other", "status": "True"});
                json!({
                    "spec": {"namespace": "shop", "serviceAccount": "orders", "clusterName": "prod"},
                    "status": {"associationID": "a-1", "conditions": repeat(size, condition)},
                })
            },
            resource,
        ),
        reading(
            "empty associations of a file",
            |size| json!({"identities": repeat(size, |_| json!({}))}),
            associations,
        ),
    ]
}
