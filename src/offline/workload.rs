//! The pods in a manifest: a pod itself, the templates of a workload, the items of a list.

use std::fmt;

use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{AddOperation, Patch, PatchOperation};
use manifests::{Document, Object};
use serde_json::Value;

/// A pod, or the template that pods are made of.
pub(super) struct Template<'a> {
    /// An object with `metadata` and `spec`.
    pub(super) pod: &'a Value,
    /// The object that the template belongs to, if that is another one and this its first template.
    pub(super) owner: Option<&'a Value>,
    /// The namespace of the object that the template belongs to.
    pub(super) namespace: &'a str,
    kind: &'a str,
    name: &'a str,
    /// Where the template stands in the document, as a JSON pointer.
    pointer: String,
    /// Where it stands in its object, if that may have several templates.
    among: Option<String>,
}

impl fmt::Display for Template<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)?;
        self.among.iter().try_for_each(|place| write!(f, " {place}"))
    }
}

impl Template<'_> {
    /// A pod's patch as one of the whole document.
    pub(super) fn prefixed(&self, patch: Patch) -> Patch {
        let moved = patch.0.into_iter().map(|operation| match operation {
            PatchOperation::Add(AddOperation { path, value }) => {
                // Both are pointers already; joined they are one.
                let whole = PointerBuf::parse(format!("{}{path}", self.pointer)).unwrap_or(path);
                PatchOperation::Add(AddOperation { path: whole, value })
            }
            other => other,
        });
        Patch(moved.collect())
    }
}

/// The kinds that bear pod templates: group, kind, and where the templates stand, as JSON pointers in which `*` is
/// every element of a list or every member of an object.
///
/// A kind of an operator belongs here if what stands there is a whole `PodTemplateSpec`, whose `metadata` takes a
/// label and whose `spec` names the account, and if the operator makes pods in the object's own namespace and adds
/// to the template without replacing its lists. Kubeflow's Notebook has no `metadata` there, for instance.
const WORKLOADS: [(&str, &str, &[&str]); 34] = [
    ("", "Pod", &[""]),
    ("", "PodTemplate", &["/template"]),
    ("", "ReplicationController", &[TEMPLATE]),
    ("apps", "Deployment", &[TEMPLATE]),
    ("apps", "ReplicaSet", &[TEMPLATE]),
    ("apps", "StatefulSet", &[TEMPLATE]),
    ("apps", "DaemonSet", &[TEMPLATE]),
    ("batch", "Job", &[TEMPLATE]),
    ("batch", "CronJob", &["/spec/jobTemplate/spec/template"]),
    ("apps.kruise.io", "AdvancedCronJob", &["/spec/template/*/spec/template"]),
    ("apps.kruise.io", "BroadcastJob", &[TEMPLATE]),
    ("apps.kruise.io", "CloneSet", &[TEMPLATE]),
    ("apps.kruise.io", "DaemonSet", &[TEMPLATE]),
    ("apps.kruise.io", "StatefulSet", &[TEMPLATE]),
    ("apps.kruise.io", "UnitedDeployment", &["/spec/template/*/spec/template"]),
    ("apps.openshift.io", "DeploymentConfig", &[TEMPLATE]),
    ("argoproj.io", "Experiment", &["/spec/templates/*/template"]),
    ("argoproj.io", "Rollout", &[TEMPLATE]),
    ("batch.volcano.sh", "Job", &["/spec/tasks/*/template"]),
    ("jobset.x-k8s.io", "JobSet", &["/spec/replicatedJobs/*/template/spec/template"]),
    ("keda.sh", "ScaledJob", &["/spec/jobTargetRef/template"]),
    ("kubeflow.org", "JAXJob", &["/spec/jaxReplicaSpecs/*/template"]),
    ("kubeflow.org", "MPIJob", &["/spec/mpiReplicaSpecs/*/template"]),
    ("kubeflow.org", "PaddleJob", &["/spec/paddleReplicaSpecs/*/template"]),
    ("kubeflow.org", "PyTorchJob", &["/spec/pytorchReplicaSpecs/*/template"]),
    ("kubeflow.org", "TFJob", &["/spec/tfReplicaSpecs/*/template"]),
    ("kubeflow.org", "XGBoostJob", &["/spec/xgbReplicaSpecs/*/template"]),
    (
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        &["/spec/leaderWorkerTemplate/leaderTemplate", "/spec/leaderWorkerTemplate/workerTemplate"],
    ),
    ("ray.io", "RayCluster", &["/spec/headGroupSpec/template", "/spec/workerGroupSpecs/*/template"]),
    (
        "ray.io",
        "RayJob",
        &[
            "/spec/rayClusterSpec/headGroupSpec/template",
            "/spec/rayClusterSpec/workerGroupSpecs/*/template",
            "/spec/submitterPodTemplate",
        ],
    ),
    (
        "ray.io",
        "RayService",
        &[
            "/spec/rayClusterConfig/headGroupSpec/template",
            "/spec/rayClusterConfig/workerGroupSpecs/*/template",
        ],
    ),
    ("serving.knative.dev", "Configuration", &[TEMPLATE]),
    ("serving.knative.dev", "Service", &[TEMPLATE]),
    ("sources.knative.dev", "ContainerSource", &[TEMPLATE]),
];

/// Where most kinds have their only template.
const TEMPLATE: &str = "/spec/template";

/// The templates to which an operator gives an account of its own making if they name none: Ray's head when it
/// scales by itself, and the launcher of Kubeflow's training operator. `default` would be the wrong account.
const OWN_ACCOUNT: [&str; 4] = [
    "/spec/headGroupSpec/template",
    "/spec/rayClusterConfig/headGroupSpec/template",
    "/spec/rayClusterSpec/headGroupSpec/template",
    "/spec/mpiReplicaSpecs/Launcher/template",
];

/// Every pod template of a document; `namespace` is for objects that name no namespace.
pub(super) fn templates<'a>(document: &'a Document, namespace: &'a str) -> Vec<Template<'a>> {
    let mut templates = Vec::new();
    for object in document.objects() {
        let Some(places) = places(object.version, object.kind) else {
            continue;
        };
        let is_only = matches!(places, [place] if !place.contains('*'));
        let mut owner = (!places.contains(&"")).then_some(object.value);
        for (place, pod) in found(object.value, places) {
            if !may_get_own_account(&place, pod) {
                templates.push(Template {
                    pod,
                    owner: owner.take(),
                    namespace: object.namespace().unwrap_or(namespace),
                    kind: object.kind,
                    name: name(&object),
                    pointer: format!("{}{place}", object.pointer),
                    among: (!is_only).then_some(place),
                });
            }
        }
    }
    templates
}

/// The place of a template that [`templates`] leaves out, because nobody but its operator knows its account.
pub(super) fn left_out(object: &Object<'_>) -> Option<String> {
    let places = places(object.version, object.kind)?;
    let mut found = found(object.value, places).into_iter();
    found.find(|(place, pod)| may_get_own_account(place, pod)).map(|(place, _)| place)
}

/// Where a kind has its templates; `None` for one that is not known. `version` is an `apiVersion`.
pub(super) fn places(version: &str, kind: &str) -> Option<&'static [&'static str]> {
    let group = group(version);
    let is_it = |(known, known_kind, _): &&(&str, &str, &[&str])| *known == group && *known_kind == kind;
    WORKLOADS.iter().find(is_it).map(|(.., places)| *places)
}

/// The group in an `apiVersion`; empty for Kubernetes' core.
pub(super) fn group(version: &str) -> &str {
    version.split_once('/').map_or("", |(group, _)| group)
}

/// What an object is called, for a person.
pub(super) fn name<'a>(object: &Object<'a>) -> &'a str {
    let name = object.text("/metadata/name").or_else(|| object.text("/metadata/generateName"));
    name.unwrap_or("(no name)")
}

fn may_get_own_account(place: &str, pod: &Value) -> bool {
    let names = |field| pod.pointer(field).is_some_and(|name| *name != "");
    let names_account = || names("/spec/serviceAccountName") || names("/spec/serviceAccount");
    OWN_ACCOUNT.contains(&place) && !names_account()
}

/// The templates at these places, each with its own place.
fn found<'a>(object: &'a Value, places: &[&str]) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for place in places {
        let mut steps = place.split("/*");
        let mut reached = vec![(String::new(), object)];
        descend(&mut reached, steps.next().unwrap_or_default());
        for step in steps {
            reached = reached.iter().flat_map(|(place, value)| children(place, value)).collect();
            descend(&mut reached, step);
        }
        found.append(&mut reached);
    }
    found
}

/// Goes on by a JSON pointer from every value; those that do not have it, or have null there, are left behind.
fn descend(reached: &mut Vec<(String, &Value)>, step: &str) {
    reached.retain_mut(|(place, value)| match value.pointer(step) {
        Some(next) if !next.is_null() => {
            place.push_str(step);
            *value = next;
            true
        }
        _ => false,
    });
}

/// The elements of a list or the members of an object.
fn children<'a>(place: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (format!("{place}/{index}"), item)).collect()
        }
        Value::Object(members) => {
            let member = |(key, member)| (format!("{place}/{}", Token::new(key).encoded()), member);
            members.iter().map(member).collect()
        }
        _ => Vec::new(),
    }
}
