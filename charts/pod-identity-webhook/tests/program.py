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
