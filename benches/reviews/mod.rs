//! The reviews that the benchmarks read, and the way from their bytes to the answer's.

use std::time::Duration;

use futures_util::FutureExt;
use injection::{Candidate, Defaults, Review, Rules, decide};
use pod_identity_webhook::cli::injection as flags;
use pod_identity_webhook::identities::Identities;
use pod_identity_webhook::identities::offline::Manifests;
use serde_json::{Value, json};
use test_support::reviews::creation;
use tokio::time::Instant;

/// Sizes of pods as they are met: a plain one, one with a sidecar and managed fields, and the
/// largest of its kind; with what makes them so large.
pub const SIZES: [(&str, Shape); 3] = [
    ("3.5KB", Shape { containers: 1, variables: 8, managed_fields: 6 }),
    ("7.5KB", Shape { containers: 3, variables: 12, managed_fields: 16 }),
    ("83KB", Shape { containers: 24, variables: 34, managed_fields: 60 }),
];

/// What a review is made of.
pub struct Shape {
    containers: usize,
    variables: usize,
    managed_fields: usize,
}

/// A review as kube-apiserver sends it.
pub fn review(shape: &Shape) -> Vec<u8> {
    serde_json::to_vec(&creation("shop", &pod(shape))).unwrap()
}

fn pod(shape: &Shape) -> Value {
    let containers: Vec<_> = (0..shape.containers).map(|number| container(number, shape.variables)).collect();
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "checkout-7d4b9c6f5-",
            "creationTimestamp": null,
            "labels": { "app": "checkout", "pod-template-hash": "7d4b9c6f5" },
            "annotations": { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-7d4b9c6f5",
                "uid": "6a3a7f0a-5f5f-11e8-bc74-36e6bb280816", "controller": true, "blockOwnerDeletion": true,
            }],
            "managedFields": managed_fields(shape.managed_fields),
        },
        "spec": {
            "volumes": [
                { "name": "config", "configMap": { "name": "checkout", "defaultMode": 420 } },
                { "name": "kube-api-access-x7k2p", "projected": { "sources": [
                    { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                    { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                ], "defaultMode": 420 } },
            ],
            "containers": containers,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "checkout",
            "serviceAccount": "checkout",
            "securityContext": { "runAsNonRoot": true, "fsGroup": 65532 },
            "schedulerName": "default-scheduler",
            "tolerations": [
                { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
                { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
            ],
            "priority": 0,
            "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {},
    })
}

fn container(number: usize, variables: usize) -> Value {
    let env: Vec<_> = (0..variables)
        .map(|variable| match variable % 4 {
            0 => json!({ "name": format!("SETTING_{variable}"), "valueFrom": {
                "configMapKeyRef": { "name": "checkout", "key": format!("setting-{variable}") } } }),
            _ => json!({ "name": format!("CHECKOUT_OPTION_{variable}"), "value": format!("value-of-option-{variable}") }),
        })
        .collect();
    json!({
        "name": format!("worker-{number}"),
        "image": "registry.example.com/shop/checkout:1.42.0",
        "args": ["--config=/etc/checkout/config.yaml", "--verbose"],
        "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" }],
        "env": env,
        "resources": { "limits": { "memory": "256Mi" }, "requests": { "cpu": "100m", "memory": "256Mi" } },
        "volumeMounts": [
            { "name": "config", "mountPath": "/etc/checkout" },
            { "name": "kube-api-access-x7k2p", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" },
        ],
        "livenessProbe": { "httpGet": { "path": "/livez", "port": 8080, "scheme": "HTTP" }, "periodSeconds": 10 },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true },
    })
}

fn managed_fields(fields: usize) -> Value {
    let owned: serde_json::Map<_, _> =
        (0..fields).map(|field| (format!("f:field{field}"), json!({ ".": {}, "f:value": {} }))).collect();
    json!([{
        "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": owned },
    }])
}

/// The flags' defaults, with a region.
pub fn defaults() -> Defaults {
    use clap::Parser;
    let args = pod_identity_webhook::cli::Cli::parse_from(["", "--aws-default-region=eu-west-1"]);
    let defaults = flags::defaults(&args.webhook.injection, &mut Vec::new()).unwrap();
    defaults.offline().unwrap()
}

/// The one account of the reviews, with a role.
pub fn identities(defaults: &Defaults) -> Identities {
    let account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: checkout, namespace: shop, annotations: \
                   {eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/checkout'}}}\n";
    let mut identities = Manifests::default();
    let stream = manifests::parse(account).unwrap();
    identities.add(&stream, "account.yaml".as_ref(), "default", &defaults.annotation_prefix).unwrap();
    Identities::of_manifests(identities)
}

/// From a review's bytes to the answer's: what a call does between its socket reads and writes.
pub fn answer(body: &[u8], identities: &Identities, defaults: &Defaults) -> Vec<u8> {
    let review = Review::decode(body, &defaults.annotation_prefix).unwrap();
    let candidate = Candidate::of_review(&review, None).unwrap();
    let deadline = Instant::now() + Duration::from_secs(1);
    let found = identities
        .find(candidate.account, candidate.need, candidate.precedence(defaults), deadline)
        .now_or_never()
        .unwrap();
    let rules = Rules { defaults, policy: None, sources: &[] };
    decide(&candidate, &found.unwrap(), &rules).answer(&review)
}
