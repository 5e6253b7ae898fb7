"""The cluster's own associations: what the chart makes of them, and what their definition says."""

import itertools
import re
import unittest

import yaml

import refusals
from chart import CHART, Rendered, notes
from test_gitops import at, jq_paths, pointer, snippet

ON = "associations.enabled=true"
POLICY = "injection.rolePolicy.configMap=policy"
GROUP = "pod-identity-webhook.dev"
ENTRY = "associations.iam-for-pods.amazonaws.com"
VIEWER, EDITOR = (f"webhook-pod-identity-webhook-associations-{which}" for which in ("viewer", "editor"))
FILE = (CHART / refusals.DEFINITION).read_text()
# Messages that are Kubernetes' own, of a rule that has none.
KUBERNETES = r"Required value|Too (long|many): .*|spec\.[a-z.]+ in body must be of type .*|unknown field .*"


class Release(unittest.TestCase):
    def test_has_nothing_of_it_by_default(self):
        self.assertNotIn(GROUP, Rendered(POLICY).text)
        self.assertNotIn("associations", notes())

    def test_has_each_object_by_its_own_value(self):
        every = {"CustomResourceDefinition", VIEWER, EDITOR}
        for definition, roles, rbac in itertools.product((True, False), repeat=3):
            expected = set(every)
            if not definition:
                expected.remove("CustomResourceDefinition")
            if not (roles and rbac):
                expected -= {VIEWER, EDITOR}
            values = f"associations.definition={definition},associations.roles.create={roles},rbac.create={rbac}"
            release = Rendered(ON, values.lower())
            found = {one["kind"] for one in release.objects} | {one["metadata"]["name"] for one in release.objects}
            self.assertEqual(found & every, expected, values)

    def test_takes_what_an_older_chart_has_no_values_for_as_values_yaml_has_it(self):
        missing = ["associations.definition=null", "associations.roles=null"]
        self.assertEqual(Rendered(ON, *missing).objects, Rendered(ON).objects)

    def test_follows_them_beside_the_resources_of_controllers_by_one_flag(self):
        for controllers, expected in (("", "own"), ("ack", "ack,own"), ("ack,crossplane", "ack,crossplane,own")):
            given = f"sources.associationResources.controllers={{{controllers}}}"
            flags = Rendered(ON, *([given] if controllers else [])).container["args"]
            flags = [flag for flag in flags if flag.startswith("--watch-association-resources")]
            self.assertEqual(flags, [f"--watch-association-resources={expected}"])

    def test_leaves_the_flags_of_controllers_to_controllers(self):
        flags = Rendered(ON, "sources.associationResources.usePending=true").flags()
        self.assertNotIn("use-pending-associations", flags)
        flags = Rendered(ON, "sources.associationResources.ownNamespaceOnly=false").flags()
        self.assertNotIn("association-resources-own-namespace-only", flags)

    def test_may_read_them_and_write_their_status_and_nothing_else(self):
        rules = [rule for rule in Rendered(ON).cluster_role["rules"] if rule["apiGroups"] == [GROUP]]
        reading = {"apiGroups": [GROUP], "resources": ["podidentityassociations"], "verbs": ["get", "list", "watch"]}
        status = {"apiGroups": [GROUP], "resources": ["podidentityassociations/status"], "verbs": ["patch"]}
        self.assertEqual(rules, [reading, status])

    def test_says_how_associations_are_made_and_what_is_dangerous_about_it(self):
        self.assertIn("kubectl get pia -A", notes(ON))
        self.assertIn("there is no role policy, so whoever may write associations", notes(ON))
        self.assertNotIn("there is no role policy", notes(ON, POLICY))


class Roles(unittest.TestCase):
    def test_allow_all_that_users_do_and_not_to_write_the_status(self):
        reading = ["get", "list", "watch"]
        writing = ["create", "delete", "deletecollection", "patch", "update"]
        for name, verbs in ((VIEWER, reading), (EDITOR, reading + writing)):
            (rule,) = role(Rendered(ON), name)["rules"]
            self.assertEqual(rule["apiGroups"], [GROUP])
            self.assertEqual(rule["resources"], ["podidentityassociations"])
            self.assertEqual(sorted(rule["verbs"]), sorted(verbs))

    def test_are_part_of_kubernetes_own_roles_as_the_values_say(self):
        for viewer, editor in itertools.product((None, True, False), (None, True, False)):
            given = {"aggregateViewer": viewer, "aggregateEditor": editor}
            sets = [f"associations.roles.{key}={str(value).lower()}" for key, value in given.items() if value is not None]
            release = Rendered(ON, *sets)
            # The viewer is unless it is said, the editor only if it is said.
            self.assertEqual(part_of(role(release, VIEWER)), set() if viewer is False else {"view", "edit", "admin"}, given)
            self.assertEqual(part_of(role(release, EDITOR)), {"edit", "admin"} if editor else set(), given)


class Entry(unittest.TestCase):
    def test_is_there_only_with_a_policy_to_ask_for(self):
        for sets in ((), (ON,), (POLICY,)):
            self.assertIsNone(entry(Rendered(*sets)), sets)
        for required in ("true", "false"):
            self.assertIsNotNone(entry(Rendered(ON, POLICY, f"webhook.requiredIdentity={required}")))

    def test_asks_about_every_association_that_is_made_or_changed(self):
        # What chooses pods does not choose associations, or the policy would have gaps.
        chosen = ("webhook.namespaceSelector.matchLabels.a=b", "webhook.matchConditions[0].name=x", "webhook.matchConditions[0].expression=false")
        service = {"name": "webhook-pod-identity-webhook", "namespace": "eks", "path": "/validate/associations", "port": 443}
        rule = {
            "apiGroups": [GROUP],
            "apiVersions": ["v1alpha1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["podidentityassociations"],
            "scope": "Namespaced",
        }
        expected = {
            "name": ENTRY,
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"service": service},
            "rules": [rule],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "reinvocationPolicy": "IfNeeded",
            "sideEffects": "None",
            "timeoutSeconds": 7,
            "namespaceSelector": {},
            "objectSelector": {},
        }
        self.assertEqual(entry(Rendered(ON, POLICY, "webhook.timeoutSeconds=7", *chosen)), expected)

    def test_changes_nothing_in_those_of_pods(self):
        with_it, without = (Rendered(POLICY, *on).MutatingWebhookConfiguration["webhooks"] for on in ((ON,), ()))
        self.assertEqual([one for one in with_it if one["name"] != ENTRY], without)
        self.assertEqual(with_it[-1]["name"], ENTRY)

    def test_has_its_bundle_left_alone_by_the_readmes_rules_for_gitops(self):
        registration = Rendered(ON, POLICY, release="pod-identity-webhook").MutatingWebhookConfiguration
        for one in registration["webhooks"]:
            one["clientConfig"]["caBundle"] = one["name"]
        (argo, *_) = snippet("Argo CD")["spec"]["ignoreDifferences"]
        paths = [path for expression in argo["jqPathExpressions"] for path in jq_paths(registration, expression)]
        self.assertIn(ENTRY, [at(registration, path) for path in paths])
        # Flux' pointers name each entry: this one is in a comment, as few have it.
        (flux,) = re.findall(r"# With associations\.enabled .*\n *# - (/\S+)", (CHART / "README.md").read_text())
        self.assertEqual(at(registration, pointer(flux)), ENTRY)


class Definition(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = yaml.safe_load(FILE)
        cls.release = Rendered(ON, "commonLabels.team=platform")
        (cls.version,) = cls.file["spec"]["versions"]
        cls.schema = cls.version["schema"]["openAPIV3Schema"]

    def test_is_that_of_the_file_with_the_labels_of_the_release(self):
        made = self.release.CustomResourceDefinition
        self.assertEqual(made["metadata"].pop("labels"), self.release.Deployment["metadata"]["labels"])
        self.assertEqual(made, self.file)

    def test_can_be_applied_as_a_file(self):
        self.assertNotIn("{{", FILE)
        self.assertNotIn("labels", self.file["metadata"])

    def test_is_kept_when_the_release_goes(self):
        made = self.release.CustomResourceDefinition
        flux = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
        argo = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
        self.assertEqual(made["metadata"]["annotations"], {"helm.sh/resource-policy": "keep"} | argo | flux)

    def test_is_not_among_those_that_helm_never_upgrades(self):
        self.assertFalse((CHART / "crds").exists())

    def test_explains_every_field(self):
        for path, field in fields(self.schema):
            if path not in ("", ".metadata"):
                self.assertTrue(field.get("description"), path)

    def test_bounds_whatever_can_be_written(self):
        for path, field in fields(self.schema):
            if field["type"] == "string" and path not in (".apiVersion", ".kind"):
                self.assertTrue("maxLength" in field or "enum" in field or field.get("format") == "date-time", path)
            if field["type"] == "array":
                self.assertIn("maxItems", field, path)
            if "additionalProperties" in field:
                self.assertIn("maxProperties", field, path)

    def test_has_a_message_for_each_rule_that_fits_one_line(self):
        for path, field in fields(self.schema):
            for rule in field.get("x-kubernetes-validations", ()):
                self.assertIn(path.split(".")[-1] if path != ".spec" else "policy", rule["message"].split(" ")[0], path)
                self.assertNotIn("\n", rule["message"])

    def test_says_of_target_roles_what_it_says_of_roles(self):
        spec = self.schema["properties"]["spec"]["properties"]
        role, target = (spec[field]["x-kubernetes-validations"] for field in ("roleArn", "targetRoleArn"))
        words = [(rule["rule"].removeprefix("self == '' || "), rule["message"].replace("targetRoleArn", "roleArn")) for rule in target[1:]]
        self.assertEqual(words, [(rule["rule"], rule["message"]) for rule in role])

    def test_has_the_messages_of_the_page_and_no_others(self):
        said = {message for _, _, message in refusals.rows()}
        own = {rule["message"] for _, field in fields(self.schema) for rule in field.get("x-kubernetes-validations", ())}
        self.assertEqual(own - said, set(), "without a row in docs/associations.md")
        self.assertEqual([one for one in said - own if not re.fullmatch(KUBERNETES, one)], [], "nobody says it any more")

    def test_shows_what_matters_first(self):
        columns = {one["name"]: (one["jsonPath"], one.get("priority", 0)) for one in self.version["additionalPrinterColumns"]}
        self.assertEqual(
            columns,
            {
                "Role": (".spec.roleArn", 0),
                "Target": (".spec.targetRoleArn", 0),
                "Accepted": ('.status.conditions[?(@.type=="Accepted")].status', 0),
                "Id": (".status.associationId", 1),
                "Cluster": (".spec.clusterName", 1),
                "Age": (".metadata.creationTimestamp", 0),
            },
        )
        for path, _ in columns.values():
            steps = re.sub(r"\[.*\]", "[]", path).split(".")[1:]
            if steps[0] != "metadata":
                self.assertIn("." + ".".join(steps), [path for path, _ in fields(self.schema)])


class Page(unittest.TestCase):
    def test_has_rows_that_differ(self):
        rows = list(refusals.rows())
        self.assertGreaterEqual(len(rows), 20)
        self.assertEqual(len({wrong for wrong, _, _ in rows}), len(rows))
        self.assertEqual(len({str(spec) for _, spec, _ in rows}), len(rows))

    def test_writes_long_values_short(self):
        self.assertEqual(refusals.expanded("{a: x×3, tags: {t1…t3: v}}"), "{a: xxx, tags: {t1: v, t2: v, t3: v}}")


def fields(schema, path=""):
    """(path, schema) of each field, that of the object first; [] stands for what is in a list or a map."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from fields(field, f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            # A map's values are explained with the map.
            yield from fields({"description": "-"} | schema[inner], f"{path}[]")


def entry(release):
    found = [one for one in release.MutatingWebhookConfiguration["webhooks"] if one["name"] == ENTRY]
    return found[0] if found else None


def role(release, name):
    (found,) = [one for one in release.objects if one["kind"] == "ClusterRole" and one["metadata"]["name"] == name]
    return found


def part_of(role):
    """Of which roles of Kubernetes it is a part."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    labels = role["metadata"]["labels"]
    return {key.removeprefix(prefix) for key, value in labels.items() if key.startswith(prefix) and value == "true"}


if __name__ == "__main__":
    unittest.main()
