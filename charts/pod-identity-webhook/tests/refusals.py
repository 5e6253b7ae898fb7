"""The table of docs/associations.md of what the API server refuses. Nothing here is a test: test_associations.py compares
it with the definition, associations_on_a_server.py with what an API server says.
"""

import re

import yaml

from chart import REPOSITORY

PAGE = REPOSITORY / "docs" / "associations.md"
HEADING = "## What the API server refuses\n"
DEFINITION = "files/podidentityassociations.yaml"


def rows():
    """(what is wrong, spec, message) of each row."""
    (_, section) = PAGE.read_text().split(HEADING)
    for line in section.partition("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith("| what is wrong"):
            wrong, spec, message = re.fullmatch(r"\| ([^|]+) \| `([^`|]+)` \| `([^`|]+)` \|", line).groups()
            yield wrong, yaml.safe_load(expanded(spec)), message


def expanded(text):
    """p×3 becomes ppp, and t1…t3: x three keys with that value, as the page says of them."""
    text = re.sub(r"(.)×(\d+)", lambda found: found[1] * int(found[2]), text)

    def keys(found):
        name, first, last, value = found.groups()
        return ", ".join(f"{name}{number}: {value}" for number in range(int(first), int(last) + 1))

    return re.sub(r"([a-z]+)(\d+)…\1(\d+): (\w+)", keys, text)
