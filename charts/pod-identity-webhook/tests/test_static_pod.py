"""examples/static-pod: what kubelet takes, with flags that the program has, and the same registration as the chart's."""

import re
import unittest

import yaml

from chart import AUTHORITY, REPOSITORY, Rendered

FOLDER = REPOSITORY / "examples" / "static-pod"


class StaticPod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One document: kubelet reads no more of a file.
        cls.pod = yaml.safe_load((FOLDER / "pod.yaml").read_text())
        (cls.container,) = cls.pod["spec"]["containers"]
        cls.flags = dict(argument.removeprefix("--").partition("=")[::2] for argument in cls.container["args"])
        cls.cluster = {one["kind"]: one for one in yaml.safe_load_all((FOLDER / "cluster.yaml").read_text())}
        (cls.webhook,) = cls.cluster["MutatingWebhookConfiguration"]["webhooks"]
        # With a certificate from files and one registration, as here.
        cls.release = Rendered("certificate.secretName=serving,webhook.requiredIdentity=false", authority=AUTHORITY)

    def test_has_flags_that_the_help_has(self):
        text = (REPOSITORY / "tests" / "it" / "snapshots" / "help.snap").read_text()
        known = set(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", text, re.MULTILINE))
        self.assertGreater(len(known), 40)
        self.assertLessEqual(set(self.flags), known)

    def test_uses_what_a_static_pod_may_use(self):
        self.assertEqual((self.pod["apiVersion"], self.pod["kind"]), ("v1", "Pod"))
        spec = self.pod["spec"]
        self.assertNotIn("serviceAccountName", spec)
        self.assertIs(spec["automountServiceAccountToken"], False)
        for volume in spec["volumes"]:
            self.assertEqual(set(volume), {"name", "hostPath"})
        self.assertNotIn("env", self.container)
        self.assertEqual(spec["priorityClassName"], "system-node-critical")

    def test_listens_where_its_registration_leads(self):
        self.assertIs(self.pod["spec"]["hostNetwork"], True)
        address = f"https://{self.flags['bind-address']}:{self.flags['port']}/mutate"
        self.assertEqual(self.webhook["clientConfig"]["url"], address)
        self.assertEqual(address, "https://127.0.0.1:23443/mutate")

    def test_is_probed_on_the_node_as_the_charts_pods_are(self):
        for probe in ("readinessProbe", "livenessProbe"):
            ours, charts = self.container[probe]["httpGet"], self.release.container[probe]["httpGet"]
            self.assertEqual(ours["path"], charts["path"])
            self.assertEqual((ours["host"], str(ours["port"])), (self.flags["bind-address"], self.flags["metrics-port"]))

    def test_finds_its_files_in_the_folder_that_is_mounted(self):
        (mount,) = self.container["volumeMounts"]
        self.assertTrue(mount["readOnly"])
        self.assertNotIn("subPath", mount)
        for flag in ("kubeconfig", "tls-cert", "tls-key"):
            self.assertTrue(self.flags[flag].startswith(mount["mountPath"] + "/"), flag)
        page = (REPOSITORY / "docs" / "static-pod.md").read_text()
        self.assertIn(f"install -d -m 0750 -o 65532 -g 65532 {self.pod['spec']['volumes'][0]['hostPath']['path']}\n", page)

    def test_has_no_more_rights_than_the_charts_pods(self):
        self.assertEqual(self.container["securityContext"], self.release.container["securityContext"])
        # What is on a host's path belongs to no fsGroup.
        expected = {key: value for key, value in self.release.pod["spec"]["securityContext"].items() if key != "fsGroup"}
        self.assertEqual(self.pod["spec"]["securityContext"], expected)
        self.assertEqual(self.container["resources"], self.release.container["resources"])
        self.assertEqual(self.cluster["ClusterRole"]["rules"], self.release.ClusterRole["rules"])

    def test_is_bound_to_the_user_of_its_kubeconfig(self):
        (subject,) = self.cluster["ClusterRoleBinding"]["subjects"]
        page = (REPOSITORY / "docs" / "static-pod.md").read_text()
        self.assertIn(f"--client-name {subject['name']} ", page)
        self.assertEqual(self.cluster["ClusterRoleBinding"]["roleRef"]["name"], self.cluster["ClusterRole"]["metadata"]["name"])

    def test_is_registered_as_the_chart_is(self):
        def rest(webhook):
            return {key: value for key, value in webhook.items() if key not in ("clientConfig", "objectSelector")}

        self.assertEqual(rest(self.webhook), rest(self.release.webhook))
        # It has no pods that the API server would ask itself about.
        skip, own = self.release.webhook["objectSelector"]["matchExpressions"]
        self.assertTrue(own["key"].endswith("/own"))
        self.assertEqual(self.webhook["objectSelector"], {"matchExpressions": [skip]})


if __name__ == "__main__":
    unittest.main()
