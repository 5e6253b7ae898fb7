"""The README's rules for Argo CD and Flux leave alone what the program writes, and nothing else."""

import copy
import re
import unittest

import yaml

from chart import CHART, Rendered

NAME, NAMESPACE = "pod-identity-webhook", "eks"


class IgnoreRules(unittest.TestCase):
    """What is in the cluster differs from the chart in some fields: each rule must select these alone."""

    @classmethod
    def setUpClass(cls):
        cls.release = Rendered(release=NAME, namespace=NAMESPACE)
        cls.live = copy.deepcopy(cls.release.objects)
        cls.written = set()
        for one in cls.live:
            for number, entry in enumerate(one.get("webhooks", ())):
                entry["clientConfig"]["caBundle"] = f"bundle {number}"
                cls.written.add((one["kind"], ("webhooks", number, "clientConfig", "caBundle")))
            if one["kind"] == "Secret":
                one["data"] = {"tls.crt": "x", "tls.key": "y"}
                cls.written.add((one["kind"], ("data",)))

    def test_are_about_something(self):
        self.assertEqual(len(self.written), 5)

    def test_of_argo_cd_select_what_the_program_writes(self):
        spec = snippet("Argo CD")["spec"]
        selected = set()
        for rule in spec["ignoreDifferences"]:
            one = self.named(rule["kind"], rule["name"], rule.get("namespace"))
            self.assertEqual(rule.get("group", ""), one["apiVersion"].rpartition("/")[0])
            paths = [match for path in rule.get("jqPathExpressions", ()) for match in jq_paths(one, path)]
            paths += [pointer(path) for path in rule.get("jsonPointers", ())]
            selected |= {(one["kind"], path) for path in paths if reaches(one, path)}
        self.assertEqual(selected, self.written)
        self.assertIn("RespectIgnoreDifferences=true", spec["syncPolicy"]["syncOptions"])

    def test_of_flux_select_what_the_program_writes(self):
        drift = snippet("Flux")["spec"]["driftDetection"]
        self.assertEqual(drift["mode"], "enabled")
        selected = set()
        for rule in drift["ignore"]:
            one = self.named(rule["target"]["kind"], rule["target"]["name"])
            selected |= {(one["kind"], path) for path in map(pointer, rule["paths"]) if reaches(one, path)}
        self.assertEqual(selected, self.written)

    def named(self, kind, name, namespace=None):
        (found,) = [one for one in self.live if (one["kind"], one["metadata"]["name"]) == (kind, name)]
        self.assertIn(namespace, (None, found["metadata"].get("namespace")))
        return found


def snippet(title):
    """The README's block of YAML whose first line is this comment."""
    found = re.findall(rf"```yaml\n# {title}\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    (text,) = found
    return yaml.safe_load(text)


def pointer(text):
    """The path of a JSON pointer, RFC 6901."""
    keys = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    return tuple(int(key) if key.isdigit() else key for key in keys)


def jq_paths(value, expression):
    """The paths that a path expression of jq selects; of its language `.key` and `[]`, the only ones in use."""
    steps = re.findall(r"\.([A-Za-z]+)|(\[\])", expression)
    assert "".join(f".{key}" if key else each for key, each in steps) == expression, expression
    paths = [()]
    for key, each in steps:
        if each:
            paths = [(*path, number) for path in paths for number in range(len(at(value, path)))]
        else:
            paths = [(*path, key) for path in paths]
    return paths


def at(value, path):
    for step in path:
        value = value[step]
    return value


def reaches(value, path):
    try:
        at(value, path)
    except (KeyError, IndexError):
        return False
    return True


if __name__ == "__main__":
    unittest.main()
