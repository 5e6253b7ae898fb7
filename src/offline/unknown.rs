//! Objects that pods are made from in a way that `inject` does not know. They are named: passed through in silence
//! they would look like objects that make no pods.

use std::fmt;

use json_patch::jsonptr::Token;
use manifests::{Document, Object};
use serde_json::{Map, Value};

use super::workload;

/// An object that is left unchanged although pods are made from it.
pub(super) struct Unknown<'a> {
    kind: &'a str,
    /// `None` if the object names no namespace: it may be one that has none.
    namespace: Option<&'a str>,
    name: &'a str,
    /// Where the first pod stands in the object, if that could be found.
    place: Option<String>,
    why: Why,
}

/// Why nothing is added to an object that makes pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// What the kind makes of what is written in it is not known.
    Kind,
    /// The template names no account, and its operator may give its pods one of its own making.
    Account,
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, place, why: _ } = self;
        write!(f, "{kind} ")?;
        namespace.iter().try_for_each(|namespace| write!(f, "{namespace}/"))?;
        write!(f, "{name}")?;
        place.iter().try_for_each(|place| write!(f, " {place}"))
    }
}

impl Unknown<'_> {
    /// Why the object is left unchanged, and who gives its pods their identity instead.
    pub(super) fn explanation(&self) -> &'static str {
        match self.why {
            Why::Kind => {
                "pods are made from it, but inject does not know how: it is left unchanged; on a cluster the webhook \
                 gives these pods their identity when they are created"
            }
            Why::Account => {
                "it names no ServiceAccount, and its operator may give its pods one that inject does not know: it is \
                 left unchanged; on a cluster the webhook gives these pods their identity when they are created"
            }
        }
    }
}

/// The kinds that make pods and need not have a pod in them, by their group.
const MAKERS: [(&str, &[&str]); 52] = [
    ("acid.zalan.do", &["postgresql"]),
    ("actions.summerwind.dev", &["Runner", "RunnerDeployment", "RunnerReplicaSet", "RunnerSet"]),
    ("agent.k8s.elastic.co", &["Agent"]),
    ("apm.k8s.elastic.co", &["ApmServer"]),
    ("argoproj.io", &["ArgoCD", "EventBus", "EventSource", "Sensor"]),
    ("argoproj.io", &["ClusterWorkflowTemplate", "CronWorkflow", "Workflow", "WorkflowTemplate"]),
    ("beat.k8s.elastic.co", &["Beat"]),
    ("build.openshift.io", &["Build", "BuildConfig"]),
    ("camel.apache.org", &["Integration", "Pipe"]),
    ("cassandra.datastax.com", &["CassandraDatacenter"]),
    ("clickhouse.altinity.com", &["ClickHouseInstallation"]),
    ("cluster.redpanda.com", &["Redpanda"]),
    ("core.strimzi.io", &["StrimziPodSet"]),
    ("datadoghq.com", &["DatadogAgent"]),
    ("druid.apache.org", &["Druid"]),
    ("elasticsearch.k8s.elastic.co", &["Elasticsearch"]),
    ("flink.apache.org", &["FlinkBlueGreenDeployment", "FlinkDeployment"]),
    ("fluentbit.fluent.io", &["FluentBit", "Fluentd"]),
    ("grafana.integreatly.org", &["Grafana"]),
    ("infra.contrib.fluxcd.io", &["Terraform"]),
    ("jaegertracing.io", &["Jaeger"]),
    ("k6.io", &["TestRun"]),
    ("k8s.keycloak.org", &["Keycloak"]),
    ("k8s.mariadb.com", &["MariaDB"]),
    ("kafka.strimzi.io", &["Kafka", "KafkaBridge", "KafkaConnect", "KafkaNodePool"]),
    ("kafka.strimzi.io", &["KafkaMirrorMaker", "KafkaMirrorMaker2"]),
    ("kibana.k8s.elastic.co", &["Kibana"]),
    ("kubevirt.io", &["VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceReplicaSet"]),
    ("logging.banzaicloud.io", &["FluentbitAgent", "Logging"]),
    ("logstash.k8s.elastic.co", &["Logstash"]),
    ("loki.grafana.com", &["LokiStack"]),
    ("machinelearning.seldon.io", &["SeldonDeployment"]),
    ("minio.min.io", &["Tenant"]),
    ("mongodbcommunity.mongodb.com", &["MongoDBCommunity"]),
    ("monitoring.coreos.com", &["Alertmanager", "Prometheus", "PrometheusAgent", "ThanosRuler"]),
    ("opensearch.opster.io", &["OpenSearchCluster"]),
    ("opentelemetry.io", &["OpAMPBridge", "OpenTelemetryCollector", "TargetAllocator"]),
    (
        "operator.victoriametrics.com",
        &["VMAgent", "VMAlert", "VMAlertmanager", "VMAuth", "VMCluster", "VMSingle"],
    ),
    ("pkg.crossplane.io", &["ControllerConfig", "DeploymentRuntimeConfig", "Function", "Provider"]),
    ("postgres-operator.crunchydata.com", &["PostgresCluster"]),
    ("postgresql.cnpg.io", &["Cluster", "Pooler"]),
    ("psmdb.percona.com", &["PerconaServerMongoDB"]),
    ("pxc.percona.com", &["PerconaXtraDBCluster"]),
    ("rabbitmq.com", &["RabbitmqCluster"]),
    ("serving.kserve.io", &["InferenceService", "LLMInferenceService"]),
    ("sources.knative.dev", &["ApiServerSource"]),
    ("spark.apache.org", &["SparkApplication", "SparkCluster"]),
    ("sparkoperator.k8s.io", &["ScheduledSparkApplication", "SparkApplication", "SparkConnect"]),
    ("tekton.dev", &["ClusterTask", "Pipeline", "PipelineRun", "Task", "TaskRun"]),
    ("tempo.grafana.com", &["TempoMonolithic", "TempoStack"]),
    ("triggers.tekton.dev", &["EventListener"]),
    ("vault.banzaicloud.com", &["Vault"]),
];

/// The kinds in which what looks like a pod is none of theirs: a schema, a pattern, a copy that another object was made
/// from, an account of what runs, containers for the pods of others. No kind at all stands for all kinds of the group.
const OTHERS: [(&str, &[&str]); 12] = [
    ("admission.k8s.io", &[]),
    ("apiextensions.crossplane.io", &["CompositeResourceDefinition"]),
    ("apiextensions.k8s.io", &[]),
    ("apps", &["ControllerRevision"]),
    ("apps.kruise.io", &["SidecarSet", "WorkloadSpread"]),
    ("constraints.gatekeeper.sh", &[]),
    ("kueue.x-k8s.io", &[]),
    ("kyverno.io", &[]),
    ("metrics.k8s.io", &[]),
    ("mutations.gatekeeper.sh", &[]),
    ("policies.kyverno.io", &[]),
    ("templates.gatekeeper.sh", &[]),
];

/// The objects of a document that pods are made from, but that are not injected, each once.
pub(super) fn unknown(document: &Document) -> Vec<Unknown<'_>> {
    document.objects().iter().filter_map(of).collect()
}

fn of<'a>(object: &Object<'a>) -> Option<Unknown<'a>> {
    let (place, why) = if workload::places(object.version, object.kind).is_some() {
        (Some(workload::left_out(object)?), Why::Account)
    } else {
        let kind = Kind::of(object.version, object.kind);
        // The object itself is no pod: PodMetrics, for one, has its containers there.
        let pod = match kind {
            Kind::Other => None,
            Kind::Maker | Kind::Unlisted => object.value.as_object().and_then(pod_below),
        };
        if kind != Kind::Maker && pod.is_none() {
            return None;
        }
        (pod.map(|steps| steps.iter().rev().flat_map(|step| ["/", step.encoded()]).collect()), Why::Kind)
    };
    Some(Unknown {
        kind: object.kind,
        namespace: object.namespace(),
        name: workload::name(object),
        place,
        why,
    })
}

/// What is known of a kind that is not injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It makes pods, whatever is written in it.
    Maker,
    /// What stands in it makes no pods, or it is no object of Kubernetes.
    Other,
    /// What is written in it must say.
    Unlisted,
}

impl Kind {
    fn of(version: &str, kind: &str) -> Self {
        let group = workload::group(version);
        let is_among = |kinds: &[(&str, &[&str])]| {
            kinds.iter().any(|(of, kinds)| *of == group && (kinds.is_empty() || kinds.contains(&kind)))
        };
        if version.is_empty() || kind.is_empty() || is_among(&OTHERS) {
            Self::Other
        } else if is_among(&MAKERS) {
            Self::Maker
        } else {
            Self::Unlisted
        }
    }

    /// The kind of a value within an object: many kinds hold whole objects (`OpenShift`'s Template), and many more
    /// hold references, which have a kind but no spec.
    fn within(members: &Map<String, Value>) -> Self {
        let text = |key| members.get(key).and_then(Value::as_str);
        match (text("apiVersion"), text("kind")) {
            (Some(version), Some(kind)) if members.contains_key("spec") => Self::of(version, kind),
            _ => Self::Unlisted,
        }
    }
}

/// The steps from a value to the first pod in it, the last one first. The reader of manifests bounds their number.
fn pod_in(value: &Value) -> Option<Vec<Token<'_>>> {
    match value {
        Value::Object(members) => match Kind::within(members) {
            Kind::Other => None,
            Kind::Maker => Some(Vec::new()),
            Kind::Unlisted if has_containers(members) => Some(Vec::new()),
            Kind::Unlisted => pod_below(members),
        },
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| Some(followed_by(pod_in(item)?, Token::from(index)))),
        _ => None,
    }
}

/// The same for what is below an object, without what is said about it and what became of it.
fn pod_below(members: &Map<String, Value>) -> Option<Vec<Token<'_>>> {
    let mut searched = members.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
    searched.find_map(|(key, member)| {
        let is_template =
            key == "podTemplate" && member.as_object().is_some_and(|members| !members.is_empty());
        let steps = if is_template { Vec::new() } else { pod_in(member)? };
        Some(followed_by(steps, Token::new(key)))
    })
}

fn followed_by<'a>(mut steps: Vec<Token<'a>>, step: Token<'a>) -> Vec<Token<'a>> {
    steps.push(step);
    steps
}

/// Whether these are members of a pod's spec, or of what overrides one (Prometheus). An operator may set the images,
/// so that a name alone makes a container.
fn has_containers(members: &Map<String, Value>) -> bool {
    let is_container =
        |value: &Value| ["name", "image"].iter().any(|key| value.get(key).is_some_and(Value::is_string));
    let containers = members.get("containers").and_then(Value::as_array);
    containers.is_some_and(|containers| containers.iter().any(is_container))
}
