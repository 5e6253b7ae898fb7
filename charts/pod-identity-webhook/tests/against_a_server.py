"""What an API server says to the chart: `make chart-server`, for the cluster of the current context.

It makes two namespaces and installs releases in them, which are taken away again; nothing needs to run,
so an API server without nodes will do.
"""

import json
import os
import subprocess
import time
import unittest

from chart import AUTHORITY, CHART, CI, NAMESPACES, Rendered, arguments, helm

KUBECTL = os.environ.get("KUBECTL") or "kubectl"
# Of a name of their own each time: the last ones may still be on their way out.
RESTRICTED = f"chart-test-{os.getpid()}-restricted"
OTHER = f"chart-test-{os.getpid()}-other"
KINDS = (
    "deployments,services,serviceaccounts,secrets,configmaps,poddisruptionbudgets,networkpolicies,"
    "roles,rolebindings,clusterroles,clusterrolebindings,mutatingwebhookconfigurations"
)
# Its CRD need not be there.
NO_MONITOR = "serviceMonitor.enabled=false"


def kubectl(*words, stdin=None):
    return subprocess.run([KUBECTL, *words], input=stdin, capture_output=True, text=True, timeout=120, check=False)


class AnApiServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in (RESTRICTED, OTHER):
            kubectl("create", "namespace", name)
        levels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        done = kubectl("label", "--overwrite", "namespace", RESTRICTED, *levels)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", RESTRICTED, OTHER, "--wait=false")

    def succeed(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_takes_every_manifest_without_a_warning(self):
        for name in CI:
            with self.subTest(values=name):
                # Where the host's network is refused, only a warning would be seen: elsewhere then.
                namespace = OTHER if name == "host-network" else NAMESPACES.get(name, RESTRICTED)
                text = Rendered(NO_MONITOR, values=name, release="dry", namespace=namespace).text
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

    def test_keeps_only_the_releases_own_pods_from_the_webhook(self):
        # Nobody answers, so whatever is sent to the webhook is refused; in our namespace alone, for
        # this may be somebody's cluster.
        only_here = f"webhook.namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name={OTHER}"
        self.install("webhook", OTHER, "webhook.failurePolicy=Fail,webhook.timeoutSeconds=1", only_here)
        self.succeed(self.admit(Rendered(namespace=OTHER)))
        self.assertIn("failed calling webhook", self.admit(Rendered(release="other", namespace=OTHER)).stderr)
        skipping = r"podLabels.eks\.amazonaws\.com/skip-pod-identity-webhook=x"
        self.succeed(self.admit(Rendered(skipping, release="third", namespace=OTHER)))

    def admit(self, release):
        """A pod of the release, as the Deployment's controller would make it."""
        namespace = release.Deployment["metadata"]["namespace"]
        account = release.pod["spec"]["serviceAccountName"]
        if kubectl("-n", namespace, "get", "serviceaccount", account).returncode != 0:
            self.succeed(kubectl("-n", namespace, "create", "serviceaccount", account))
            self.addCleanup(kubectl, "-n", namespace, "delete", "serviceaccount", account)
        metadata = release.pod["metadata"] | {"name": "pod", "namespace": namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": release.pod["spec"]}
        return kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))

    def test_reads_the_authority_out_of_the_secret(self):
        secret = "webhook-pod-identity-webhook-tls"
        words = ("template", "webhook", CHART, "--namespace", OTHER, "--dry-run=server")
        self.assertIn(f"no ca.crt of Secret {OTHER}/{secret}", helm(*words).stderr)
        self.succeed(kubectl("-n", OTHER, "create", "secret", "generic", secret, f"--from-file=ca.crt={AUTHORITY}"))
        self.addCleanup(kubectl, "-n", OTHER, "delete", "secret", secret)
        expected = Rendered(namespace=OTHER).webhook["clientConfig"]["caBundle"]
        self.assertIn(f"caBundle: {expected}\n", self.succeed(helm(*words)))

    def test_changes_nothing_in_the_registration(self):
        required = "webhook.requiredIdentity=true"
        self.install("webhook", RESTRICTED, required)
        live = self.get("mutatingwebhookconfiguration", f"webhook-pod-identity-webhook.{RESTRICTED}")
        rendered = Rendered(required, namespace=RESTRICTED).MutatingWebhookConfiguration
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

    def install(self, release, namespace, *sets):
        self.addCleanup(self.uninstall, release, namespace)
        self.succeed(helm("install", release, CHART, "--namespace", namespace, *arguments(*sets)))

    def uninstall(self, release, namespace):
        return helm("uninstall", release, "--namespace", namespace, "--ignore-not-found")

    def get(self, *words):
        return json.loads(self.succeed(kubectl("get", *words, "-o", "json")))

    def everything(self):
        """All objects of the kinds that a release could leave behind, but for the cluster's own doings."""
        found = self.get(KINDS, "-A")["items"]
        named = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found}
        return {
            (kind, namespace, name)
            for kind, namespace, name in named
            if (namespace in (None, RESTRICTED, OTHER) and name not in ("default", "kube-root-ca.crt"))
            or (namespace == "default" and name.endswith((RESTRICTED, OTHER)))
        }


if __name__ == "__main__":
    unittest.main()
