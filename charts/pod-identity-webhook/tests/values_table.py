"""Makes the table of values in the chart's README of the comments in values.yaml: `make chart-docs`.

A comment that begins with `# --` describes the value below it. One above an object makes the object one row; other objects
have a row for each value in them. `enabled` without a comment takes that of its object.
"""

import re

import yaml

from chart import CHART

README = CHART / "README.md"
BEGIN, END = "<!-- The values, as `make chart-docs` writes them. -->\n", "<!-- End of the values. -->\n"
# Where a value's flag does not have its name.
FLAGS = {
    "certificate.clientCa.configMap": "client-ca-file",
    "injection.rolePolicy.configMap": "role-policy",
    "log.verbosity": "v",
    "server.shutdownDelaySeconds": "shutdown-delay",
    "sources.associationFile.configMap": "watch-container-credentials-config",
    "sources.associationResources.controllers": "watch-association-resources",
    "sources.associationResources.usePending": "use-pending-associations",
    "sources.configMap.enabled": "watch-config-map",
    "sources.eksApi.enabled": "watch-eks-api",
}
# The same of the agent's.
AGENT_FLAGS = {
    "agent.associations": "watch-association-resources",
    "agent.cache.renewalsPerSecond": "max-service-qps",
    "agent.cache.retention": "max-credential-retention-before-renewal",
    "agent.cache.size": "max-cache-size",
    "agent.issuers": "issuer",
}


def lines():
    """(path, plain comment, comment that begins with --) of each key in values.yaml, in its order."""
    path, plain, described = [], [], None
    for line in (CHART / "values.yaml").read_text().splitlines():
        comment = re.fullmatch(r" *# ?(.*)", line)
        key = re.match(r"( *)([\w./-]+):( |$)", line)
        if comment and comment[1].startswith("-- "):
            described = [comment[1].removeprefix("-- ")]
        elif comment:
            (plain if described is None else described).append(comment[1].strip())
        elif key:
            path = [*path[: len(key[1]) // 2], key[2]]
            yield tuple(path), " ".join(plain), described and " ".join(described)
        if not comment:
            plain, described = [], None


def rows():
    """(path, default, description) of each row."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    whole, texts = (), {}
    for path, plain, described in lines():
        if whole and path[: len(whole)] == whole:
            continue
        value = values
        for key in path:
            value = value[key]
        if isinstance(value, dict) and value and described is None:
            texts[path] = plain
            continue
        whole = path
        text = described or (texts.get(path[:-1]) if path[-1] == "enabled" else "") or ""
        default = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).removesuffix("...\n").strip()
        yield ".".join(path), default.replace("''", '""'), text


def flags(file="_args.tpl"):
    """Flags that a template passes: to the webhook, or agent/_args.tpl to the agent."""
    return set(re.findall(r"--([a-z-]+)=", (CHART / "templates" / file).read_text()))


def flag(path):
    """The flag that a value becomes, by its name or by that of its object and itself; None without one."""
    if path in FLAGS | AGENT_FLAGS:
        return (FLAGS | AGENT_FLAGS)[path]
    group, *keys = path.split(".")
    if group == "agent":
        name = "-".join(hyphenated(key) for key in keys)
        return name if name in flags("agent/_args.tpl") else None
    if group not in ("certificate", "injection", "log", "server", "sources"):
        return None
    words = [hyphenated(key) for key in (group, *keys)]
    names = ["-".join(words[start:]) for start in range(len(words))]
    return next((name for name in names if name in flags()), None)


def hyphenated(key):
    return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", key)


def table():
    made = ["| value | default | |", "|---|---|---|"]
    for path, default, text in rows():
        name = flag(path)
        name = f"agent --{name}" if name and path.startswith("agent.") else name and f"--{name}"
        text = " ".join(filter(None, (text.replace("|", r"\|"), name and f"`{name}`")))
        made.append(f"| `{path}` | `{default}` | {text} |")
    return "\n".join(made) + "\n"


def text():
    """The README with the table as it should be."""
    before, rest = README.read_text().split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(text())
