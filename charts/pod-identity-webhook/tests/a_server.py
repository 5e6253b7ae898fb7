"""The API server of the current context, for `make chart-server`: namespaces, definitions, releases. Nothing here is a test."""

import json
import os
import subprocess
import unittest

from chart import CHART, arguments, helm

KUBECTL = os.environ.get("KUBECTL") or "kubectl"
# Of a name of their own each time: the last ones may still be on their way out.
RESTRICTED = f"chart-test-{os.getpid()}-restricted"
OTHER = f"chart-test-{os.getpid()}-other"
# Whose pods must have an identity.
STRICT = f"chart-test-{os.getpid()}-strict"
MARK = f"of-{os.getpid()}"
REQUIRED = "eks.amazonaws.com/require-identity"
SKIP = "eks.amazonaws.com/skip-pod-identity-webhook"
KINDS = (
    "deployments,services,serviceaccounts,secrets,configmaps,poddisruptionbudgets,networkpolicies,"
    "roles,rolebindings,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,"
    "flowschemas,prioritylevelconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings"
)
# Their CRDs need not be there.
NO_MONITOR = "serviceMonitor.enabled=false,prometheusRule.enabled=false,agent.serviceMonitor.enabled=false"


def strings(*names):
    return {name: {"type": "string"} for name in names}


def closed(**properties):
    """A schema of an object that has these fields and no others."""
    return {"type": "object", "properties": properties}


ISSUER_REF = closed(**strings("group", "kind", "name"))
KEY = closed(**strings("algorithm", "encoding", "rotationPolicy"), size={"type": "integer"})
LIST = {"type": "array", "items": {"type": "string"}}
# Of cert-manager's resources what the chart may write, after https://cert-manager.io/docs/reference/api-docs/.
CERT_MANAGER = {
    "Issuer": closed(selfSigned=closed(), ca=closed(**strings("secretName"))),
    "Certificate": closed(
        **strings("secretName", "commonName", "duration", "renewBefore"),
        isCA={"type": "boolean"},
        dnsNames=LIST,
        usages=LIST,
        privateKey=KEY,
        issuerRef=ISSUER_REF,
    ),
}


def definition(kind, spec):
    plural = f"{kind.lower()}s"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": closed(spec=spec)}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.cert-manager.io"},
        "spec": {"group": "cert-manager.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }


def kubectl(*words, stdin=None):
    return subprocess.run([KUBECTL, *words], input=stdin, capture_output=True, text=True, timeout=120, check=False)


class Cluster(unittest.TestCase):
    """Two namespaces, and a third that requires identities, for as long as a class of tests runs."""

    @classmethod
    def setUpClass(cls):
        for name in (RESTRICTED, OTHER, STRICT):
            kubectl("create", "namespace", name)
        kubectl("label", "namespace", STRICT, f"{REQUIRED}=true")
        kubectl("label", "namespace", OTHER, STRICT, f"chart-test={MARK}")
        levels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        done = kubectl("label", "--overwrite", "namespace", RESTRICTED, *levels)
        assert done.returncode == 0, done.stderr
        cls.definitions = []
        for kind, spec in CERT_MANAGER.items():
            made = definition(kind, spec)
            # Those of a cert-manager that is there are better.
            if kubectl("create", "-f", "-", stdin=json.dumps(made)).returncode == 0:
                cls.definitions.append(made["metadata"]["name"])
        for name in cls.definitions:
            kubectl("wait", "--for=condition=established", "--timeout=30s", f"crd/{name}")

    @classmethod
    def tearDownClass(cls):
        if cls.definitions:
            kubectl("delete", "crd", *cls.definitions)
        kubectl("delete", "namespace", RESTRICTED, OTHER, STRICT, "--wait=false")

    def succeed(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

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
