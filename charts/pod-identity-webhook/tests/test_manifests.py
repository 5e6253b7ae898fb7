"""What must hold in the rendered manifests, whatever the values are."""

import itertools
import unittest

import yaml

import program
from chart import CHART, CI, NAMESPACES, REPOSITORY, Rendered, arguments, helm, selects

SKIP = {"eks.amazonaws.com/skip-pod-identity-webhook": "yes"}
CLUSTER_SCOPED = (
    "ClusterRole",
    "ClusterRoleBinding",
    "FlowSchema",
    "MutatingWebhookConfiguration",
    "PriorityLevelConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)


class EveryRelease:
    """What holds for each set of values in ci/: a class of tests is made of this for every one, below."""

    values = None

    @classmethod
    def setUpClass(cls):
        cls.namespace = NAMESPACES.get(cls.values, "eks")
        cls.release = Rendered(values=cls.values, namespace=cls.namespace)
        cls.pod = cls.release.pod["spec"]
        cls.flags = cls.release.flags()

    def test_lints_without_a_warning(self):
        result = helm("lint", "--strict", CHART, *arguments(values=self.values))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_names_its_namespace_in_every_object_that_has_one(self):
        for one in self.release.objects:
            is_cluster_scoped = one["kind"] in (*CLUSTER_SCOPED, "CustomResourceDefinition")
            expected = [None] if is_cluster_scoped else [self.namespace]
            if one["kind"] in ("Role", "RoleBinding"):
                expected.append("default")
            self.assertIn(one["metadata"].get("namespace"), expected, one["kind"])

    def test_registers_where_its_service_leads_to_its_container(self):
        target, service = self.release.webhook["clientConfig"]["service"], self.release.Service
        self.assertEqual(target["name"], service["metadata"]["name"])
        self.assertEqual(target["namespace"], service["metadata"]["namespace"])
        self.assertEqual(target["path"], "/mutate")
        (port,) = [port for port in service["spec"]["ports"] if port["name"] == "https"]
        self.assertEqual(target["port"], port["port"])
        self.assertEqual(str(self.release.port(port["targetPort"])), self.flags["port"])

    def test_finds_its_own_pods_by_every_selector(self):
        selectors = [
            self.release.Deployment["spec"]["selector"],
            self.release.PodDisruptionBudget["spec"]["selector"],
            {"matchLabels": self.release.Service["spec"]["selector"]},
        ]
        if policy := self.release.find("NetworkPolicy"):
            selectors.append(policy["spec"]["podSelector"])
        for selector in selectors:
            self.assertTrue(selects(selector, self.release.pod["metadata"]["labels"]), selector)

    def test_is_monitored_through_its_service(self):
        if monitor := self.release.find("ServiceMonitor"):
            service = self.release.Service
            self.assertTrue(selects(monitor["spec"]["selector"], service["metadata"]["labels"]))
            (port,) = [port for port in service["spec"]["ports"] if port["name"] == "metrics"]
            self.assertEqual(str(self.release.port(port["targetPort"])), self.flags["metrics-port"])

    def test_keeps_its_own_pods_and_no_others_out_of_its_registration(self):
        # Whatever else ci/ asks for is there: our own label alone must make the difference.
        labels = self.release.pod["metadata"]["labels"] | {"example.com/aws": "yes"}
        (own,) = [key for key in labels if key.endswith("/own")]
        selector = self.release.webhook["objectSelector"]
        self.assertFalse(selects(selector, labels))
        del labels[own]
        self.assertTrue(selects(selector, labels))
        self.assertFalse(selects(selector, labels | SKIP))

    def test_is_probed_on_the_metrics_port(self):
        for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
            self.assertEqual(self.release.container[probe]["httpGet"], {"path": path, "port": "metrics"})
        self.assertEqual(str(self.release.port("metrics")), self.flags["metrics-port"])

    def test_is_given_the_time_to_leave_without_losing_a_call(self):
        drain_and_slack_of_the_program = 16
        delay = int(self.flags["shutdown-delay"].removesuffix("s"))
        self.assertGreater(self.pod["terminationGracePeriodSeconds"], delay + drain_and_slack_of_the_program)

    def test_meets_pod_security_restricted_but_for_the_host_network(self):
        self.assertEqual(self.pod.get("hostNetwork", False), self.values == "host-network")
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        container = self.release.container["securityContext"]
        self.assertEqual(container["capabilities"], {"drop": ["ALL"]})
        self.assertFalse(container["allowPrivilegeEscalation"])
        self.assertTrue(container["readOnlyRootFilesystem"])

    def test_lets_only_its_group_read_the_key(self):
        names = [volume["name"] for volume in self.pod.get("volumes", [])]
        if self.flags.get("certificates") == "self-managed":
            # No file has it: it is made in memory.
            self.assertNotIn("certificate", names)
            return
        (volume,) = [volume for volume in self.pod["volumes"] if volume["name"] == "certificate"]
        self.assertEqual(volume["secret"]["defaultMode"], 0o440)
        self.assertEqual([item["key"] for item in volume["secret"]["items"]], ["tls.crt", "tls.key"])
        self.assertEqual(self.pod["securityContext"]["fsGroup"], 65532)

    def test_mounts_every_volume_once_for_reading_and_where_it_is_renewed(self):
        mounts = self.release.container.get("volumeMounts", [])
        volumes = self.pod.get("volumes", [])
        self.assertEqual([mount["name"] for mount in mounts], [volume["name"] for volume in volumes])
        for mount in mounts:
            self.assertTrue(mount["readOnly"])
            self.assertNotIn("subPath", mount)

    def test_has_its_certificate_where_the_program_looks_for_it(self):
        if self.flags.get("certificates") == "self-managed":
            secret, service = self.release.Secret, self.release.Service
            self.assertEqual(self.flags["tls-secret"], secret["metadata"]["name"])
            self.assertEqual(self.flags["namespace"], secret["metadata"]["namespace"])
            self.assertEqual(self.flags["service-name"], service["metadata"]["name"])
            registration = self.release.MutatingWebhookConfiguration["metadata"]["name"]
            self.assertEqual(self.flags["webhook-configuration"], registration)
            self.assertFalse({"in-cluster", "tls-cert", "tls-key"} & set(self.flags))
            return
        (mount,) = [mount for mount in self.release.container["volumeMounts"] if mount["name"] == "certificate"]
        self.assertEqual(self.flags["tls-key"], f"{mount['mountPath']}/tls.key")
        self.assertEqual(self.flags["tls-cert"], f"{mount['mountPath']}/tls.crt")
        self.assertEqual(self.flags["in-cluster"], "false")

    def test_may_read_service_accounts_and_what_it_follows_and_nothing_else_in_the_cluster(self):
        rules = [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch"]}]
        if followed := self.flags.get("watch-association-resources"):
            groups = {"ack": ["eks.services.k8s.aws"], "crossplane": ["eks.aws.m.upbound.io", "eks.aws.upbound.io"]}
            groups = [group for controller in followed.split(",") for group in groups.get(controller, ())]
            if "crossplane" in followed and self.flags.get("association-resources-own-namespace-only") != "false":
                groups.remove("eks.aws.upbound.io")
            rules.append({"apiGroups": groups, "resources": ["podidentityassociations"], "verbs": ["list", "watch"]})
            if "own" in followed:
                own = ("podidentityassociations", ["get", "list", "watch"]), ("podidentityassociations/status", ["patch"])
                rules += [{"apiGroups": ["pod-identity-webhook.dev"], "resources": [one], "verbs": verbs} for one, verbs in own]
        if self.flags.get("certificates") == "self-managed":
            own = {
                "apiGroups": ["admissionregistration.k8s.io"],
                "resources": ["mutatingwebhookconfigurations"],
                "resourceNames": [self.release.MutatingWebhookConfiguration["metadata"]["name"]],
                "verbs": ["get", "update"],
            }
            rules.append(own)
        self.assertEqual(self.release.cluster_role["rules"], rules)
        self.assert_bound(self.release.cluster_role, self.release.ClusterRoleBinding)

    def test_may_read_the_service_that_tells_the_family_and_nothing_else_in_the_namespace_default(self):
        role, binding = (self.release.find(kind, "default") for kind in ("Role", "RoleBinding"))
        if self.flags.get("ip-family") != "auto":
            self.assertEqual((role, binding), (None, None))
            return
        service = {"resources": ["services"], "resourceNames": ["kubernetes"], "verbs": ["get"]}
        self.assertEqual(role["rules"], [{"apiGroups": [""]} | service])
        self.assert_bound(role, binding)

    def test_may_use_what_it_follows_and_keeps_and_nothing_else_in_its_namespace(self):
        role, binding = (self.release.find(kind, self.namespace) for kind in ("Role", "RoleBinding"))
        rules = []
        if self.flags.get("watch-config-map") == "true":
            self.assertEqual(self.flags["namespace"], self.namespace)
            config_map = {"resources": ["configmaps"], "resourceNames": ["pod-identity-webhook"]}
            rules.append({"apiGroups": [""]} | config_map | {"verbs": ["list", "watch"]})
        if self.flags.get("certificates") == "self-managed":
            secret = {"resources": ["secrets"], "resourceNames": [self.release.Secret["metadata"]["name"]]}
            rules.append({"apiGroups": [""]} | secret | {"verbs": ["get", "update"]})
            rules.append({"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]})
        if not rules:
            self.assertEqual((role, binding), (None, None))
            return
        self.assertEqual(role["rules"], rules)
        self.assert_bound(role, binding)

    def test_has_seats_at_the_api_server_for_what_its_roles_allow_and_nothing_else(self):
        flow = self.release.FlowSchema["spec"]
        (rule,) = flow["rules"]
        account = {"namespace": self.namespace, "name": self.pod["serviceAccountName"]}
        self.assertEqual(rule["subjects"], [{"kind": "ServiceAccount", "serviceAccount": account}])
        self.assertEqual(set(rule), {"subjects", "resourceRules"})
        seated, allowed = set(), set()
        for one in rule["resourceRules"]:
            places = one.get("namespaces", []) + (["cluster"] if one.get("clusterScope") else [])
            seated |= requests(one, places)
        for role in [one for one in self.release.objects if one["kind"] == "Role"] + [self.release.cluster_role]:
            for one in role["rules"]:
                places = [role["metadata"].get("namespace")] if role["kind"] == "Role" else ["cluster", "*"]
                if one["resources"] == ["mutatingwebhookconfigurations"]:
                    places = ["cluster"]
                # No pod waits for a status, so it has no seat.
                if one["resources"] != ["podidentityassociations/status"]:
                    allowed |= requests(one, places)
        self.assertEqual(seated, allowed)

    def test_comes_before_the_controllers_that_wait_for_it(self):
        flow, level = self.release.FlowSchema, self.release.PriorityLevelConfiguration
        self.assertEqual(flow["spec"]["priorityLevelConfiguration"]["name"], level["metadata"]["name"])
        # Of kube-controller-manager and kube-scheduler; below 500 are nodes and elections, which it must not delay.
        self.assertTrue(500 < flow["spec"]["matchingPrecedence"] < 800)
        self.assertLessEqual(level["spec"]["limited"]["nominalConcurrencyShares"], 10)

    def assert_bound(self, role, binding):
        self.assertEqual(binding["metadata"].get("namespace"), role["metadata"].get("namespace"))
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": role["metadata"]["name"]}
        self.assertEqual(binding["roleRef"], reference)
        (subject,) = binding["subjects"]
        self.assertEqual((subject["namespace"], subject["name"]), (self.namespace, self.pod["serviceAccountName"]))

    def test_has_an_account_whose_token_only_its_own_pods_mount(self):
        account = self.release.ServiceAccount
        self.assertEqual(account["metadata"]["name"], self.pod["serviceAccountName"])
        self.assertIs(account["automountServiceAccountToken"], False)
        self.assertIs(self.pod["automountServiceAccountToken"], True)

    def test_gets_no_variables_of_services(self):
        self.assertIs(self.pod["enableServiceLinks"], False)

    def test_spreads_by_wish_and_never_by_demand(self):
        for constraint in self.pod["topologySpreadConstraints"]:
            self.assertEqual(constraint["whenUnsatisfiable"], "ScheduleAnyway")
            self.assertIn("labelSelector", constraint)
        self.assertNotIn("podAntiAffinity", self.pod.get("affinity", {}))

    def test_passes_only_flags_that_the_program_has(self):
        self.assertLessEqual(set(self.flags), program.flags())


for _values in CI:
    _name = f"EveryRelease_{_values.replace('-', '_')}"
    globals()[_name] = type(_name, (EveryRelease, unittest.TestCase), {"values": _values})


class ByDefault(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.release = Rendered()

    def test_makes_these_objects_and_no_others(self):
        expected = [*CLUSTER_SCOPED, "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"]
        # Of namespaces and of pods.
        expected += ["Role", "RoleBinding", "Secret", "ValidatingAdmissionPolicyBinding"]
        self.assertEqual(self.release.kinds(), sorted(expected))

    def test_registers_as_managed_eks_does_and_for_ephemeral_containers(self):
        def rule(operation, resource):
            return {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": [operation],
                "resources": [resource],
                "scope": "*",
            }

        expected = {
            "name": "iam-for-pods.amazonaws.com",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {
                "service": {
                    "name": "webhook-pod-identity-webhook",
                    "namespace": "eks",
                    "path": "/mutate",
                    "port": 443,
                },
            },
            "rules": [rule("CREATE", "pods"), rule("UPDATE", "pods/ephemeralcontainers")],
            "failurePolicy": "Ignore",
            "matchPolicy": "Equivalent",
            "reinvocationPolicy": "IfNeeded",
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": "eks.amazonaws.com/require-identity", "operator": "NotIn", "values": ["true"]},
                    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-node-lease"]},
                ]
            },
            "objectSelector": {
                "matchExpressions": [
                    {"key": "eks.amazonaws.com/skip-pod-identity-webhook", "operator": "DoesNotExist"},
                    {"key": "webhook-pod-identity-webhook.eks/own", "operator": "DoesNotExist"},
                    {"key": "eks.amazonaws.com/require-identity", "operator": "NotIn", "values": ["true"]},
                ]
            },
            "matchConditions": [
                {
                    "name": "eks.amazonaws.com/no-mirror-pods",
                    "expression": "!(has(object.metadata) && has(object.metadata.annotations) && "
                    "'kubernetes.io/config.mirror' in object.metadata.annotations)",
                }
            ],
        }
        self.assertEqual(self.release.webhook, expected)

    def test_replaces_replicas_without_being_one_short(self):
        spec = self.release.Deployment["spec"]
        self.assertEqual(spec["replicas"], 2)
        self.assertEqual(spec["strategy"]["rollingUpdate"], {"maxUnavailable": 0, "maxSurge": 1})

    def test_does_not_block_a_drain(self):
        budget = Rendered("replicas=1").PodDisruptionBudget["spec"]
        self.assertEqual(budget["maxUnavailable"], 1)
        self.assertNotIn("minAvailable", budget)
        self.assertEqual(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow")

    def test_listens_on_8443_behind_443(self):
        self.assertEqual(self.release.port("https"), 8443)
        self.assertEqual(self.release.port("metrics"), 9999)
        self.assertEqual([port["port"] for port in self.release.Service["spec"]["ports"]], [443])

    def test_leaves_defaults_to_the_program(self):
        given = {"certificates", "service-name", "namespace", "tls-secret", "webhook-configuration"}
        given |= {"port", "metrics-port", "shutdown-delay"}
        self.assertEqual(set(self.release.flags()), given | {"annotation-prefix", "log-format"})

    def test_limits_memory_and_not_the_cpu(self):
        self.assertEqual(list(self.release.container["resources"]["limits"]), ["memory"])

    def test_spreads_each_rollout_by_itself(self):
        for constraint in self.release.pod["spec"]["topologySpreadConstraints"]:
            self.assertEqual(constraint["matchLabelKeys"], ["pod-template-hash"])
            self.assertTrue(selects(constraint["labelSelector"], self.release.pod["metadata"]["labels"]))

    def test_is_critical_in_kube_system_alone(self):
        self.assertNotIn("priorityClassName", self.release.pod["spec"])
        in_kube_system = Rendered(namespace="kube-system").pod["spec"]
        self.assertEqual(in_kube_system["priorityClassName"], "system-cluster-critical")


class TwoReleases(unittest.TestCase):
    """Of one name in two namespaces, and of two names in one."""

    def test_share_no_name_of_the_cluster(self):
        places = [("webhook", "a"), ("webhook", "b"), ("other", "a"), ("pod-identity-webhook", "a")]
        names = []
        for release, namespace in places:
            rendered = Rendered(release=release, namespace=namespace)
            found = [one for one in rendered.objects if one["kind"] in CLUSTER_SCOPED]
            self.assertEqual({one["kind"] for one in found}, set(CLUSTER_SCOPED))
            names.append({one["metadata"]["name"] for one in found})
        self.assertEqual(len(set().union(*names)), sum(map(len, names)))

    def test_keep_only_their_own_pods_out(self):
        one = Rendered(release="webhook", namespace="a")
        for release, namespace in (("webhook", "b"), ("other", "a")):
            other = Rendered(release=release, namespace=namespace)
            self.assertTrue(selects(one.webhook["objectSelector"], other.pod["metadata"]["labels"]))

    def test_of_a_long_name_with_dots_have_names_that_kubernetes_takes(self):
        release = Rendered(release="a." + "long-" * 10 + "x", namespace="n" * 63)
        self.assertRegex(release.Service["metadata"]["name"], r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])$")
        for one in release.objects:
            self.assertLessEqual(len(one["metadata"]["name"]), 253)


class TheChartItself(unittest.TestCase):
    def test_has_the_version_of_the_program(self):
        cargo = (REPOSITORY / "Cargo.toml").read_text()
        (version,) = [line.split('"')[1] for line in cargo.splitlines() if line.startswith("version = ")]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], version)

    def test_has_a_value_for_every_flag_that_makes_sense(self):
        elsewhere = {
            # What the chart decides.
            "in-cluster", "tls-cert", "tls-key", "port", "metrics-port", "shutdown-delay",
            # Without effect, or for use outside a cluster: extraArgs takes them.
            "service-account-lookup-grace-period", "resync-period",
            "manifests", "kubeconfig", "kube-api", "tls-ca-out", "version",
        }  # fmt: skip
        everything = set(Rendered(values="everything").flags())
        self.assertEqual(program.flags() - elsewhere - everything, set())


def requests(rule, places):
    """The requests that a rule of a role or a flow is about, in these namespaces."""
    return set(itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"], places))


if __name__ == "__main__":
    unittest.main()
