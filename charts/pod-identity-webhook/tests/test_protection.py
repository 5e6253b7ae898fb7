"""What nobody can get around who may only make pods, or reach the ports."""

import itertools
import re
import unittest

from chart import Rendered, notes, refusal, selects

USUAL, NAMESPACES, OWN_NAMESPACE, PODS = range(4)
SKIP = {"eks.amazonaws.com/skip-pod-identity-webhook": "yes"}
REQUIRED = {"eks.amazonaws.com/require-identity": "true"}
LABEL = {"key": "eks.amazonaws.com/require-identity", "operator": "In", "values": ["true"]}
NO_LABEL = LABEL | {"operator": "NotIn"}
NO_LEASES = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-node-lease"]}
OWN = "webhook-pod-identity-webhook.eks/own"
MIRROR = "has(object.metadata) && has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations"
KUBELET = "has(request.userInfo) && has(request.userInfo.groups) && 'system:nodes' in request.userInfo.groups"

# What users may ask for besides. The pod that is made meets none of it but the namespace's.
WISHES = (
    "webhook.timeoutSeconds=3",
    "webhook.namespaceSelector.matchLabels.team=shop",
    "webhook.namespaceSelector.matchExpressions[0].key=a,webhook.namespaceSelector.matchExpressions[0].operator=Exists",
    "webhook.objectSelectorExpressions[0].key=b,webhook.objectSelectorExpressions[0].operator=Exists",
    "webhook.matchConditions[0].name=c,webhook.matchConditions[0].expression=true == true",
)


class RequiredIdentity(unittest.TestCase):
    """The registrations by the label require-identity."""

    @classmethod
    def setUpClass(cls):
        cls.release = Rendered(*WISHES)
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

    def test_is_registered_unless_it_is_not_wanted(self):
        self.assertEqual(len(self.webhooks), 4)
        self.assertEqual(self.webhooks[USUAL], Rendered(*WISHES).webhook)
        off = Rendered(*WISHES, "webhook.requiredIdentity=false").MutatingWebhookConfiguration["webhooks"]
        self.assertEqual(len(off), 1)
        # Then a pod's label still counts while a replica answers: it must be sent to one.
        expressions = off[0]["objectSelector"]["matchExpressions"] + off[0]["namespaceSelector"]["matchExpressions"]
        self.assertNotIn(LABEL["key"], [one["key"] for one in expressions])
        self.assertEqual(off[0]["matchConditions"], self.webhooks[USUAL]["matchConditions"])

    def test_fails_where_nobody_answers_and_says_who_is_asked(self):
        self.assertEqual(self.webhooks[USUAL]["failurePolicy"], "Ignore")
        for number in (NAMESPACES, OWN_NAMESPACE, PODS):
            self.assertEqual(self.webhooks[number]["failurePolicy"], "Fail")
        paths = [one["clientConfig"]["service"]["path"] for one in self.webhooks]
        self.assertEqual(paths, ["/mutate", "/mutate/required", "/mutate/required", "/mutate"])
        names = [one["name"] for one in self.webhooks]
        self.assertEqual(len(set(names)), 4)
        for one in self.webhooks:
            self.assertEqual(one["rules"], self.webhooks[USUAL]["rules"])
            self.assertEqual(one["timeoutSeconds"], 3)

    def test_of_a_pod_is_the_usual_registration_with_the_other_half_of_its_pods(self):
        usual, pods = self.webhooks[USUAL], self.webhooks[PODS]
        labels = [LABEL if one == NO_LABEL else one for one in usual["objectSelector"]["matchExpressions"]]
        self.assertEqual(labels.count(LABEL), 1)
        expected = usual | {"name": pods["name"], "failurePolicy": "Fail", "objectSelector": {"matchExpressions": labels}}
        self.assertEqual(pods, expected)
        self.assertEqual(pods["name"], "pods.iam-for-pods.amazonaws.com")

    def test_has_each_pod_sent_to_one_registration_at_most(self):
        labels = [SKIP, self.own_labels, {"b": "x"}, REQUIRED, {LABEL["key"]: "false"}]
        chosen = itertools.chain(*(itertools.combinations(labels, count) for count in range(len(labels) + 1)))
        for parts in chosen:
            pod = {key: value for part in parts for key, value in part.items()}
            for namespace, required in itertools.product(("shop", "eks", "kube-system", "kube-node-lease"), (True, False)):
                with self.subTest(pod=pod, namespace=namespace, required=required):
                    self.assertEqual(self.asked(pod, namespace, required), self.entry_for(pod, namespace, required))

    def entry_for(self, pod, namespace, required):
        if namespace == "kube-node-lease":
            return []
        if required:
            if namespace == "eks":
                return [] if OWN in pod else ["own-namespace."]
            return ["namespaces."]
        if OWN in pod or "b" not in pod or set(SKIP) & set(pod):
            return []
        return ["pods."] if pod.get(LABEL["key"]) == "true" else [""]

    def test_of_a_namespace_is_asked_about_whatever_the_pod_says_of_itself(self):
        for labels in ({}, SKIP, self.own_labels, SKIP | self.own_labels, {OWN: ""}, REQUIRED | SKIP, {"b": "x"}):
            with self.subTest(labels=labels):
                self.assertEqual(self.asked(labels), ["namespaces."])
        # What users may write counts only where a kubelet has written it.
        for number in (NAMESPACES, OWN_NAMESPACE):
            (condition,) = self.webhooks[number]["matchConditions"]
            expected = {"name": "eks.amazonaws.com/no-mirror-pods-of-kubelets", "expression": f"!({KUBELET} && {MIRROR})"}
            self.assertEqual(condition, expected)

    def test_of_the_releases_namespace_leaves_its_own_pods_out_and_no_others(self):
        self.assertIn(OWN, self.own_labels)
        self.assertEqual(self.asked(self.own_labels, namespace="eks"), [])
        for labels in ({}, SKIP):
            self.assertEqual(self.asked(labels, namespace="eks"), ["own-namespace."])

    def test_is_asked_about_nothing_where_the_namespace_does_not_want_it(self):
        for namespace in ("shop", "eks"):
            self.assertEqual(self.asked({}, namespace, required=False), [])

    def test_of_a_namespace_keeps_to_the_namespaces_that_users_choose(self):
        a = {"key": "a", "operator": "Exists"}
        others = NO_LEASES | {"values": ["eks", "kube-node-lease"]}
        own = NO_LEASES | {"operator": "In", "values": ["eks"]}
        usual = [a, NO_LABEL, NO_LEASES]
        for number, expected in enumerate((usual, [a, LABEL, others], [a, LABEL, own], usual)):
            selector = self.webhooks[number]["namespaceSelector"]
            self.assertEqual(selector, {"matchLabels": {"team": "shop"}, "matchExpressions": expected})


class MatchConditions(unittest.TestCase):
    def test_leave_mirror_pods_out_beside_those_of_users(self):
        mirror = {"name": "eks.amazonaws.com/no-mirror-pods", "expression": f"!({MIRROR})"}
        users = {"name": "no-mirror-pods", "expression": "1 == 1"}
        key = "webhook.matchConditions[0]"
        for entry in Rendered(f"{key}.name=no-mirror-pods", f"{key}.expression=1 == 1").MutatingWebhookConfiguration["webhooks"]:
            if entry["clientConfig"]["service"]["path"] == "/mutate":
                self.assertEqual(entry["matchConditions"], [mirror, users])

    def test_have_names_of_their_own(self):
        name = r"webhook.matchConditions[0].name=eks.amazonaws.com/no-mirror-pods"
        said = refusal(name, "webhook.matchConditions[0].expression=true == true")
        self.assertIn("give yours another name", said)
        Rendered("webhook.matchConditions[0].name=no-mirror-pods,webhook.matchConditions[0].expression=true == true")

    def test_ask_for_every_field_before_they_read_it(self):
        texts = {one["expression"] for entry in entries() for one in entry["matchConditions"]}
        self.assertEqual(len(texts), 2)
        for text in texts:
            assert_guarded(self, text)

    def test_are_no_more_than_the_api_server_takes(self):
        def conditions(count):
            return ["webhook.matchConditions[%d].name=c%d,webhook.matchConditions[%d].expression=1 == 1" % (n, n, n) for n in range(count)]

        for entry in Rendered(*conditions(63)).MutatingWebhookConfiguration["webhooks"]:
            self.assertLessEqual(len(entry["matchConditions"]), 64)
        self.assertIn("at '/webhook/matchConditions'", refusal(*conditions(64)))


class ValidatingPolicy(unittest.TestCase):
    """What pods that require an identity must have in the end. What its expressions say is asked of an API server."""

    @classmethod
    def setUpClass(cls):
        cls.release = Rendered(*WISHES)
        cls.policy = cls.release.ValidatingAdmissionPolicy["spec"]
        cls.bindings = bindings(cls.release)

    def test_is_made_where_it_can_be_unless_it_is_not_wanted(self):
        kind = "ValidatingAdmissionPolicy"
        self.assertIsNone(Rendered(api_versions=()).find(kind))
        self.assertIsNotNone(Rendered("webhook.validatingPolicy=true", api_versions=()).find(kind))
        self.assertIsNone(Rendered("webhook.requiredIdentity=null").find(kind))
        for off in ("webhook.validatingPolicy=false", "webhook.requiredIdentity=false"):
            self.assertEqual([one for one in Rendered(off).kinds() if kind in one], [])
        said = refusal("webhook.validatingPolicy=true", "webhook.requiredIdentity=false")
        self.assertIn("webhook.validatingPolicy checks the pods that webhook.requiredIdentity is about", said)

    def test_refuses_pods_alone_and_when_they_are_made(self):
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*"}
        self.assertEqual(self.policy["matchConstraints"]["resourceRules"], [rule])
        self.assertEqual(self.policy["failurePolicy"], "Fail")
        for one in self.bindings:
            self.assertEqual(one["spec"]["validationActions"], ["Deny"])
            self.assertEqual(one["spec"]["policyName"], self.release.ValidatingAdmissionPolicy["metadata"]["name"])

    def test_is_about_pods_that_require_an_identity_and_no_others(self):
        webhooks = self.release.MutatingWebhookConfiguration["webhooks"]
        labels = [SKIP, {"b": "x"}, REQUIRED, {LABEL["key"]: "false"}]
        chosen = itertools.chain(*(itertools.combinations(labels, count) for count in range(len(labels) + 1)))
        for parts in chosen:
            pod = {key: value for part in parts for key, value in part.items()}
            for place, required in itertools.product(("shop", "eks", "kube-node-lease"), (True, False)):
                namespace = {"kubernetes.io/metadata.name": place, "team": "shop", "a": "x"}
                namespace |= REQUIRED if required else {}
                bound = [one["metadata"]["name"].rpartition(".")[2] for one in self.bindings if binds(one, namespace, pod)]
                own = [] if place == "kube-node-lease" else ["namespaces"] if required else []
                if not required and place != "kube-node-lease" and pod.get(LABEL["key"]) == "true":
                    own = ["pods"]
                self.assertEqual(bound, own, (pod, namespace))
                # Whoever is asked for under Fail is looked at in the end, too.
                for entry in webhooks[NAMESPACES:]:
                    if selects(entry["namespaceSelector"], namespace) and selects(entry["objectSelector"], pod):
                        self.assertTrue(bound)

    def test_leaves_out_namespaces_that_users_leave_out(self):
        for labels in ({"team": "shop"}, {"a": "x"}):
            namespace = {"kubernetes.io/metadata.name": "x"} | REQUIRED | labels
            self.assertFalse([one for one in self.bindings if binds(one, namespace, REQUIRED)])

    def test_leaves_out_mirror_pods_of_kubelets_and_the_releases_own_pods_at_home(self):
        mirrors, own = self.policy["matchConditions"]
        self.assertEqual(mirrors["expression"], f"!({KUBELET} && {MIRROR})")
        labels = "has(object.metadata) && has(object.metadata.labels)"
        home = "has(request.namespace) && request.namespace == 'eks'"
        self.assertEqual(own["expression"], f"!({home} && {labels} && '{OWN}' in object.metadata.labels)")

    def test_asks_for_every_field_before_it_reads_it(self):
        texts = [one["expression"] for one in self.policy["matchConditions"] + self.policy["variables"]]
        (validation,) = self.policy["validations"]
        for text in (*texts, validation["expression"], validation["messageExpression"]):
            assert_guarded(self, text)

    def test_says_what_to_do_by_the_annotation_that_counts(self):
        release = Rendered("injection.annotationPrefix=iam.example.com")
        (validation,) = release.ValidatingAdmissionPolicy["spec"]["validations"]
        self.assertIn("the annotation iam.example.com/role-arn", validation["messageExpression"])
        self.assertIn("requires", validation["message"])


def bindings(release):
    return [one for one in release.objects if one["kind"] == "ValidatingAdmissionPolicyBinding"]


def binds(binding, namespace, pod):
    """Whether a binding matches a pod with these labels in a namespace with these."""
    resources = binding["spec"]["matchResources"]
    return selects(resources["namespaceSelector"], namespace) and selects(resources["objectSelector"], pod)


def entries(*sets):
    return Rendered(*sets).MutatingWebhookConfiguration["webhooks"]


def assert_guarded(case, text):
    """Whether each field that CEL reads, at any depth, is asked for with has() before that."""
    read = re.finditer(r"\b(object|request|namespaceObject|c|e)((?:\.[a-zA-Z]+)+)(\()?", text)
    for match in read:
        fields = match[2].split(".")[1:]
        if match[3]:
            # The last one is a function.
            fields.pop()
        for depth in range(1, len(fields) + 1):
            path = ".".join((match[1], *fields[:depth]))
            case.assertIn(f"has({path})", text[: match.end() + 1], text)


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
