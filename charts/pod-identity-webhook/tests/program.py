"""What the program's source says about it: no build is needed for the chart's tests. Nothing here is a test."""

import re

from chart import REPOSITORY


def flags():
    """Long flags of a server, read from its source."""
    files = (file for folder in ("cli", "webhook") for file in (REPOSITORY / "src" / folder).rglob("*.rs"))
    text = "".join(file.read_text() for file in files)
    found = {"v"}
    # Of klog's flags only that one has an effect.
    for struct, body in re.findall(r"pub struct (\w+Args) \{\n(.*?)\n\}", text, re.DOTALL):
        # Commands on users' machines find their cluster by flags of their own.
        if struct in ("KlogArgs", "UserClusterArgs"):
            continue
        # Structs in structs have no flag of their own.
        body = body.replace("#[command(flatten)]\n    pub ", "")
        fields = [line.strip() for line in body.splitlines() if line.strip().startswith("pub ")]
        found |= {field.removeprefix("pub ").split(":")[0].replace("_", "-") for field in fields}
    return found


def agent_flags():
    """(long flags of the agent, those of its command that the init container runs)"""
    folder = REPOSITORY / "src" / "agent"
    text = "".join(file.read_text() for file in sorted(folder.rglob("*.rs")))
    structs = dict(re.findall(r"pub struct (\w+Args) \{\n(.*?)\n\}", text, re.DOTALL))
    serve = set(named(structs.pop("ServeArgs")))
    for file, struct in (("kubernetes", "KubernetesArgs"), ("log", "LogArgs")):
        text = (REPOSITORY / "src" / "cli" / f"{file}.rs").read_text()
        serve |= set(named(re.search(rf"pub struct {struct} \{{\n(.*?)\n\}}", text, re.DOTALL)[1]))
    others = {flag for body in structs.values() for flag in named(body)}
    return serve, others


def publish_flags():
    """Long flags of `issuer publish` that a pod may have."""
    text = (REPOSITORY / "src" / "issuer" / "publish" / "args.rs").read_text()
    text += (REPOSITORY / "src" / "cli" / "log.rs").read_text()
    return {flag for body in re.findall(r"pub struct \w+Args \{\n(.*?)\n\}", text, re.DOTALL) for flag in named(body)}


def named(body):
    """The flags of a struct, each by the name of its field or by the one that it says."""
    attributes = ""
    for line in body.splitlines():
        if field := re.match(r"    pub (\w+):", line):
            if "long" in attributes:
                said = re.search(r'long = "([^"]+)"', attributes)
                yield said[1] if said else field[1].replace("_", "-")
            attributes = ""
        elif not line.lstrip().startswith("///"):
            attributes += line
