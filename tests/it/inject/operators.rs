//! Kinds of operators: those with whole pod templates are injected as a Deployment is, the others are named.

use serde_json::Value;

use super::{ACCOUNT, Files, injected, values};

/// A pod template of the account, wherever a spec below says `POD`.
const POD: &str =
    "{metadata: {labels: {app: x}}, spec: {serviceAccountName: web, containers: [{name: a, image: i}]}}";

/// The same without an account.
const BARE: &str = "{metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: i}]}}";

/// What is said of an object whose kind is not known, behind its name and place.
const NOT_KNOWN: &str = "pods are made from it, but inject does not know how: it is left unchanged; on a cluster the \
                         webhook gives these pods their identity when they are created";

/// What is said of a template whose account its operator chooses.
const NO_ACCOUNT: &str = "it names no ServiceAccount, and its operator may give its pods one that inject does not \
                          know: it is left unchanged; on a cluster the webhook gives these pods their identity when \
                          they are created";

/// The kinds that are injected: `apiVersion`, `kind`, the spec, and every place of a template in it.
const INJECTED: [(&str, &str, &str, &[&str]); 27] = [
    ("argoproj.io/v1alpha1", "Rollout", "{strategy: {canary: {}}, template: POD}", &["/spec/template"]),
    (
        "argoproj.io/v1alpha1",
        "Experiment",
        "{duration: 5m, templates: [{name: old, template: POD}, {name: new, template: POD}]}",
        &["/spec/templates/0/template", "/spec/templates/1/template"],
    ),
    ("serving.knative.dev/v1", "Service", "{template: POD}", &["/spec/template"]),
    ("serving.knative.dev/v1", "Configuration", "{template: POD}", &["/spec/template"]),
    ("sources.knative.dev/v1", "ContainerSource", "{template: POD, sink: {uri: u}}", &["/spec/template"]),
    ("apps.openshift.io/v1", "DeploymentConfig", "{replicas: 2, template: POD}", &["/spec/template"]),
    (
        "keda.sh/v1alpha1",
        "ScaledJob",
        "{jobTargetRef: {backoffLimit: 4, template: POD}, triggers: []}",
        &["/spec/jobTargetRef/template"],
    ),
    (
        "kubeflow.org/v1",
        "TFJob",
        "{tfReplicaSpecs: {PS: {replicas: 1, template: POD}, Worker: {template: POD}}}",
        &["/spec/tfReplicaSpecs/PS/template", "/spec/tfReplicaSpecs/Worker/template"],
    ),
    (
        "kubeflow.org/v1",
        "PyTorchJob",
        "{pytorchReplicaSpecs: {Master: {template: POD}, Worker: {template: POD}}}",
        &["/spec/pytorchReplicaSpecs/Master/template", "/spec/pytorchReplicaSpecs/Worker/template"],
    ),
    (
        "kubeflow.org/v2beta1",
        "MPIJob",
        "{mpiReplicaSpecs: {Launcher: {template: POD}, Worker: {template: POD}}}",
        &["/spec/mpiReplicaSpecs/Launcher/template", "/spec/mpiReplicaSpecs/Worker/template"],
    ),
    (
        "kubeflow.org/v1",
        "XGBoostJob",
        "{xgbReplicaSpecs: {Master: {template: POD}}}",
        &["/spec/xgbReplicaSpecs/Master/template"],
    ),
    (
        "kubeflow.org/v1",
        "PaddleJob",
        "{paddleReplicaSpecs: {Worker: {template: POD}}}",
        &["/spec/paddleReplicaSpecs/Worker/template"],
    ),
    (
        "kubeflow.org/v1",
        "JAXJob",
        "{jaxReplicaSpecs: {Worker: {template: POD}}}",
        &["/spec/jaxReplicaSpecs/Worker/template"],
    ),
    (
        "jobset.x-k8s.io/v1alpha2",
        "JobSet",
        "{replicatedJobs: [{name: w, template: {spec: {parallelism: 2, template: POD}}}]}",
        &["/spec/replicatedJobs/0/template/spec/template"],
    ),
    (
        "ray.io/v1",
        "RayCluster",
        "{headGroupSpec: {template: POD}, workerGroupSpecs: [{template: POD}, {template: POD}]}",
        &[
            "/spec/headGroupSpec/template",
            "/spec/workerGroupSpecs/0/template",
            "/spec/workerGroupSpecs/1/template",
        ],
    ),
    (
        "ray.io/v1",
        "RayJob",
        "{rayClusterSpec: {headGroupSpec: {template: POD}, workerGroupSpecs: [{template: POD}]}, \
         submitterPodTemplate: POD}",
        &[
            "/spec/rayClusterSpec/headGroupSpec/template",
            "/spec/rayClusterSpec/workerGroupSpecs/0/template",
            "/spec/submitterPodTemplate",
        ],
    ),
    (
        "ray.io/v1",
        "RayService",
        "{rayClusterConfig: {headGroupSpec: {template: POD}, workerGroupSpecs: [{template: POD}]}}",
        &[
            "/spec/rayClusterConfig/headGroupSpec/template",
            "/spec/rayClusterConfig/workerGroupSpecs/0/template",
        ],
    ),
    (
        "batch.volcano.sh/v1alpha1",
        "Job",
        "{tasks: [{name: master, template: POD}, {name: worker, template: POD}]}",
        &["/spec/tasks/0/template", "/spec/tasks/1/template"],
    ),
    ("apps.kruise.io/v1alpha1", "CloneSet", "{template: POD}", &["/spec/template"]),
    ("apps.kruise.io/v1beta1", "StatefulSet", "{template: POD}", &["/spec/template"]),
    ("apps.kruise.io/v1alpha1", "DaemonSet", "{template: POD}", &["/spec/template"]),
    ("apps.kruise.io/v1alpha1", "BroadcastJob", "{template: POD}", &["/spec/template"]),
    (
        "apps.kruise.io/v1alpha1",
        "AdvancedCronJob",
        "{template: {broadcastJobTemplate: {spec: {template: POD}}}}",
        &["/spec/template/broadcastJobTemplate/spec/template"],
    ),
    (
        "apps.kruise.io/v1alpha1",
        "AdvancedCronJob",
        "{template: {jobTemplate: {spec: {template: POD}}}}",
        &["/spec/template/jobTemplate/spec/template"],
    ),
    (
        "apps.kruise.io/v1alpha1",
        "UnitedDeployment",
        "{template: {cloneSetTemplate: {metadata: {labels: {app: x}}, spec: {template: POD}}}}",
        &["/spec/template/cloneSetTemplate/spec/template"],
    ),
    (
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        "{leaderWorkerTemplate: {leaderTemplate: POD, workerTemplate: POD}}",
        &["/spec/leaderWorkerTemplate/leaderTemplate", "/spec/leaderWorkerTemplate/workerTemplate"],
    ),
    (
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        "{leaderWorkerTemplate: {leaderTemplate: null, workerTemplate: POD}}",
        &["/spec/leaderWorkerTemplate/workerTemplate"],
    ),
];

/// The kinds that are named: `apiVersion`, `kind`, the spec, and where its first pod is said to be.
const NAMED: [(&str, &str, &str, &str); 36] = [
    ("argoproj.io/v1alpha1", "Workflow", "{templates: [{name: t, container: {image: i}}]}", ""),
    (
        "argoproj.io/v1alpha1",
        "WorkflowTemplate",
        "{templates: [{containerSet: {containers: [{name: a}]}}]}",
        "/spec/templates/0/containerSet",
    ),
    ("argoproj.io/v1alpha1", "CronWorkflow", "{workflowSpec: {templates: []}}", ""),
    (
        "argoproj.io/v1alpha1",
        "AnalysisTemplate",
        "{metrics: [{provider: {job: {spec: {template: POD}}}}]}",
        "/spec/metrics/0/provider/job/spec/template/spec",
    ),
    ("tekton.dev/v1", "Task", "{steps: [{name: s, image: i}]}", ""),
    ("tekton.dev/v1", "TaskRun", "{podTemplate: {nodeSelector: {a: b}}}", "/spec/podTemplate"),
    ("tekton.dev/v1beta1", "PipelineRun", "{pipelineRef: {name: p}}", ""),
    (
        "triggers.tekton.dev/v1beta1",
        "TriggerTemplate",
        "{resourcetemplates: [{apiVersion: tekton.dev/v1, kind: TaskRun, spec: {taskRef: {name: t}}}]}",
        "/spec/resourcetemplates/0",
    ),
    ("sparkoperator.k8s.io/v1beta2", "SparkApplication", "{driver: {serviceAccount: web}}", ""),
    ("sparkoperator.k8s.io/v1beta2", "ScheduledSparkApplication", "{template: {driver: {}}}", ""),
    ("flink.apache.org/v1beta1", "FlinkDeployment", "{serviceAccount: web}", ""),
    (
        "flink.apache.org/v1beta1",
        "FlinkDeployment",
        "{podTemplate: {spec: {containers: [{name: flink-main-container}]}}}",
        "/spec/podTemplate",
    ),
    ("kafka.strimzi.io/v1beta2", "Kafka", "{kafka: {replicas: 3}}", ""),
    ("kafka.strimzi.io/v1beta2", "KafkaConnect", "{template: {pod: {metadata: {labels: {a: b}}}}}", ""),
    (
        "elasticsearch.k8s.elastic.co/v1",
        "Elasticsearch",
        "{nodeSets: [{name: a, podTemplate: {}}, {name: b, podTemplate: {spec: {serviceAccountName: web}}}]}",
        "/spec/nodeSets/1/podTemplate",
    ),
    ("kibana.k8s.elastic.co/v1", "Kibana", "{count: 1}", ""),
    ("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "{serviceAccount: web}", ""),
    ("monitoring.coreos.com/v1", "Prometheus", "{containers: [{name: prometheus}]}", "/spec"),
    ("monitoring.coreos.com/v1", "Alertmanager", "{replicas: 3}", ""),
    ("serving.kserve.io/v1beta1", "InferenceService", "{predictor: {model: {storageUri: s3}}}", ""),
    (
        "serving.kserve.io/v1beta1",
        "InferenceService",
        "{predictor: {containers: [{name: c, image: i}]}}",
        "/spec/predictor",
    ),
    ("serving.kserve.io/v1alpha1", "ServingRuntime", "{containers: [{name: c, image: i}]}", "/spec"),
    (
        "machinelearning.seldon.io/v1",
        "SeldonDeployment",
        "{predictors: [{componentSpecs: [{spec: {containers: [{image: i}]}}]}]}",
        "/spec/predictors/0/componentSpecs/0/spec",
    ),
    ("kubeflow.org/v1", "Notebook", "{template: {spec: {containers: [{name: a}]}}}", "/spec/template/spec"),
    (
        "trainer.kubeflow.org/v1alpha1",
        "TrainingRuntime",
        "{template: {spec: {replicatedJobs: [{template: {spec: {template: POD}}}]}}}",
        "/spec/template/spec/replicatedJobs/0/template/spec/template/spec",
    ),
    ("agones.dev/v1", "GameServer", "{template: POD}", "/spec/template/spec"),
    ("actions.github.com/v1alpha1", "AutoscalingRunnerSet", "{template: POD}", "/spec/template/spec"),
    ("agents.x-k8s.io/v1alpha1", "Sandbox", "{podTemplate: POD}", "/spec/podTemplate"),
    ("postgresql.cnpg.io/v1", "Cluster", "{instances: 3}", ""),
    ("pkg.crossplane.io/v1", "Provider", "{package: p}", ""),
    ("build.openshift.io/v1", "BuildConfig", "{strategy: {type: Docker}}", ""),
    (
        "work.open-cluster-management.io/v1",
        "ManifestWork",
        "{workload: {manifests: [{apiVersion: apps/v1, kind: Deployment, spec: {template: POD}}]}}",
        "/spec/workload/manifests/0/spec/template/spec",
    ),
    (
        "kubernetes.crossplane.io/v1alpha2",
        "Object",
        "{forProvider: {manifest: {apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, spec: {}}}}",
        "/spec/forProvider/manifest",
    ),
    (
        "operators.coreos.com/v1alpha1",
        "ClusterServiceVersion",
        "{install: {spec: {deployments: [{name: d, spec: {template: POD}}]}}}",
        "/spec/install/spec/deployments/0/spec/template/spec",
    ),
    ("example.com/v1", "Rollout", "{template: POD}", "/spec/template/spec"),
    ("example.com/v1", "App", "{a/b~c: [[{containers: [{image: i}]}]]}", "/spec/a~1b~0c/0/0"),
];

/// Objects from which no pods are made, or only by what another object says.
const SILENT: [&str; 22] = [
    "{apiVersion: metrics.k8s.io/v1beta1, kind: PodMetrics, metadata: {name: x}, containers: [{name: a, usage: {cpu: 1n}}]}",
    "{apiVersion: example.com/v1, kind: PodUsage, metadata: {name: x}, containers: [{name: a}]}",
    "{apiVersion: metrics.k8s.io/v1beta1, kind: PodMetricsList, items: [{metadata: {name: x}, containers: [{name: a}]}]}",
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x}, spec: {versions: \
     [{schema: {openAPIV3Schema: {properties: {spec: {properties: {containers: {type: array, items: {type: object}}, \
     podTemplate: {type: object}}}}}}}]}}",
    "{apiVersion: apiextensions.crossplane.io/v1, kind: CompositeResourceDefinition, metadata: {name: x}, spec: \
     {versions: [{schema: {openAPIV3Schema: {properties: {podTemplate: {type: object}}}}}]}}",
    "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: x}, spec: {rules: [{validate: {pattern: {spec: \
     {containers: [{image: '!*:latest', name: '*'}]}}}}]}}",
    "{apiVersion: kyverno.io/v1, kind: Policy, metadata: {name: x}, spec: {rules: [{mutate: {patchStrategicMerge: \
     {spec: {containers: [{(name): '*', image: i}]}}}}]}}",
    "{apiVersion: templates.gatekeeper.sh/v1, kind: ConstraintTemplate, metadata: {name: x}, spec: {crd: {spec: \
     {validation: {openAPIV3Schema: {properties: {podTemplate: {type: object}}}}}}}}",
    "{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: x}, spec: {podMetricsEndpoints: [{port: m}]}}",
    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: x}, spec: {scaleTargetRef: {apiVersion: \
     apps/v1, kind: Deployment, name: d, envSourceContainerName: a}}}",
    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: x}, spec: {scaleTargetRef: {apiVersion: \
     kafka.strimzi.io/v1beta2, kind: KafkaConnect, name: c}}}",
    "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: x}, spec: {workloadRef: {apiVersion: apps/v1, \
     kind: Deployment, name: d}}}",
    "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: x}, spec: {source: {path: p}}}",
    "{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaTopic, metadata: {name: x}, spec: {partitions: 3}}",
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {pod.yaml: 'spec: {containers: [{name: a}]}'}}",
    "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}",
    "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: x}, data: {spec: {template: {spec: {containers: \
     [{name: a}]}}}}, revision: 1}",
    "{apiVersion: apps.kruise.io/v1alpha1, kind: SidecarSet, metadata: {name: x}, spec: {containers: [{name: a, image: i}]}}",
    "{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, metadata: {name: x}, spec: {resourcePolicy: \
     {containerPolicies: [{containerName: a}]}}}",
    "{apiVersion: example.com/v1, kind: App, metadata: {name: x, annotations: {podTemplate: a}}, spec: {podTemplate: {}, \
     containers: [], pods: {containers: {a: {image: i}}}, more: {containers: [a, {port: 1}]}}, status: {podTemplate: \
     {spec: {containers: [{name: a}]}}}}",
    "{containers: [{name: a}], podTemplate: {spec: {containers: [{name: a}]}}}",
    "{kind: Rollout, spec: {template: {spec: {containers: [{name: a}]}}}}",
];

/// An object as a document.
fn object(version: &str, kind: &str, spec: &str) -> String {
    let spec = spec.replace("POD", POD);
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\nspec: {spec}\n")
}

/// What a run on a document says on standard error: nothing, or one line.
fn line(heading: &str, place: &str, document: usize, line: usize, what: &str) -> String {
    let gap = if place.is_empty() { "" } else { " " };
    let location = format!("standard input: document {document}, line {line}");
    format!("pod-identity-webhook: {heading}{gap}{place} ({location}): {what}\n")
}

#[test]
fn every_template_of_an_operators_kind_gets_what_a_deployments_gets() {
    let expected =
        &values(&injected(&object("apps/v1", "Deployment", "{template: POD}"), &[]))[0]["spec"]["template"];
    let untouched = &values(POD)[0];
    for (version, kind, spec, places) in INJECTED {
        let before = object(version, kind, spec);
        let printed = injected(&before, &[]);
        let mut after = values(&printed).remove(0);
        for place in places {
            let template = after.pointer_mut(place).unwrap();
            assert_eq!(template, expected, "{kind} {place}");
            *template = untouched.clone();
        }
        assert_eq!(after, values(&before)[0], "{kind}: nothing else changes");
        assert_eq!(injected(&printed, &[]), printed, "{kind}: a second time adds nothing");
    }
}

#[test]
fn what_makes_pods_in_another_way_is_named_with_its_place_and_kept() {
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let args = ["-f", "-", "--manifests", "@account.yaml"];
    for (version, kind, spec, place) in NAMED {
        let input = object(version, kind, spec);
        let said = line(&format!("{kind} shop/x"), place, 1, 1, NOT_KNOWN);
        for (output, expected) in [
            (&[][..], input.clone()),
            (&["--output=patch"], "[]\n".to_owned()),
            (&["--explain"], said.replace("pod-identity-webhook: ", "").replace("): ", ")\n  ")),
        ] {
            let run = files.run(&[&args, output].concat(), &input);
            assert_eq!((run.code, run.stdout, run.stderr), (0, expected, said.clone()), "{input} {output:?}");
        }
    }
}

#[test]
fn what_only_looks_like_pods_is_not_named() {
    for input in SILENT {
        assert_eq!(injected(input, &[]), input);
        assert_eq!(
            injected(input, &["--explain"]),
            "the input has no pod, and nothing that makes pods\n",
            "{input}"
        );
    }
}

/// Whoever is named stands beside others that are injected, in a list, and after what has no namespace.
#[test]
fn objects_are_named_beside_others_and_in_lists() {
    let pod = object("v1", "Pod", "{serviceAccountName: web, containers: [{name: a, image: i}]}");
    let kafka = "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {generateName: events-}\n";
    let item = |text: &str| values(text).remove(0);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        item(&object("argoproj.io/v1alpha1", "Rollout", "{template: POD}")),
        item(&object("argoproj.io/v1alpha1", "Workflow", "{}")),
        item(&object("agones.dev/v1", "Fleet", "{template: {spec: {template: POD}}}")),
    ]});
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let args = ["-f", "-", "--manifests", "@account.yaml"];
    let run = files.run(&args, &format!("{pod}---\n{kafka}---\n{list}\n"));
    let said = [
        line("Kafka events-", "", 2, 6, NOT_KNOWN),
        line("Workflow shop/x", "", 3, 10, NOT_KNOWN),
        line("Fleet shop/x", "/spec/template/spec/template/spec", 3, 10, NOT_KNOWN),
    ];
    assert_eq!((run.code, run.stderr), (0, said.concat()));
    let printed = values(&run.stdout);
    assert_eq!(printed[0]["spec"]["volumes"][0]["name"], "aws-iam-token");
    assert_eq!(printed[1], item(kafka));
    assert_eq!(printed[2]["items"][0]["spec"]["template"]["spec"]["volumes"][0]["name"], "aws-iam-token");
    assert_eq!((&printed[2]["items"][1], &printed[2]["items"][2]), (&list["items"][1], &list["items"][2]));

    let patches = files.run(&[&args[..], &["-o", "patch"]].concat(), &list.to_string());
    assert!(patches.stdout.starts_with("[{\"op\":\"add\",\"path\":\"/items/0/spec/template/spec/volumes\""));
    assert_eq!(patches.stdout.lines().count(), 1);
    assert_eq!(patches.stderr.lines().count(), 2, "{}", patches.stderr);
}

#[test]
fn a_template_whose_account_its_operator_chooses_is_named_unless_it_names_one() {
    let files = Files::new(&[("account.yaml", &ACCOUNT.replace("name: web", "name: default"))]);
    for (version, kind, spec, place, other) in [
        (
            "ray.io/v1",
            "RayCluster",
            "{headGroupSpec: {template: BARE}, workerGroupSpecs: [{template: BARE}]}",
            "/spec/headGroupSpec/template",
            "/spec/workerGroupSpecs/0/template",
        ),
        (
            "ray.io/v1",
            "RayJob",
            "{rayClusterSpec: {headGroupSpec: {template: BARE}}, submitterPodTemplate: BARE}",
            "/spec/rayClusterSpec/headGroupSpec/template",
            "/spec/submitterPodTemplate",
        ),
        (
            "ray.io/v1",
            "RayService",
            "{rayClusterConfig: {headGroupSpec: {template: BARE}, workerGroupSpecs: [{template: BARE}]}}",
            "/spec/rayClusterConfig/headGroupSpec/template",
            "/spec/rayClusterConfig/workerGroupSpecs/0/template",
        ),
        (
            "kubeflow.org/v1",
            "MPIJob",
            "{mpiReplicaSpecs: {Launcher: {template: BARE}, Worker: {template: BARE}}}",
            "/spec/mpiReplicaSpecs/Launcher/template",
            "/spec/mpiReplicaSpecs/Worker/template",
        ),
    ] {
        let input = object(version, kind, &spec.replace("BARE", BARE));
        let run = files.run(&["-f", "-", "--manifests", "@account.yaml"], &input);
        assert_eq!((run.code, run.stderr), (0, line(&format!("{kind} shop/x"), place, 1, 1, NO_ACCOUNT)));
        let after = &values(&run.stdout)[0];
        assert_eq!(after.pointer(place), values(&input)[0].pointer(place), "{kind}");
        let volume = after.pointer(&format!("{other}/spec/volumes/0/name"));
        assert_eq!(volume, Some(&Value::from("aws-iam-token")), "{kind}");
    }
}

#[test]
fn templates_of_one_object_are_told_apart() {
    let input = object(
        "ray.io/v1",
        "RayCluster",
        "{headGroupSpec: {template: POD}, workerGroupSpecs: [{template: {spec: {serviceAccountName: nobody, \
         containers: [{name: a}]}}}]}",
    );
    let explained = injected(&input, &["--explain"]);
    let headings: Vec<_> = explained.lines().filter(|line| line.starts_with("RayCluster")).collect();
    insta::assert_snapshot!(headings.join("\n"), @r"
    RayCluster shop/x /spec/headGroupSpec/template (standard input: document 1, line 1)
    RayCluster shop/x /spec/workerGroupSpecs/0/template (standard input: document 1, line 1)
    ");
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let run = files.run(&["-f", "-", "--manifests", "@account.yaml"], &input);
    insta::assert_snapshot!(run.stderr, @"pod-identity-webhook: RayCluster shop/x /spec/workerGroupSpecs/0/template: no AWS identity injected: ServiceAccount shop/nobody is neither in the input nor in --manifests");
}

#[test]
fn a_hostile_name_or_member_is_named_in_one_visible_line() {
    let input = r#"{"apiVersion": "example.com/v1", "kind": "App\u202e", "metadata": {"name": "a\nb"},
        "spec": {"x\u001b[1m": {"podTemplate": {"spec": {}}}}}"#;
    let run = Files::new(&[]).run(&["-f", "-", "--explain"], input);
    let said = line("App\\u{202e} a\\nb", "/spec/x\\u{1b}[1m/podTemplate", 1, 1, NOT_KNOWN);
    assert_eq!(run.stderr, said);
    assert!(run.stdout.starts_with("App\\u{202e} a\\nb /spec/x\\u{1b}[1m/podTemplate ("), "{}", run.stdout);
}
