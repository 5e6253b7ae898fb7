"""docs/migration.md: every value that it names is there."""

import re
import unittest

import yaml

from chart import CHART, REPOSITORY

PAGE = (REPOSITORY / "docs" / "migration.md").read_text()


def paths(values, prefix=""):
    """Every path of the values, also those that are not leaves."""
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{key}.")


class Migration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.known = set(paths(yaml.safe_load((CHART / "values.yaml").read_text())))

    def test_leads_from_each_value_to_one_that_is_there_or_says_why_not(self):
        rows = PAGE.partition("\n| its value | value here | |\n")[2].splitlines()[1:]
        self.assertGreater(len(rows), 50)
        theirs = []
        for row in rows:
            old, new, why = (cell.strip() for cell in row.strip("|").split("|"))
            theirs += re.findall(r"`([^`]+)`", old)
            names = re.findall(r"`([^`]+)`", new)
            self.assertTrue(names or why, old)
            for name in names:
                self.assertTrue(name in self.known, f"{old}: no value {name}")
        self.assertEqual(len(theirs), len(set(theirs)))

    def test_names_values_elsewhere_that_are_there(self):
        text = PAGE.partition("\n| its value | value here | |\n")[0]
        groups = "injection|sources|server|log|service|serviceAccount|webhook|certificate"
        names = re.findall(rf"`((?:{groups})\.[A-Za-z.]+)`", text)
        self.assertGreater(len(names), 5)
        for name in names:
            self.assertTrue(name in self.known, f"no value {name}")


if __name__ == "__main__":
    unittest.main()
