"""Renders the chart with Helm, and answers questions about what came out. Used by the tests here.

Helm is $HELM or the one in PATH. Nothing here knows what the manifests should be.
"""

import os
import pathlib
import subprocess

import yaml

CHART = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = CHART.parent.parent
AUTHORITY = CHART / "tests" / "authority.txt"  # a certificate; its key was never kept
HELM = os.environ.get("HELM") or "helm"
CI = {path.name.removesuffix("-values.yaml"): path for path in sorted(CHART.glob("ci/*-values.yaml"))}
# The namespace that a set of values is meant for, where it matters.
NAMESPACES = {"kube-system": "kube-system"}


def helm(*arguments):
    return subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


# A certificate that users make themselves, and its authority.
SECRET = ("certificate.secretName=serving",)


def arguments(*sets, values=None, authority=None):
    """What `helm template`, `lint` and `install` take alike; `sets` are those of --set."""
    given = ["--values", CI[values]] if values else []
    given += ["--set-file", f"certificate.caBundle={authority}"] if authority else []
    for assignment in sets:
        # To --set, {} is a list of one empty text.
        given += ["--set-json" if assignment.endswith("=[]") else "--set", assignment]
    return given


# What every API server has that the chart is for, and `helm template` does not know of.
POLICIES = ("--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")


def template(*sets, release="webhook", namespace="eks", api_versions=POLICIES, hooks=False, **rest):
    """The rendered text, or an AssertionError with Helm's words; with `hooks`, what `helm test` makes is in it."""
    given = (*arguments(*sets, **rest), *api_versions, *([] if hooks else ["--skip-tests"]))
    result = helm("template", release, CHART, "--namespace", namespace, *given)
    assert result.returncode == 0, result.stderr
    return result.stdout


def notes(*sets, **rest):
    """What `helm install` tells whoever installs it."""
    result = helm("install", "webhook", CHART, "--dry-run=client", *arguments(*sets, **rest))
    assert result.returncode == 0, result.stderr
    return result.stdout.partition("\nNOTES:\n")[2]


def refusal(*sets, **rest):
    """What Helm says to values that it must not take."""
    result = helm("template", "webhook", CHART, *arguments(*sets, **rest))
    assert result.returncode != 0, f"helm took {sets}"
    return result.stderr


class Objects:
    """Objects of one release, by kind."""

    def __init__(self, objects):
        self.objects = objects

    def find(self, kind, namespace=None):
        """The first object of a kind, in any namespace or in this one; None without one."""
        found = (one for one in self.objects if one["kind"] == kind)
        return next((one for one in found if namespace in (None, one["metadata"].get("namespace"))), None)

    def kinds(self):
        return sorted(one["kind"] for one in self.objects)

    def __getattr__(self, kind):
        found = self.find(kind)
        assert found is not None, f"no {kind} in {self.kinds()}"
        return found


class Rendered(Objects):
    """What the chart makes of one release, but for the agent and the issuer's publisher: they are apart."""

    def __init__(self, *sets, **rest):
        self.text = template(*sets, **rest)
        made = [document for document in yaml.safe_load_all(self.text) if document]
        super().__init__([one for one in made if component(one) not in ("agent", "issuer")])
        self.agent = Agent([one for one in made if component(one) == "agent"])
        self.issuer = Issuer([one for one in made if component(one) == "issuer"])

    @property
    def pod(self):
        return self.Deployment["spec"]["template"]

    @property
    def container(self):
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def webhook(self):
        """The usual entry: pods are sent to it unless they or their namespace require an identity."""
        more = ("namespaces.", "own-namespace.", "pods.", "associations.")
        entries = self.MutatingWebhookConfiguration["webhooks"]
        (webhook,) = [one for one in entries if not one["name"].startswith(more)]
        return webhook

    @property
    def cluster_role(self):
        """The ClusterRole that the webhook has; others are for users to bind."""
        name = self.ClusterRoleBinding["roleRef"]["name"]
        (role,) = [one for one in self.objects if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", name)]
        return role

    def flags(self):
        """The program's arguments; the last of a name wins, as in the program."""
        return flags(self.container["args"])

    def port(self, name):
        """A port of the container by its name."""
        (port,) = [port["containerPort"] for port in self.container["ports"] if port["name"] == name]
        return port


class Agent(Objects):
    """The objects of the agent; none by default."""

    @property
    def pod(self):
        return self.DaemonSet["spec"]["template"]

    @property
    def container(self):
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def initialize(self):
        (container,) = self.pod["spec"]["initContainers"]
        return container

    def flags(self):
        """The arguments but for the command; of --issuer, which can be repeated, the last."""
        command, *arguments = self.container["args"]
        assert command == "agent", command
        return flags(arguments)


class Issuer(Objects):
    """The objects of the issuer's publisher; none by default."""

    @property
    def pod(self):
        return self.Deployment["spec"]["template"]

    @property
    def container(self):
        (container,) = self.pod["spec"]["containers"]
        return container


def component(one):
    return one["metadata"].get("labels", {}).get("app.kubernetes.io/component")


def flags(arguments):
    return dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments)


def selects(selector, labels):
    """Whether a label selector matches, by Kubernetes' rules."""
    verdicts = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    expressions = selector.get("matchExpressions") or []
    return equal and all(verdicts[one["operator"]](one["key"], one.get("values")) for one in expressions)
