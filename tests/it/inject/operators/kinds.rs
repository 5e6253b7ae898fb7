//! Objects of operators' kinds: which are injected, which are named, and which are neither. In a spec `POD` stands for
//! a pod template.

/// The kinds that are injected: `apiVersion`, `kind`, the spec, and every place of a template in it.
pub(super) const INJECTED: [(&str, &str, &str, &[&str]); 27] = [
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
pub(super) const NAMED: [(&str, &str, &str, &str); 36] = [
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
pub(super) const SILENT: [&str; 22] = [
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
