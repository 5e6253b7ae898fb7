"""The table of values in the chart's README: that it is what values.yaml says, and that nothing is missing in it."""

import unittest

import yaml

import values_table
from chart import CHART

# Flags of the agent that the chart decides about, and those whose value is the webhook's too.
NO_AGENT_VALUE = {"log-format", "role-policy", "role-policy-mode", "watch-container-credentials-config"}
# Flags that the chart decides about, now or once certificates are kept in the cluster.
NO_VALUE = {"in-cluster", "tls-cert", "tls-key", "namespace", "certificates", "service-name", "tls-secret", "webhook-configuration"}


class TheTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = {path: (default, text) for path, default, text in values_table.rows()}

    def test_is_what_values_yaml_says(self):
        self.assertEqual(values_table.README.read_text(), values_table.text(), "stale: run `make chart-docs`")

    def test_has_every_value(self):
        for path in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
            of = [row for row in self.rows if f"{path}.".startswith(f"{row}.")]
            self.assertEqual(len(of), 1, path)

    def test_has_defaults_that_are_those_of_values_yaml(self):
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        for path, (default, _) in self.rows.items():
            expected = values
            (path_of_keys, selector, label) = path.partition("nodeSelector.")
            keys = [*path_of_keys.split(".")[:-1], "nodeSelector", label] if selector else path.split(".")
            for key in keys:
                expected = expected[key]
            self.assertEqual(yaml.safe_load(default), expected, path)

    def test_takes_comments_from_above_the_value(self):
        self.assertEqual(self.rows["image.tag"], ('""', "Default: the chart's appVersion."))
        # Of two lines; and of a comment within an object that is one row.
        self.assertTrue(self.rows["image.digest"][1].startswith("sha256:…, which pins"))
        self.assertTrue(self.rows["podSecurityContext"][1].startswith("Meets Pod Security"))
        self.assertEqual(self.rows["tolerations"], ("[]", ""))
        self.assertTrue(self.rows["serviceMonitor.enabled"][1].startswith("A ServiceMonitor for"))

    def test_names_the_flag_of_each_value(self):
        named = [values_table.flag(path) for path in self.rows if not path.startswith("agent.")]
        named = [flag for flag in named if flag]
        self.assertEqual(len(named), len(set(named)))
        self.assertEqual(values_table.flags() - set(named) - NO_VALUE, set())
        self.assertLessEqual(set(named), values_table.flags())
        self.assertLessEqual(set(values_table.FLAGS), set(self.rows))
        expected = {"injection.tokenAudience": "token-audience", "injection.containerCredentials.audience": "container-credentials-audience"}
        for path, flag in {**expected, "server.port": "port", "service.port": None, "image.tag": None}.items():
            self.assertEqual(values_table.flag(path), flag)

    def test_names_the_flag_of_each_value_of_the_agent(self):
        named = [values_table.flag(path) for path in self.rows if path.startswith("agent.")]
        named = [flag for flag in named if flag]
        self.assertEqual(len(named), len(set(named)))
        self.assertEqual(set(named) | NO_AGENT_VALUE, values_table.flags("agent/_args.tpl"))
        self.assertLessEqual(set(values_table.AGENT_FLAGS), set(self.rows))
        self.assertIn("`agent --probe-port`", values_table.table())


def leaves(values, prefix=""):
    """Paths of the values; lists and empty objects are leaves."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


if __name__ == "__main__":
    unittest.main()
