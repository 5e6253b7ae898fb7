"""Asks every SDK in every row's environment and prints the table. Started by `run`, in its network."""

import datetime
import os
import re
import string
import sys

import stand_ins
from drivers import HERE, JAVA, RUN, SDKS, ask
from rows import EXPECTED, PAIRS, ROWS

DOCUMENT = HERE.parent.parent / "docs/sdks.md"
BEGIN = "<!-- From here on written by `UPDATE=1 make sdks`. -->\n\n"
TITLES = {
    "Pod Identity": "Under Pod Identity",
    "IRSA": "Under IRSA",
    "neither": "With neither pair, half a pair, or an empty one",
}


def main():
    only = os.environ.get("ONLY", "")
    seen = stand_ins.start(RUN)
    table = Table()
    for row in ROWS:
        if only.lower() in row.label.lower():
            for method in row.methods:
                table.add(method, row, [ask(sdk, method, row, seen) for sdk in SDKS])
    print(table.markdown())
    return 0 if only else compare(table.markdown())


class Table:
    """Rows by method, and each SDK's errors in the order in which they came."""

    def __init__(self):
        self.rows = {method: [] for method in PAIRS}
        self.errors = {sdk.name: [] for sdk in SDKS}

    def add(self, method, row, answers):
        cells = [self.cell(method, sdk, answer) for sdk, answer in zip(SDKS, answers)]
        self.rows[method].append(line([row.label, *cells]))
        if sys.stderr.isatty():
            print(f"{method}: {row.label}", file=sys.stderr)

    def cell(self, method, sdk, answer):
        text = f"fails {self.letter(sdk, answer.text)}" if answer.failed else answer.text
        if text != EXPECTED.get(method, text):
            text = f"**{text}**"
        return ", ".join([text, *answer.notes])

    def letter(self, sdk, error):
        errors = self.errors[sdk.name]
        if error not in errors:
            errors.append(error)
        return string.ascii_letters[errors.index(error)]

    def markdown(self):
        parts = [f"Seen on {datetime.date.today()}."]
        head = [line(["", *(sdk.title for sdk in SDKS)]), line(["---"] * (len(SDKS) + 1))]
        for method, rows in self.rows.items():
            parts.append("\n".join([f"### {TITLES[method]}\n", *head, *rows]))
        parts.append("\n".join(["### The errors\n", line(["", "", "the error, on one line"]), line(["---"] * 3)] + [
            line([name, letter, f"`{markdown_safe(error)}`"])
            for name, errors in self.errors.items()
            for letter, error in zip(string.ascii_letters, errors)
        ]))
        return "\n\n".join(parts) + "\n"


def markdown_safe(error):
    """The error as it can stand between backticks in a table's cell."""
    return error.replace("|", "/").replace("`", "'")


def line(cells):
    return "| " + " | ".join(cells) + " |"


def compare(text):
    """Whether the document has this table; with UPDATE it gets it. The date may differ."""
    head, _, committed = DOCUMENT.read_text().partition(BEGIN)
    if os.environ.get("UPDATE"):
        if JAVA not in SDKS:
            sys.exit("the table is not written without Java: install Maven")
        DOCUMENT.write_text(head + BEGIN + text)
        return 0
    if JAVA not in SDKS:
        print("Java was not asked, for want of Maven, and its column is not compared", file=sys.stderr)
        committed = without(JAVA, committed)
    undated = [re.sub(r"\d{4}-\d\d-\d\d", "", table) for table in (committed, text)]
    if undated[0] == undated[1]:
        return 0
    print("docs/sdks.md differs (< docs/sdks.md, > seen now); UPDATE=1 rewrites it:", file=sys.stderr)
    before, now = (table.splitlines() for table in (committed, text))
    print(*(f"< {line}" for line in before if line not in now), sep="\n", file=sys.stderr)
    print(*(f"> {line}" for line in now if line not in before), sep="\n", file=sys.stderr)
    return 1


def without(sdk, markdown):
    """The table as it would be without the SDK, which has the last column and the last errors."""
    lines = [text for text in markdown.splitlines() if not text.startswith(f"| {sdk.name} |")]
    columns = len(SDKS) + 2
    lines = [text.rsplit(" | ", 1)[0] + " |" if text.count(" | ") == columns - 1 else text for text in lines]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
