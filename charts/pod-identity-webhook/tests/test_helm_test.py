"""What `helm test` makes: that the webhook is asked about its pod, and that nothing else takes it for the release's."""

import unittest

from chart import CI, NAMESPACES, Rendered, notes, refusal, selects

ROLE = "arn:aws:iam::123456789012:role/pod-identity-webhook-test"


def made(*sets, **rest):
    """The release, and the ServiceAccount and pod of its test."""
    release = Rendered(*sets, hooks=True, **rest)
    hooks = [one for one in release.objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    account, pod = sorted(hooks, key=lambda one: one["kind"], reverse=True)
    assert (account["kind"], pod["kind"]) == ("ServiceAccount", "Pod")
    return release, account, pod


class EveryTest:
    """What holds for each set of values in ci/: a class of tests is made of this for every one, below."""

    values = None

    @classmethod
    def setUpClass(cls):
        cls.made = made(values=cls.values, namespace=NAMESPACES.get(cls.values, "eks"))

    def test_is_made_by_helm_test_alone_and_taken_away_afterwards(self):
        _, account, pod = self.made
        for one in (account, pod):
            annotations = one["metadata"]["annotations"]
            self.assertEqual(annotations["helm.sh/hook"], "test")
            # A pod that failed stays, for its log.
            self.assertEqual(annotations["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded")
        # The account is there first.
        self.assertLess(int(account["metadata"]["annotations"]["helm.sh/hook-weight"]), 0)
        self.assertNotIn("helm.sh/hook-weight", pod["metadata"]["annotations"])

    def test_asks_for_the_role_that_its_account_has(self):
        release, account, pod = self.made
        self.assertEqual(pod["spec"]["serviceAccountName"], account["metadata"]["name"])
        self.assertNotEqual(account["metadata"]["name"], release.pod["spec"]["serviceAccountName"])
        role = account["metadata"]["annotations"][f"{release.flags()['annotation-prefix']}/role-arn"]
        (container,) = pod["spec"]["containers"]
        self.assertEqual(container["args"][:2], ["identity", f"--role-arn={role}"])
        self.assertEqual(container["image"], release.container["image"])
        audience = release.flags().get("token-audience")
        self.assertEqual(container["args"][2:], [f"--audience={audience}"] if audience else [])

    def test_is_a_pod_about_which_the_webhook_is_asked(self):
        release, _, pod = self.made
        self.assertTrue(selects(release.webhook["objectSelector"], pod["metadata"]["labels"]))
        namespace = {"kubernetes.io/metadata.name": pod["metadata"]["namespace"]}
        # The set with everything leaves kube-system out, which is not its own.
        self.assertTrue(selects(release.webhook["namespaceSelector"], namespace))

    def test_is_no_pod_of_the_release(self):
        release, _, pod = self.made
        labels = pod["metadata"]["labels"]
        self.assertFalse([key for key in labels if key.endswith("/own")])
        selectors = [
            release.Deployment["spec"]["selector"],
            release.PodDisruptionBudget["spec"]["selector"],
            {"matchLabels": release.Service["spec"]["selector"]},
        ]
        if policy := release.find("NetworkPolicy"):
            selectors.append(policy["spec"]["podSelector"])
        for selector in selectors:
            self.assertFalse(selects(selector, labels), selector)

    def test_meets_pod_security_restricted(self):
        _, _, pod = self.made
        spec = pod["spec"]
        self.assertFalse({"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(spec))
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        (container,) = spec["containers"]
        self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
        self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
        self.assertNotIn("ports", container)

    def test_ends(self):
        _, account, pod = self.made
        self.assertEqual(pod["spec"]["restartPolicy"], "Never")
        self.assertLessEqual(pod["spec"]["activeDeadlineSeconds"], 300)
        for one in (account, pod["spec"]):
            self.assertIs(one["automountServiceAccountToken"], False)


for _values in CI:
    _name = f"EveryTest_{_values.replace('-', '_')}"
    globals()[_name] = type(_name, (EveryTest, unittest.TestCase), {"values": _values})


class Values(unittest.TestCase):
    def test_take_the_test_away(self):
        self.assertIsNone(Rendered("tests.enabled=false", hooks=True).find("Pod"))
        self.assertNotIn("helm test", notes("tests.enabled=false"))
        self.assertIn("helm test webhook -n default", notes())

    def test_of_an_older_chart_make_none(self):
        self.assertIsNone(Rendered("tests=null", hooks=True).find("Pod"))
        self.assertNotIn("helm test", notes("tests=null"))

    def test_give_the_pod_labels_but_not_those_of_the_release(self):
        name = r"tests.podLabels.app\.kubernetes\.io/name=pod-identity-webhook"
        _, _, pod = made("tests.podLabels.a=b", name)
        self.assertEqual(pod["metadata"]["labels"]["a"], "b")
        self.assertEqual(pod["metadata"]["labels"]["app.kubernetes.io/name"], "pod-identity-webhook-test")

    def test_of_a_long_name_leave_the_pod_none_of_the_releases_labels(self):
        for name in ("n" * 63, "n" * 58, "n" * 57 + "-test", "n" * 58 + "-test", "n" * 57 + "-" + "n" * 5):
            with self.subTest(name=name):
                release, _, pod = made(f"nameOverride={name}")
                labels = pod["metadata"]["labels"]
                self.assertFalse(selects({"matchLabels": release.Service["spec"]["selector"]}, labels))
                self.assertRegex(labels["app.kubernetes.io/name"], r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])$")

    def test_give_the_account_a_role(self):
        _, account, _ = made()
        self.assertEqual(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], ROLE)
        _, account, pod = made("tests.roleArn=arn:aws-cn:iam::123456789012:role/a,injection.annotationPrefix=iam.example.com")
        self.assertEqual(account["metadata"]["annotations"]["iam.example.com/role-arn"], "arn:aws-cn:iam::123456789012:role/a")
        self.assertNotIn("eks.amazonaws.com/role-arn", account["metadata"]["annotations"])
        self.assertIn("/tests/roleArn", refusal("tests.roleArn=orders"))

    def test_of_the_registration_that_may_leave_the_pod_out_are_told_of(self):
        for value in (
            "webhook.namespaceSelector.matchLabels.a=b",
            "webhook.objectSelectorExpressions[0].key=a,webhook.objectSelectorExpressions[0].operator=Exists",
            "webhook.matchConditions[0].name=a,webhook.matchConditions[0].expression=true",
        ):
            self.assertIn("tests.podLabels", notes(value))
            self.assertNotIn("tests.podLabels", notes(value, "tests.enabled=false"))
        self.assertNotIn("tests.podLabels", notes())


if __name__ == "__main__":
    unittest.main()
