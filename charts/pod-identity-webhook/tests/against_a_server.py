"""What an API server says to the chart: `make chart-server`, for the cluster of the current context.

It makes three namespaces and installs releases in them, which are taken away again; nothing needs to run,
so an API server without nodes will do.
"""

import json
import re
import time
import unittest

import associations_on_a_server
from a_server import MARK, NO_MONITOR, OTHER, REQUIRED, RESTRICTED, SKIP, STRICT, Cluster, kubectl
from bundles_on_a_server import Bundles
from chart import CHART, CI, NAMESPACES, Rendered, arguments, helm

# What SDKs need, of IRSA and of EKS Pod Identity.
PAIRS = (
    ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
)


def variables(names, value="x", valueFrom=False):
    """A container that sets these."""
    name = {"fieldRef": {"fieldPath": "metadata.name"}}
    source = {"valueFrom": name} if valueFrom else {"value": value}
    return {"env": [{"name": one} | source for one in names]}


class AnApiServer(associations_on_a_server.Associations, Bundles, Cluster):
    def test_takes_every_manifest_without_a_warning(self):
        for name in CI:
            with self.subTest(values=name):
                # Where the host's network is refused, only a warning would be seen: elsewhere then.
                namespace = OTHER if name in ("host-network", "agent") else NAMESPACES.get(name, RESTRICTED)
                # One that is there already cannot be created, and is not looked at.
                apart = ["associations.definition=false"] if associations_on_a_server.is_defined() else []
                text = Rendered(NO_MONITOR, *apart, values=name, release="dry", namespace=namespace).text
                self.succeed(self.try_create(text))

    def test_would_show_a_warning(self):
        text = Rendered(values="host-network", release="dry", namespace=RESTRICTED).text
        self.assertIn("would violate PodSecurity", self.try_create(text).stderr)

    def try_create(self, text):
        words = ("create", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-")
        return kubectl(*words, stdin=text)

    def test_admits_the_pods_under_pod_security_restricted(self):
        for name in set(CI) - {"host-network"}:
            with self.subTest(values=name):
                self.succeed(self.admit(Rendered(values=name, release=name, namespace=RESTRICTED)))

    def test_admits_the_pods_of_the_host_network_only_where_it_is_allowed(self):
        release = Rendered(values="host-network", namespace=RESTRICTED)
        self.assertIn("host namespaces (hostNetwork=true)", self.admit(release).stderr)
        self.succeed(self.admit(Rendered(values="host-network", namespace=OTHER)))

    def test_admits_the_pods_of_the_agent_only_where_privileged_ones_are_admitted(self):
        for privileged in ("true", "false"):
            sets = ("agent.enabled=true,agent.clusterName=prod,agent.upstream=eks-auth", f"agent.initialize.privileged={privileged}")
            self.assertIn("host namespaces (hostNetwork=true)", self.admit(Rendered(*sets, namespace=RESTRICTED).agent).stderr)
            self.succeed(self.admit(Rendered(*sets, namespace=OTHER).agent))

    def test_keeps_only_the_releases_own_pods_from_the_webhook(self):
        # Nobody answers, so whatever is sent to the webhook is refused; in our namespace alone, for
        # this may be somebody's cluster.
        only_here = f"webhook.namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name={OTHER}"
        self.install("webhook", OTHER, "webhook.failurePolicy=Fail,webhook.timeoutSeconds=1", only_here)
        self.succeed(self.admit(Rendered(namespace=OTHER)))
        self.assertIn("failed calling webhook", self.admit(Rendered(release="other", namespace=OTHER)).stderr)
        skipping = r"podLabels.eks\.amazonaws\.com/skip-pod-identity-webhook=x"
        self.succeed(self.admit(Rendered(skipping, release="third", namespace=OTHER)))

    def test_asks_the_entry_that_is_for_the_pod(self):
        # As above, nobody answers, so that the refusal names who was asked.
        ours = f"webhook.namespaceSelector.matchLabels.chart-test={MARK}"
        values = "webhook.failurePolicy=Fail,webhook.timeoutSeconds=1,webhook.validatingPolicy=false"
        self.install("webhook", OTHER, values, ours)
        own = {f"webhook-pod-identity-webhook.{OTHER}/own": "true"}
        usual, required, skipping = {}, {REQUIRED: "true"}, {SKIP: "x"}
        self.assertEqual(self.asked(OTHER, usual), "")
        self.assertEqual(self.asked(OTHER, {REQUIRED: "false"}), "")
        self.assertEqual(self.asked(OTHER, required), "pods.")
        for labels in (skipping, skipping | required, own, own | required):
            self.assertIsNone(self.asked(OTHER, labels), labels)
        for labels in (usual, required, skipping, own):
            self.assertEqual(self.asked(STRICT, labels), "namespaces.", labels)
        self.succeed(kubectl("label", "namespace", OTHER, f"{REQUIRED}=true"))
        self.addCleanup(kubectl, "label", "namespace", OTHER, f"{REQUIRED}-")
        for labels in (usual, required, skipping):
            self.assertEqual(self.asked(OTHER, labels), "own-namespace.", labels)
        self.assertIsNone(self.asked(OTHER, own))

        for namespace, entry in ((OTHER, "own-namespace."), (STRICT, "namespaces.")):
            # Anyone may write a mirror pod's annotation. None can have an account.
            self.assertEqual(self.asked(namespace, usual, mirrors="made up"), entry)
            self.assertIsNone(self.asked(namespace, usual, mirrors="a kubelet's"))
        self.succeed(kubectl("label", "namespace", OTHER, f"{REQUIRED}-"))
        self.assertIsNone(self.asked(OTHER, usual, mirrors="made up"))
        self.assertIsNone(self.asked(OTHER, required, mirrors="made up"))

    def test_has_its_requests_apart_from_those_of_others(self):
        sources = "sources.configMap.enabled=true,injection.containerCredentials.ipFamily=auto"
        self.install("webhook", OTHER, sources)
        name = f"webhook-pod-identity-webhook.{OTHER}"
        uids = tuple(self.get(kind, name)["metadata"]["uid"] for kind in ("flowschema", "prioritylevelconfiguration"))
        own = f"/api/v1/namespaces/{OTHER}"
        ours = [
            "/api/v1/serviceaccounts",
            "/api/v1/namespaces/shop/serviceaccounts/x",
            f"{own}/configmaps?fieldSelector=metadata.name%3Dpod-identity-webhook",
            f"{own}/secrets/webhook-pod-identity-webhook-authority",
            "/api/v1/namespaces/default/services/kubernetes",
            f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}",
        ]
        others = ["/api/v1/pods", "/api/v1/namespaces/default/configmaps/x", "/api/v1/namespaces/default/secrets/x"]

        def get(path):
            """Under which schema and level the API server serves it, and whether it is allowed."""
            account = f"--as=system:serviceaccount:{OTHER}:webhook-pod-identity-webhook"
            said = kubectl("get", account, "-v=8", f"--raw={path}").stderr
            found = (re.findall(rf"(?i)X-Kubernetes-PF-{kind}-UID: (\S+)", said) for kind in ("FlowSchema", "PriorityLevel"))
            return tuple(uid for (uid,) in found), "403 Forbidden" not in said

        deadline = time.monotonic() + 30
        while get(ours[0])[0] != uids and time.monotonic() < deadline:
            time.sleep(0.5)
        for path in ours + others:
            served_by, is_allowed = get(path)
            self.assertEqual(served_by == uids, path in ours, path)
            # What has seats is allowed, too.
            self.assertEqual(is_allowed, path in ours, path)

    def test_checks_in_the_end_that_pods_have_what_they_require(self):
        ours = f"webhook.namespaceSelector.matchLabels.chart-test={MARK}"
        self.install("webhook", OTHER, ours)
        name = f"webhook-pod-identity-webhook.{OTHER}"
        checked = ("validatingadmissionpolicy", name, "-o", "jsonpath={.status.typeChecking}")
        deadline = time.monotonic() + 30
        while not (warnings := self.succeed(kubectl("get", *checked))) and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(warnings, "{}")
        # Nobody answers, and it is not the webhook's word that is asked for here.
        self.succeed(kubectl("delete", "mutatingwebhookconfiguration", name))
        deadline = time.monotonic() + 30
        while self.checked(STRICT, {}) is None and time.monotonic() < deadline:
            time.sleep(0.5)

        required = {REQUIRED: "true"}
        own = {f"{name}/own": "true"}
        for namespace, labels, whose in ((STRICT, {}, "its namespace's"), (OTHER, required, "its own")):
            said = self.checked(namespace, labels)
            self.assertIn(f"no container of the pod has an AWS identity, which {whose} label {REQUIRED} requires", said)
            self.assertIn(f"give ServiceAccount {namespace}/default a role by the annotation eks.amazonaws.com/role-arn", said)
            for pair in PAIRS:
                for field in ("containers", "initContainers"):
                    self.assertIsNone(self.checked(namespace, labels, **{field: [{}, variables(pair)]}), (pair, field))
                self.assertIsNone(self.checked(namespace, labels, containers=[variables(pair, valueFrom=True)]))
                half, empty = [variables(pair[:1]), variables(pair[1:])], [variables(pair, value="")]
                for lacking in (half, empty):
                    self.assertIsNotNone(self.checked(namespace, labels, containers=lacking), lacking)
            self.assertIsNotNone(self.checked(namespace, labels, containers=[variables((PAIRS[0][0], PAIRS[1][1]))]))
        for labels in ({}, {REQUIRED: "false"}, {SKIP: "x"}):
            self.assertIsNone(self.checked(OTHER, labels))
        # At home alone are its own pods left out.
        self.assertIsNone(self.checked(OTHER, own | required))
        for labels in (own, {SKIP: "x"}):
            self.assertIsNotNone(self.checked(STRICT, labels))
        for namespace, labels in ((STRICT, {}), (OTHER, required)):
            self.assertIsNotNone(self.checked(namespace, labels, mirrors="made up"))
            self.assertIsNone(self.checked(namespace, labels, mirrors="a kubelet's"))

    def test_checks_pods_with_more_variables_than_any_has(self):
        # The API server counts what an expression costs, and refuses the pod beyond a million.
        self.install("webhook", OTHER, f"webhook.namespaceSelector.matchLabels.chart-test={MARK}")
        self.succeed(kubectl("delete", "mutatingwebhookconfiguration", f"webhook-pod-identity-webhook.{OTHER}"))
        deadline = time.monotonic() + 30
        while self.checked(STRICT, {}) is None and time.monotonic() < deadline:
            time.sleep(0.5)
        many = [{"env": [{"name": f"VARIABLE_{number}", "value": "x"} for number in range(100)]} for _ in range(300)]
        self.assertIn("no container of the pod has an AWS identity", self.checked(STRICT, {}, containers=many))
        self.assertIsNone(self.checked(STRICT, {}, containers=[*many, variables(PAIRS[0])]))

    def checked(self, namespace, labels, mirrors=None, **fields):
        """Why a pod with these containers is refused by the policy; None if it is not."""
        spec = {"containers": [{}]} | fields
        for field in ("containers", "initContainers"):
            for number, container in enumerate(spec.get(field, ())):
                container |= {"name": f"{field.lower()}-{number}", "image": "none"}
        metadata = {"name": "checked", "namespace": namespace, "labels": labels}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        words = ["create", "--dry-run=server", "-f", "-"]
        if mirrors:
            words += self.mirror(pod, mirrors == "a kubelet's")
        result = kubectl(*words, stdin=json.dumps(pod))
        if result.returncode == 0:
            return None
        self.assertIn("ValidatingAdmissionPolicy", result.stderr)
        return result.stderr

    def asked(self, namespace, labels, mirrors=None):
        """Which entry is asked about a pod, by what its name begins with; None for none."""
        metadata = {"name": "asked", "namespace": namespace, "labels": labels}
        container = {"name": "main", "image": "none"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
        words = ["create", "--dry-run=server", "-f", "-"]
        if mirrors:
            words += self.mirror(pod, mirrors == "a kubelet's")
        result = kubectl(*words, stdin=json.dumps(pod))
        if result.returncode == 0:
            return None
        (_, _, after) = result.stderr.partition('failed calling webhook "')
        self.assertTrue(after, result.stderr)
        return after.partition("iam-for-pods.amazonaws.com")[0]

    def mirror(self, pod, is_a_kubelets):
        """Makes a mirror pod of it; words for kubectl."""
        pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
        pod["spec"]["nodeName"] = "nowhere"
        if not is_a_kubelets:
            return []
        nodes = self.get("nodes")["items"]
        if not nodes:
            self.skipTest("there is no node whose kubelet could make it")
        (node, *_) = [one["metadata"] for one in nodes]
        owner = {"apiVersion": "v1", "kind": "Node", "name": node["name"], "uid": node["uid"], "controller": True}
        pod["metadata"]["ownerReferences"] = [owner]
        pod["spec"]["nodeName"] = node["name"]
        groups = ("system:nodes", "system:authenticated")
        return [f"--as=system:node:{node['name']}", *(f"--as-group={group}" for group in groups)]

    def admit(self, release):
        """A pod of the release or of its agent, as the controller would make it."""
        namespace = (release.find("DaemonSet") or release.Deployment)["metadata"]["namespace"]
        account = release.pod["spec"]["serviceAccountName"]
        if kubectl("-n", namespace, "get", "serviceaccount", account).returncode != 0:
            self.succeed(kubectl("-n", namespace, "create", "serviceaccount", account))
            self.addCleanup(kubectl, "-n", namespace, "delete", "serviceaccount", account)
        metadata = release.pod["metadata"] | {"name": "pod", "namespace": namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": release.pod["spec"]}
        return kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))

    def test_changes_nothing_in_the_registration(self):
        self.install("webhook", RESTRICTED)
        live = self.get("mutatingwebhookconfiguration", f"webhook-pod-identity-webhook.{RESTRICTED}")
        rendered = Rendered(namespace=RESTRICTED).MutatingWebhookConfiguration
        self.assertEqual(live["webhooks"], rendered["webhooks"])

    def test_changes_ports_by_an_upgrade(self):
        self.install("webhook", RESTRICTED)
        sets = ("server.port=10443", "server.metricsPort=10999", "service.metricsPort=9999", "service.port=8443")
        self.succeed(helm("upgrade", "webhook", CHART, "--namespace", RESTRICTED, *arguments(*sets)))
        deployment = self.get("-n", RESTRICTED, "deployment", "webhook-pod-identity-webhook")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        self.assertEqual([port["containerPort"] for port in container["ports"]], [10443, 10999])
        service = self.get("-n", RESTRICTED, "service", "webhook-pod-identity-webhook")
        self.assertEqual([port["port"] for port in service["spec"]["ports"]], [8443, 9999])

    def test_holds_two_releases_and_keeps_nothing_of_them(self):
        before = self.everything()
        self.install("webhook", RESTRICTED)
        family = "injection.containerCredentials.ipFamily=auto"
        self.install("webhook", OTHER, "injection.annotationPrefix=iam.example.com", family)
        self.assertIn(("Role", "default", f"webhook-pod-identity-webhook.{OTHER}"), self.everything() - before)
        cluster_wide = {name for _, namespace, name in self.everything() - before if namespace is None}
        names = {f"webhook-pod-identity-webhook.{namespace}" for namespace in (RESTRICTED, OTHER)}
        names |= {f"{name}.{binding}" for name in names for binding in ("namespaces", "pods")}
        self.assertEqual(cluster_wide, names)
        more = "replicas=3,networkPolicy.enabled=true,service.metricsPort=9999"
        self.succeed(helm("upgrade", "webhook", CHART, "--namespace", OTHER, *arguments(more)))
        self.succeed(self.uninstall("webhook", OTHER))
        self.assertTrue([one for one in self.everything() - before if one[1] == RESTRICTED])
        self.succeed(self.uninstall("webhook", RESTRICTED))
        # A cluster's collector takes what belonged to them, a moment later.
        deadline = time.monotonic() + 30
        while self.everything() != before and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(self.everything(), before)

if __name__ == "__main__":
    unittest.main()
