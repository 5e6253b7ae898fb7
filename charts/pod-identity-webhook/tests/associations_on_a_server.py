"""The cluster's own associations on an API server: what it takes and what it refuses, who may write them, and what becomes of
their definition. These tests are run by against_a_server.py.

They make the definition and take it away again, and every association with it: where the cluster has it already, which
would be somebody's, they are skipped.
"""

import json
import pathlib
import re
import shutil
import tempfile
import time

import yaml

import refusals
from a_server import OTHER, RESTRICTED, kubectl
from bundles_on_a_server import WAYS
from chart import CHART, arguments, helm

FILE = CHART / refusals.DEFINITION
NAME = "podidentityassociations.pod-identity-webhook.dev"
ROLE = "arn:aws:iam::111122223333:role/app"
ON = "associations.enabled=true"
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "aws-new-one")
NAMES = ("app", "team/app", "a/b/c/app", "aws-service-role/eks.amazonaws.com/x", "!/~/a+b=c,d.e@f-g_h", "n" * 64, f"{'p' * 510}/{'n' * 64}")
STATEMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"%s"}]}'
LONGEST = STATEMENT % ("é" * (2048 - len(STATEMENT % "")))
GOOD = (
    *({"roleArn": f"arn:{partition}:iam::012345678901:role/{name}"} for partition in PARTITIONS for name in NAMES),
    *({"roleArn": ROLE, "targetRoleArn": f"arn:{partition}:iam::444455556666:role/team/data"} for partition in PARTITIONS),
    {"roleArn": ROLE, "disableSessionTags": True},
    {"roleArn": ROLE, "disableSessionTags": False},
    {"roleArn": ROLE, "disableSessionTags": True, "policy": "{}"},
    # As YAML's blocks end.
    {"roleArn": ROLE, "disableSessionTags": True, "policy": '{\n  "Version": "2012-10-17"\n}\n'},
    {"roleArn": ROLE, "disableSessionTags": True, "policy": LONGEST},
    {"roleArn": ROLE, "tags": {}},
    {"roleArn": ROLE, "tags": {f"{number:0128}": "v" * 256 for number in range(50)}},
    {"roleArn": ROLE, "tags": {"a": "", "awsome": "x", "x:aws:": "y", "Ключ / с пробелом": "значение"}},
    {"roleArn": ROLE, "clusterName": "p"},
    {"roleArn": ROLE, "clusterName": "0_-" + "x" * 97},
)


def association(spec, name="app", namespace=OTHER, **rest):
    kind = {"apiVersion": "pod-identity-webhook.dev/v1alpha1", "kind": "PodIdentityAssociation"}
    return json.dumps(kind | {"metadata": {"name": name, "namespace": namespace}, "spec": spec} | rest)


def try_create(manifest):
    return kubectl("create", "--dry-run=server", "-f", "-", stdin=manifest)


def is_defined():
    return kubectl("get", "crd", NAME).returncode == 0


class Associations:
    """Tests for a class that has a cluster: one class, because all of them share its namespaces."""

    def test_fills_nothing_into_the_definition(self):
        self.define()
        live, file = self.get("crd", NAME), yaml.safe_load(FILE.read_text())
        self.assertEqual(live["spec"], file["spec"])

    def test_refuses_what_the_page_lists_in_its_words(self):
        self.define()
        for wrong, spec, message in refusals.rows():
            with self.subTest(wrong=wrong):
                result = try_create(association(spec))
                self.assertNotEqual(result.returncode, 0, "it was taken")
                self.assertEqual([message], [message if said.endswith(f" {message}") else said for said in complaints(result.stderr)])

    def test_takes_associations_in_every_partition_and_at_every_limit(self):
        self.define()
        self.assertEqual(len(LONGEST), 2048)
        many = [association(spec, name=f"good-{number}") for number, spec in enumerate(GOOD)]
        said = self.succeed(try_create("\n---\n".join(many)))
        self.assertEqual(said.count("created (server dry run)"), len(GOOD))

    def test_takes_the_names_that_a_service_account_can_have(self):
        self.define()
        good = ("default", "a", "0", "a.b-c", "x" * 253)
        bad = ("Search", "a_b", "-a", "a.", "a..b", "x" * 254)
        for name in good + bad:
            account = json.dumps({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": RESTRICTED}})
            verdicts = {try_create(one).returncode == 0 for one in (account, association({"roleArn": ROLE}, name, RESTRICTED))}
            # That account is in each namespace already.
            self.assertEqual(verdicts - ({False} if name == "default" else set()), {name in good}, name)

    def test_lets_null_pass_for_a_field_that_is_left_out(self):
        self.define()
        words = ("create", "--dry-run=server", "-o", "json", "-f", "-")
        made = json.loads(self.succeed(kubectl(*words, stdin=association({"roleArn": ROLE, "policy": None}))))
        self.assertEqual(made["spec"], {"roleArn": ROLE})

    def test_shows_the_columns_and_keeps_the_status_apart(self):
        self.define()
        spec = {"roleArn": ROLE, "targetRoleArn": f"{ROLE}-2", "clusterName": "prod"}
        now = "2026-01-01T00:00:00Z"
        condition = {"type": "Accepted", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": now}
        status = {"associationId": "a-0123456789abcdefg", "observedGeneration": 1, "conditions": [condition]}
        self.succeed(kubectl("create", "-f", "-", stdin=association(spec, status=status)))
        self.assertNotIn("status", self.get("-n", OTHER, "pia", "app"))
        words = ("-n", OTHER, "patch", "pia", "app", "--subresource=status", "--type=merge", "-p")
        self.succeed(kubectl(*words, json.dumps({"status": status, "spec": {"roleArn": "x"}})))
        self.assertEqual(self.get("-n", OTHER, "pia", "app")["status"], status)
        head, row = (line.split() for line in self.succeed(kubectl("-n", OTHER, "get", "pia", "-o", "wide")).splitlines())
        self.assertEqual(head, ["NAME", "ROLE", "TARGET", "ACCEPTED", "ID", "CLUSTER", "AGE"])
        self.assertEqual(row[:-1], ["app", ROLE, f"{ROLE}-2", "True", "a-0123456789abcdefg", "prod"])
        self.assertIn("iam:PassRole", self.succeed(kubectl("explain", "pia.spec.roleArn")))

    def test_lets_write_associations_who_may_and_no_others(self):
        self.unless_defined()
        self.install("webhook", OTHER, ON)
        self.served()
        own = {who: f"webhook-pod-identity-webhook-associations-{who}" for who in ("viewer", "editor")}
        for user, role in ({"view": "view", "edit": "edit", "admin": "admin"} | own).items():
            words = ("rolebinding", f"of-{user}", f"--user={user}", f"--clusterrole={role}")
            self.succeed(kubectl("-n", OTHER, "create", *words))
            self.addCleanup(kubectl, "-n", OTHER, "delete", "rolebinding", f"of-{user}")
        reading, writing = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
        readers, writers = {"view", "edit", "admin", "viewer", "editor"}, {"editor"}
        for aggregated in (False, True):
            if aggregated:
                self.upgrade("webhook", ON, "associations.roles.aggregateEditor=true")
                writers |= {"edit", "admin"}
            for user in readers:
                # Kubernetes' own roles are put together by a controller, a moment later.
                for verb in reading:
                    self.eventually(lambda: self.assertTrue(self.may(user, verb), (user, verb)))
                for verb in writing:
                    self.eventually(lambda: self.assertEqual(self.may(user, verb), user in writers, (user, verb)))
                self.assertFalse(self.may(user, "patch", "--subresource=status"), user)
                self.assertFalse(self.may(user, "list", namespace=RESTRICTED), user)
        webhook = f"system:serviceaccount:{OTHER}:webhook-pod-identity-webhook"
        for verb in reading + writing:
            self.assertEqual(self.may(webhook, verb, namespace=RESTRICTED), verb in reading, verb)
        self.assertTrue(self.may(webhook, "patch", "--subresource=status", namespace=RESTRICTED))

    def test_keeps_the_definition_and_the_associations_whatever_becomes_of_the_release(self):
        for way in WAYS:
            with self.subTest(way=way):
                self.unless_defined()
                self.addCleanup(self.uninstall, "webhook", OTHER)
                self.bring("install", way, ON)
                self.served()
                self.succeed(kubectl("create", "-f", "-", stdin=association({"roleArn": ROLE})))
                uids = self.uids()
                # helm would delete what is in a release no more.
                self.bring("upgrade", way, "associations.enabled=false")
                self.assertEqual(self.uids(), uids)
                self.bring("upgrade", way, ON)
                self.assertIn(NAME, self.succeed(self.uninstall("webhook", OTHER)))
                self.assertEqual(self.uids(), uids)
                # Its own again, by its name and namespace.
                self.bring("install", way, ON)
                self.assertEqual(self.uids(), uids)
                self.bring("upgrade", way, ON, chart=self.newer_chart())
                (version,) = self.get("crd", NAME)["spec"]["versions"]
                self.assertEqual(version["schema"]["openAPIV3Schema"]["description"], "Newer.")
                self.assertEqual(self.uids(), uids)
                self.succeed(self.uninstall("webhook", OTHER))
                self.succeed(kubectl("delete", "crd", NAME))

    def test_is_of_one_release_and_lets_another_one_be_beside_it(self):
        self.unless_defined()
        self.install("webhook", OTHER, ON)
        self.addCleanup(self.uninstall, "webhook", RESTRICTED)
        # Of the same name elsewhere, so the roles' names are the same too.
        alone = "associations.definition=false,associations.roles.create=false"
        for sets, stands_in_the_way in ((ON,), NAME), ((ON, "associations.definition=false"), "associations-viewer"):
            said = helm("install", "webhook", CHART, "--namespace", RESTRICTED, *arguments(*sets)).stderr
            self.assertIn("invalid ownership metadata", said)
            self.assertIn(stands_in_the_way, said)
            self.uninstall("webhook", RESTRICTED)
        self.install("webhook", RESTRICTED, ON, alone)
        self.succeed(self.uninstall("webhook", RESTRICTED))
        self.served()

    def test_takes_over_a_definition_that_was_applied_where_that_is_meant(self):
        self.define()
        self.succeed(kubectl("create", "-f", "-", stdin=association({"roleArn": ROLE})))
        uids = self.uids()
        words = ("install", "webhook", CHART, "--namespace", OTHER, *arguments(ON))
        self.addCleanup(self.uninstall, "webhook", OTHER)
        self.assertIn("invalid ownership metadata", helm(*words).stderr)
        self.uninstall("webhook", OTHER)
        self.succeed(helm(*words, "--take-ownership"))
        self.assertEqual(self.uids(), uids)
        self.assertEqual(self.get("crd", NAME)["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm")
        self.upgrade("webhook", ON, "replicas=1")

    def test_asks_the_webhook_about_every_write_where_there_is_a_policy(self):
        self.define()
        self.succeed(kubectl("create", "-f", "-", stdin=association({"roleArn": ROLE}, "early")))
        # Nobody answers, so whatever is sent to the webhook is refused.
        off = "associations.definition=false,webhook.timeoutSeconds=1"
        self.install("webhook", OTHER, ON, off, "injection.rolePolicy.configMap=policy")
        asked = 'failed calling webhook "associations.iam-for-pods.amazonaws.com"'
        early = ("-n", OTHER, "patch", "pia", "early", "--type=merge", "-p")
        self.eventually(lambda: self.assertIn(asked, kubectl("create", "-f", "-", stdin=association({"roleArn": ROLE}, "late")).stderr))
        self.assertIn(asked, kubectl(*early, json.dumps({"spec": {"roleArn": f"{ROLE}-2"}})).stderr)
        # The status is the webhook's own to write, and whoever deletes an association takes a role away.
        self.succeed(kubectl(*early, json.dumps({"status": {"associationId": "a"}}), "--subresource=status"))
        self.succeed(kubectl("-n", OTHER, "delete", "pia", "early"))

    def may(self, user, verb, *more, namespace=OTHER):
        words = ("auth", "can-i", verb, NAME, *more, "--namespace", namespace, f"--as={user}")
        return {"yes": True, "no": False}[kubectl(*words).stdout.split()[0]]

    def bring(self, verb, way, *sets, chart=CHART):
        self.succeed(helm(verb, "webhook", chart, "--namespace", OTHER, way, *arguments(*sets)))

    def upgrade(self, release, *sets):
        self.succeed(helm("upgrade", release, CHART, "--namespace", OTHER, *arguments(*sets)))

    def uids(self):
        """Of the definition and of the association: others after it was made anew."""
        return [self.get(*one)["metadata"]["uid"] for one in (("crd", NAME), ("-n", OTHER, "pia", "app"))]

    def newer_chart(self):
        """A copy of the chart with a definition that says something else."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        copy = pathlib.Path(folder.name) / "chart"
        shutil.copytree(CHART, copy)
        definition = yaml.safe_load(FILE.read_text())
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "Newer."
        (copy / refusals.DEFINITION).write_text(yaml.safe_dump(definition))
        return copy

    def define(self):
        """Applies the definition as a file, for one test."""
        self.unless_defined()
        self.succeed(kubectl("apply", "-f", str(FILE)))
        self.served()

    def unless_defined(self):
        if is_defined():
            self.skipTest(f"the cluster has {NAME} already: somebody's associations would go with it")
        self.addCleanup(kubectl, "delete", "crd", NAME, "--ignore-not-found")

    def served(self):
        self.eventually(lambda: self.succeed(kubectl("get", "pia", "-A")))

    def eventually(self, holds):
        """Returns once it holds; fails as it does after a time in which whatever lags has caught up."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return holds()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def complaints(text):
    """What an API server complains of, one each. It says besides that it looked no further."""
    said = text.strip().partition("is invalid: ")[2] or text.strip()
    found = [one.strip() for one in re.split(r"\n\* |^\* ", said)]
    return [one for one in found if one and "some validation rules were not checked" not in one]
