"""The caBundles on an API server: who writes them, and that Helm leaves alone what is the program's. These tests are run
by against_a_server.py.
"""

import base64
import json

from a_server import NO_MONITOR, OTHER, kubectl
from chart import AUTHORITY, CHART, SECRET, Rendered, arguments, helm

# How Helm brings a release into the cluster: as Helm 4 does by default, and as Helm 3 does.
WAYS = ("--server-side=true", "--server-side=false")


class Bundles:
    """Tests for a class that has a cluster: one class, because all of them share its namespaces."""

    def test_reads_the_authority_out_of_the_secret(self):
        secret = "serving"
        words = ("template", "webhook", CHART, "--namespace", OTHER, "--dry-run=server", *arguments(*SECRET))
        self.assertIn(f"no ca.crt of Secret {OTHER}/{secret}", helm(*words).stderr)
        self.succeed(kubectl("-n", OTHER, "create", "secret", "generic", secret, f"--from-file=ca.crt={AUTHORITY}"))
        self.addCleanup(kubectl, "-n", OTHER, "delete", "secret", secret)
        expected = base64.b64encode(AUTHORITY.read_bytes()).decode()
        self.assertIn(f"caBundle: {expected}\n", self.succeed(helm(*words)))

    def test_leaves_alone_what_the_program_writes(self):
        for way in WAYS:
            with self.subTest(way=way):
                release = Kept(self, way)
                release.helm("install")
                self.assertEqual(set(release.bundles().values()), {None})
                release.write("first")
                release.helm("upgrade", "webhook.requiredIdentity=false")
                release.helm("upgrade", "webhook.requiredIdentity=true")
                # New entries have what the one that stayed has.
                self.assertEqual((len(release.bundles()), set(release.bundles().values())), (4, {"first"}))
                release.write("second")
                release.helm("upgrade", "webhook.requiredIdentity=true,replicas=1")
                self.assertEqual(set(release.bundles().values()), {"second"})
                self.assertEqual(release.authority(), "second")
                release.uninstall()

    def test_takes_over_the_bundles_of_a_chart_with_a_secret_without_a_gap(self):
        for way in WAYS:
            with self.subTest(way=way):
                release = Kept(self, way)
                old = base64.b64encode(AUTHORITY.read_bytes()).decode()
                release.helm("install", *SECRET, "webhook.requiredIdentity=false", authority=AUTHORITY)
                release.helm("upgrade", "webhook.requiredIdentity=true")
                self.assertEqual(set(release.bundles().values()), {AUTHORITY.read_text()})
                for revision in (1, 2):
                    release.helm("upgrade", f"webhook.requiredIdentity=true,replicas={revision}")
                    self.assertEqual(set(release.bundles().values()), {AUTHORITY.read_text()})
                # The program adds its own to what is trusted already.
                release.write(AUTHORITY.read_text() + "new")
                for revision in (1, 2):
                    release.helm("upgrade", f"webhook.requiredIdentity=true,replicas={revision}")
                    self.assertEqual(set(release.bundles().values()), {AUTHORITY.read_text() + "new"})
                self.assertIn(old, release.manifest(1))
                release.uninstall()

    def test_keeps_no_copy_of_a_bundle_that_a_rollback_would_bring_back(self):
        release = Kept(self, "--server-side=true")
        release.helm("install")
        release.write("first")
        release.helm("upgrade", "replicas=1")
        self.assertNotIn("caBundle:", release.manifest(2))
        release.write("second")
        self.succeed(helm("rollback", release.name, "1", "--namespace", OTHER))
        self.assertEqual(set(release.bundles().values()), {"second"})
        self.assertEqual(release.authority(), "second")

    def test_applied_from_its_manifests_leaves_alone_what_the_program_writes(self):
        for way in ((), ("--server-side", "--field-manager=argocd-controller")):
            with self.subTest(way=way):
                release = Kept(self, "--server-side=true")
                manifests = Rendered(NO_MONITOR, release=release.name, namespace=OTHER).text
                self.addCleanup(kubectl, "delete", "--ignore-not-found", "-f", "-", stdin=manifests)
                for text in ("first", "second", None):
                    self.succeed(kubectl("apply", *way, "-f", "-", stdin=manifests))
                    if text:
                        release.write(text)
                self.assertEqual(set(release.bundles().values()), {"second"})
                self.assertEqual(release.authority(), "second")
                self.assertNotIn("second", json.dumps(release.secret()["metadata"].get("annotations", {})))
                self.succeed(kubectl("delete", "-f", "-", stdin=manifests))

    def test_gives_the_bundles_back_to_helm_where_that_is_meant(self):
        release = Kept(self, "--server-side=true")
        release.helm("install")
        release.write("first")
        given = arguments(*SECRET, authority=AUTHORITY)
        upgrade = ("upgrade", release.name, CHART, "--namespace", OTHER, *given)
        self.assertIn("caBundle", helm(*upgrade).stderr)
        self.succeed(helm(*upgrade, "--force-conflicts"))
        self.assertEqual(set(release.bundles().values()), {AUTHORITY.read_text()})


class Kept:
    """A release whose caBundles and authority somebody else writes, as the program would."""

    def __init__(self, case, way):
        self.case, self.way = case, way
        # Of a name for each way, so that what one leaves behind when it fails is not in the other's way.
        self.name = "applied" if way.endswith("true") else "merged"
        case.addCleanup(self.uninstall)

    def helm(self, verb, *sets, **rest):
        words = (verb, self.name, CHART, "--namespace", OTHER, self.way, *arguments(*sets, **rest))
        self.case.succeed(helm(*words))

    def uninstall(self):
        self.case.uninstall(self.name, OTHER)

    def registration(self):
        return self.case.get("mutatingwebhookconfiguration", f"{self.name}-pod-identity-webhook.{OTHER}")

    def secret(self):
        return self.case.get("-n", OTHER, "secret", f"{self.name}-pod-identity-webhook-authority")

    def authority(self):
        return base64.b64decode(self.secret()["data"]["ca.crt"]).decode()

    def bundles(self):
        """What each entry trusts, None for nothing."""
        decoded = {}
        for entry in self.registration()["webhooks"]:
            bundle = entry["clientConfig"].get("caBundle")
            decoded[entry["name"]] = bundle and base64.b64decode(bundle).decode()
        return decoded

    def manifest(self, revision):
        words = ("get", "manifest", self.name, "--namespace", OTHER, "--revision", revision)
        return self.case.succeed(helm(*words))

    def write(self, text):
        """Updates both objects whole."""
        registration, secret = self.registration(), self.secret()
        for entry in registration["webhooks"]:
            entry["clientConfig"]["caBundle"] = base64.b64encode(text.encode()).decode()
        secret["data"] = {"ca.crt": base64.b64encode(text.encode()).decode()}
        # Not as `kubectl replace`, which writes down what it has replaced.
        registrations = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
        for one, place in ((registration, registrations), (secret, f"/api/v1/namespaces/{OTHER}/secrets")):
            path = f"{place}/{one['metadata']['name']}?fieldManager=pod-identity-webhook"
            self.case.succeed(kubectl("replace", f"--raw={path}", "-f", "-", stdin=json.dumps(one)))
