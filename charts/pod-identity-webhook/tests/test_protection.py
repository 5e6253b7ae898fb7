"""What nobody can get around who may only make pods, or reach the ports."""

import unittest

from chart import Rendered, notes, refusal, selects

USUAL, NAMESPACES, OWN_NAMESPACE, PODS = range(4)
SKIP = {"eks.amazonaws.com/skip-pod-identity-webhook": "yes"}
REQUIRED = {"eks.amazonaws.com/require-identity": "true"}
LABEL = {"key": "eks.amazonaws.com/require-identity", "operator": "In", "values": ["true"]}
OWN = "webhook-pod-identity-webhook.eks/own"

# What users may ask for besides. The pod that is made meets none of it but the namespace's.
WISHES = (
    "webhook.timeoutSeconds=5",
    "webhook.namespaceSelector.matchLabels.team=shop",
    "webhook.namespaceSelector.matchExpressions[0].key=a,webhook.namespaceSelector.matchExpressions[0].operator=Exists",
    "webhook.objectSelectorExpressions[0].key=b,webhook.objectSelectorExpressions[0].operator=Exists",
    "webhook.matchConditions[0].name=c,webhook.matchConditions[0].expression=true == true",
)


class RequiredIdentity(unittest.TestCase):
    """The registrations by the label require-identity."""

    @classmethod
    def setUpClass(cls):
        cls.release = Rendered("webhook.requiredIdentity=true", *WISHES)
        cls.webhooks = cls.release.MutatingWebhookConfiguration["webhooks"]
        cls.own_labels = cls.release.pod["metadata"]["labels"]

    def asked(self, labels, namespace="shop", required=True):
        """Names of the webhooks that are asked about a pod of these labels."""
        of_namespace = {"kubernetes.io/metadata.name": namespace, "team": "shop", "a": "x"}
        of_namespace |= REQUIRED if required else {}
        return [
            one["name"].removesuffix("iam-for-pods.amazonaws.com")
            for one in self.webhooks
            if selects(one["namespaceSelector"], of_namespace) and selects(one["objectSelector"], labels)
        ]

    def test_is_registered_if_it_is_asked_for(self):
        self.assertEqual(len(Rendered(*WISHES).MutatingWebhookConfiguration["webhooks"]), 1)
        self.assertEqual(len(self.webhooks), 4)
        self.assertEqual(self.webhooks[USUAL], Rendered(*WISHES).webhook)

    def test_fails_where_nobody_answers_and_says_who_is_asked(self):
        for number in (NAMESPACES, OWN_NAMESPACE, PODS):
            self.assertEqual(self.webhooks[number]["failurePolicy"], "Fail")
        paths = [one["clientConfig"]["service"]["path"] for one in self.webhooks]
        self.assertEqual(paths, ["/mutate", "/mutate/required", "/mutate/required", "/mutate"])
        names = [one["name"] for one in self.webhooks]
        self.assertEqual(len(set(names)), 4)
        for one in self.webhooks:
            self.assertEqual(one["rules"], self.webhooks[USUAL]["rules"])
            self.assertEqual(one["timeoutSeconds"], 5)

    def test_of_a_pod_is_the_usual_registration_and_its_label(self):
        usual, pods = self.webhooks[USUAL], self.webhooks[PODS]
        labels = [*usual["objectSelector"]["matchExpressions"], LABEL]
        expected = usual | {"name": pods["name"], "failurePolicy": "Fail", "objectSelector": {"matchExpressions": labels}}
        self.assertEqual(pods, expected)
        self.assertEqual(pods["name"], "pods.iam-for-pods.amazonaws.com")

    def test_of_a_namespace_is_asked_about_whatever_the_pod_says_of_itself(self):
        for labels in ({}, SKIP, self.own_labels, SKIP | self.own_labels, {OWN: ""}, REQUIRED | SKIP):
            with self.subTest(labels=labels):
                self.assertEqual(self.asked(labels), ["namespaces."])
        self.assertEqual(self.asked({"b": "x"}), ["", "namespaces."])
        for number in (NAMESPACES, OWN_NAMESPACE):
            self.assertNotIn("matchConditions", self.webhooks[number])

    def test_of_the_releases_namespace_leaves_its_own_pods_out_and_no_others(self):
        self.assertIn(OWN, self.own_labels)
        self.assertEqual(self.asked(self.own_labels, namespace="eks"), [])
        for labels in ({}, SKIP):
            self.assertEqual(self.asked(labels, namespace="eks"), ["own-namespace."])

    def test_is_asked_about_nothing_where_the_namespace_does_not_want_it(self):
        for namespace in ("shop", "eks"):
            self.assertEqual(self.asked({}, namespace, required=False), [])

    def test_of_a_namespace_keeps_to_the_namespaces_that_users_choose(self):
        for number, operator in ((NAMESPACES, "NotIn"), (OWN_NAMESPACE, "In")):
            place = {"key": "kubernetes.io/metadata.name", "operator": operator, "values": ["eks"]}
            expected = [{"key": "a", "operator": "Exists"}, LABEL, place]
            selector = self.webhooks[number]["namespaceSelector"]
            self.assertEqual(selector, {"matchLabels": {"team": "shop"}, "matchExpressions": expected})


class NetworkPolicy(unittest.TestCase):
    ON = "networkPolicy.enabled=true"

    def ingress(self, *sets, **rest):
        """Who may reach which port: [(name, peers)], None for everybody."""
        rules = Rendered(self.ON, *sets, **rest).NetworkPolicy["spec"]["ingress"]
        return [(rule["ports"][0]["port"], rule.get("from")) for rule in rules]

    def test_lets_everybody_call_and_nobody_read_the_metrics_unless_told(self):
        self.assertEqual(self.ingress(), [("https", None)])
        # A ServiceMonitor does not say where Prometheus is.
        self.assertEqual(self.ingress("serviceMonitor.enabled=true"), [("https", None)])
        self.assertIn("Ingress", Rendered(self.ON).NetworkPolicy["spec"]["policyTypes"])

    def test_lets_those_in_that_are_named(self):
        address = "networkPolicy.webhookFrom[0].ipBlock.cidr=10.0.0.0/28"
        peers = [{"ipBlock": {"cidr": "10.0.0.0/28"}}]
        self.assertEqual(self.ingress(address), [("https", peers)])
        pods = r"networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\.io/metadata\.name=m"
        peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "m"}}}]
        self.assertEqual(self.ingress(pods), [("https", None), ("metrics", peers)])

    def test_that_keeps_prometheus_out_is_told_of(self):
        self.assertIn("networkPolicy.metricsFrom", notes(self.ON))
        self.assertNotIn("networkPolicy", notes(self.ON, "networkPolicy.metricsFrom[0].podSelector.matchLabels.a=b"))
        self.assertNotIn("networkPolicy", notes("serviceMonitor.enabled=true"))

    def test_takes_lists_of_peers_alone(self):
        for key in ("webhookFrom", "metricsFrom"):
            self.assertIn(f"/networkPolicy/{key}", refusal(f"networkPolicy.{key}=monitoring"))

    def test_lets_only_the_api_server_out(self):
        (out,) = Rendered(self.ON).NetworkPolicy["spec"]["egress"]
        self.assertEqual([port["port"] for port in out["ports"]], [443, 6443])


if __name__ == "__main__":
    unittest.main()
