"""Two releases of different annotation prefixes, which share the label that requires an identity."""

import re
import tempfile
import textwrap
import unittest

import yaml

from chart import CHART, helm, notes, selects

REGISTRATION = "templates/mutatingwebhookconfiguration.yaml"


class TwoPrefixes(unittest.TestCase):
    def test_leave_the_label_to_one_by_the_values_of_the_readme(self):
        section = (CHART / "README.md").read_text().partition("\n## Two of them\n")[2].partition("\n## ")[0]
        (values,) = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(textwrap.dedent(values))
            file.flush()
            made = helm("template", "b", CHART, "--values", file.name, "--show-only", REGISTRATION)
        (entry,) = yaml.safe_load(made.stdout)["webhooks"]
        self.assertFalse(selects(entry["objectSelector"], {"eks.amazonaws.com/require-identity": "true"}))
        self.assertTrue(selects(entry["objectSelector"], {}))

    def test_are_told_of_the_label(self):
        other = "injection.annotationPrefix=example.com"
        self.assertIn('"Two of them"', notes(other))
        for sets in ((), (other, "webhook.requiredIdentity=false")):
            self.assertNotIn('"Two of them"', notes(*sets))


if __name__ == "__main__":
    unittest.main()
