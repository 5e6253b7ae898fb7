"""What docs/reference.md says of metrics, what PromQL asks of them, and promtool. Used by the tests and generators here."""

import os
import re
import subprocess

from chart import REPOSITORY

# What others export, and what of it is used here.
FOREIGN = {
    # The API server's.
    "apiserver_admission_webhook_admission_duration_seconds": {"name", "type", "operation", "rejected"},
    "apiserver_admission_webhook_fail_open_count": {"name", "type"},
    "apiserver_admission_webhook_rejection_count": {"name", "type", "operation", "error_type", "rejection_code"},
    "apiserver_admission_webhook_request_total": {"name", "type", "operation", "code", "rejected"},
    # Those of kube-state-metrics.
    "kube_deployment_status_replicas_available": {"namespace", "deployment"},
    "kube_daemonset_status_desired_number_scheduled": {"namespace", "daemonset"},
    "kube_daemonset_status_number_available": {"namespace", "daemonset"},
}
# What `process_*` stands for, on Linux.
PROCESS = ("cpu_seconds_total", "max_fds", "open_fds", "resident_memory_bytes", "start_time_seconds", "threads", "virtual_memory_bytes")
# What Prometheus and its operator add.
TARGET = {"namespace", "job", "pod", "instance", "le"}
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "time"}


def rows(heading, page="reference"):
    """The rows of the table of docs/reference.md that begins with this heading, as lists of two cells."""
    text = (REPOSITORY / "docs" / f"{page}.md").read_text()
    found = text.partition(f"\n| {heading} | |\n")[2].split("\n\n")[0].splitlines()[1:]
    assert found, f"docs/{page}.md has no table of {heading}s"
    return [row.removeprefix("| ").removesuffix("|").strip().split(" | ", 1) for row in found]


def described(page="reference"):
    """(name, labels, text) of each metric in docs/reference.md."""
    for cell, *text in rows("metric", page):
        for name, labels in re.findall(r"`([\w…*]+)(?:\{([\w,]+)\})?`", cell):
            names = [f"process_{rest}" for rest in PROCESS] if name == "process_*" else [name]
            for one in names:
                yield one.replace("…", "pod_identity_webhook"), set(labels.split(",")) - {""}, "".join(text).removesuffix("|").strip()


def table():
    """The metrics of docs/reference.md, with the names of their labels."""
    found = {}
    for name, labels, _ in described():
        assert name not in found, f"docs/reference.md has {name} twice"
        found[name] = labels
    return found


def agents_table():
    """The same of what the agent exports: its own, those that it shares with the webhook, and what Prometheus says of it."""
    own = {name: labels for name, labels, _ in described("pod-identity-anywhere")}
    shared = {name: labels for name, labels in table().items() if "_source_" in name or "_connections" in name}
    return own | shared | {"up": {"node"}}


def meanings():
    """What docs/reference.md says of each metric."""
    return {name: re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text) for name, _, text in described()}


def outcomes():
    """The outcomes of docs/reference.md."""
    return {name for cell, *_ in rows("outcome") for name in re.findall(r"`(\w+)`", cell)}


def family(name, known):
    """The family of a series, which for a histogram is shorter; None if it is not known."""
    return next((one for one in (name, re.sub("_(bucket|count|sum)$", "", name)) if one in known), None)


def used(expr):
    """The names of series in an expression, each with its matchers: {label: value}."""
    # Texts are taken out first, for they may hold anything.
    texts = []
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda text: f"#{texts.append(text.group()[1:-1]) or len(texts) - 1}", expr)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    found = []
    for name, selector, call in re.findall(r"(?<![\w.#$])([a-zA-Z_:][\w:]*)\s*(\{[^{}]*\})?\s*(\()?", bare):
        if not call and name not in WORDS:
            matchers = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*#(\d+)", selector)
            found.append((name, {label: texts[int(number)] for label, number in matchers}))
    return found


def complaints(expr, known):
    """What is wrong with the metrics and labels that an expression names."""
    for name, matchers in used(expr):
        base = family(name, known)
        if base is None:
            yield f"{name} is not in docs/reference.md"
            continue
        for label, value in matchers.items():
            if label not in known[base] | TARGET:
                yield f"{name} has no label {label}"
            if label == "outcome":
                yield from (f"no outcome {one}" for one in value.split("|") if one not in outcomes())


def promtool(*arguments, **rest):
    """Its result, or an AssertionError that says where to get it."""
    tool = os.environ.get("PROMTOOL") or "promtool"
    try:
        return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, **rest)
    except FileNotFoundError:
        raise AssertionError(
            f"missing: {tool}, which checks the alerts; install with: make cluster-deps "
            "(Debian: apt-get install --no-install-recommends prometheus), or take it from a release of Prometheus: PROMTOOL=PATH"
        ) from None
