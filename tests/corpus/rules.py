"""What `inject` has to make of a manifest, by docs/reference.md alone: none of the product's code is used here.

`expected` adds to a parsed manifest what the page promises; whatever else differs in the product's output is wrong.
"""

import copy
import dataclasses
import posixpath

PREFIX = "eks.amazonaws.com/"
# API group and kind, and where in the object the pod is.
PODS = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}


@dataclasses.dataclass(frozen=True)
class Method:
    """One column of the reference's first table."""

    pair: tuple
    volume: str
    path: str
    token: str
    audience: str


IRSA = Method(
    pair=("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    volume="aws-iam-token",
    path="/var/run/secrets/eks.amazonaws.com/serviceaccount",
    token="token",
    audience="sts.amazonaws.com",
)
POD_IDENTITY = Method(
    pair=("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    volume="eks-pod-identity-token",
    path="/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
    token="eks-pod-identity-token",
    audience="pods.eks.amazonaws.com",
)
AGENT = "http://169.254.170.23/v1/credentials"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How all accounts get their identity, and the flags that decide what comes with it."""

    method: Method
    role: str = ""
    region: str = ""
    regional_sts: bool = False
    lifetime: str = "86400"


@dataclasses.dataclass(frozen=True)
class Workload:
    """An object that makes pods; `pod` is the part of it that is a pod, or `None` if it lacks that."""

    kind: str
    namespace: str
    name: str
    pod: dict

    @property
    def account(self):
        spec = self.pod.get("spec") or {}
        return self.namespace, spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"

    def __str__(self):
        return f"{self.kind} {self.namespace}/{self.name}"


def objects(value, version="", kind=""):
    """The objects of a document: itself, or the items of a list, which may leave out what the list says."""
    if not isinstance(value, dict):
        return
    version, kind = text(value.get("apiVersion")) or version, text(value.get("kind")) or kind
    if not kind.endswith("List"):
        yield version, kind, value
        return
    for item in value.get("items") or []:
        yield from objects(item, version, kind.removesuffix("List"))


def workloads(documents):
    for document in documents:
        for version, kind, value in objects(document):
            group = version.split("/")[0] if "/" in version else ""
            if (group, kind) not in PODS:
                continue
            pod = value
            for field in PODS[group, kind]:
                pod = pod.get(field) if isinstance(pod, dict) else None
            if isinstance(pod, dict):
                metadata = value.get("metadata") or {}
                name = text(metadata.get("name")) or text(metadata.get("generateName")) or "(no name)"
                yield Workload(kind, text(metadata.get("namespace")) or "default", name, pod)


def text(value):
    return value if isinstance(value, str) else ""


def expected(documents, settings):
    """The documents with what is to be added to them."""
    documents = copy.deepcopy(documents)
    accounts = annotations(documents)
    for workload in workloads(documents):
        give(workload.pod, settings, accounts.get(workload.account, {}))
    return documents


def annotations(documents):
    """The annotations of the ServiceAccounts that the input itself has."""
    found = {}
    for document in documents:
        for version, kind, value in objects(document):
            if (version, kind) == ("v1", "ServiceAccount"):
                metadata = value.get("metadata") or {}
                key = text(metadata.get("namespace")) or "default", metadata.get("name")
                found[key] = metadata.get("annotations") or {}
    return found


def give(pod, settings, account):
    metadata, method = pod.get("metadata") or {}, settings.method
    own, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    if "kubernetes.io/config.mirror" in own or f"{PREFIX}skip-pod-identity-webhook" in labels:
        return
    spec = pod["spec"] = pod.get("spec") or {}
    audience = method.audience
    if method == IRSA:
        audience = account.get(f"{PREFIX}audience") or audience
    volume, token = token_volume(spec, audience) or (free(method.volume, names(spec.get("volumes"), "name")), None)
    if token is None:
        token = method.token
        lifetime = own.get(f"{PREFIX}token-expiration") or account.get(f"{PREFIX}token-expiration") or settings.lifetime
        source = {"serviceAccountToken": {"audience": audience, "expirationSeconds": lifetime, "path": token}}
        append(spec, "volumes", {"name": volume, "projected": {"sources": [source]}})
    if method == POD_IDENTITY:
        metadata = pod["metadata"] = pod.get("metadata") or {}
        metadata["labels"] = {**labels, f"{PREFIX}pod-identity": "enabled"}
    only, skipped = listed(own, "inject-containers"), listed(own, "skip-containers") or ()
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        name = container.get("name", "")
        if name not in skipped and (only is None or name in only):
            equip(container, settings, account, volume, token, is_windows(spec))


def equip(container, settings, account, volume, token, windows):
    """Variables and mount of one container, in the order of the reference."""
    method, added = settings.method, []
    has = names(container.get("env"), "name")
    regional = account.get(f"{PREFIX}sts-regional-endpoints")
    regional = settings.regional_sts if regional is None else regional == "true"
    wants_sts = regional and "AWS_STS_REGIONAL_ENDPOINTS" not in has
    has_region = has & {"AWS_DEFAULT_REGION", "AWS_REGION"}
    has_pair = has & set(method.pair)
    if wants_sts:
        added.append(("AWS_STS_REGIONAL_ENDPOINTS", "regional"))
    if settings.region and not has_region:
        added += [("AWS_DEFAULT_REGION", settings.region), ("AWS_REGION", settings.region)]
    if not (has_pair and has_region and "AWS_STS_REGIONAL_ENDPOINTS" in has):
        mounts = container.get("volumeMounts") or []
        there = [mount["mountPath"] for mount in mounts if mount.get("name") == volume and not is_part(mount)]
        path = there[0] if there else free(method.path, {posixpath.normpath(text(mount.get("mountPath"))) for mount in mounts})
        if not there:
            append(container, "volumeMounts", {"name": volume, "readOnly": "true", "mountPath": path})
        if not has_pair:
            file = posixpath.join(path, token)
            file = "C:" + file.replace("/", "\\") if windows else file
            first = (account.get(f"{PREFIX}role-arn") or settings.role) if method == IRSA else AGENT
            added += zip(method.pair, (first, file))
    for name, value in added:
        append(container, "env", {"name": name, "value": value})


def token_volume(spec, audience):
    """A projected token of this audience that the pod has already: the volume's name and the token's path."""
    found = []
    for volume in spec.get("volumes") or []:
        for source in (volume.get("projected") or {}).get("sources") or []:
            token = source.get("serviceAccountToken") or {}
            if token.get("audience") == audience:
                found.append((volume["name"], token.get("path", "")))
    return found[0] if found else None


def is_part(mount):
    return bool(mount.get("subPath") or mount.get("subPathExpr"))


def is_windows(spec):
    if (spec.get("os") or {}).get("name") == "windows":
        return True
    if (spec.get("nodeSelector") or {}).get("kubernetes.io/os") == "windows":
        return True
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    terms = [term.get("matchExpressions") or [] for term in (affinity or {}).get("nodeSelectorTerms") or []]
    wanted = {"key": "kubernetes.io/os", "operator": "In", "values": ["windows"]}
    return bool(terms) and all(wanted in expressions for expressions in terms)


def listed(annotations, name):
    value = annotations.get(PREFIX + name)
    return None if value is None else {word.strip() for word in value.split(",")}


def names(items, field):
    return {item.get(field) for item in items or [] if isinstance(item, dict)}


def free(wanted, taken):
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def append(owner, field, item):
    owner[field] = [*(owner.get(field) or []), item]
