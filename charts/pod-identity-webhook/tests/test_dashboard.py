"""The dashboard: that it is what its generator makes, and that Prometheus takes what its panels ask."""

import json
import pathlib
import re
import tempfile
import unittest

import yaml

import dashboard
from chart import Rendered
from metrics import promtool

# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "5m", "$namespace": "eks", "$job": "webhook", "$webhook": "iam[.].*"}


def panels():
    return [panel for panel in json.loads(dashboard.FILE.read_text())["panels"] if panel["type"] != "row"]


class TheFile(unittest.TestCase):
    def test_is_what_its_generator_makes(self):
        self.assertEqual(dashboard.FILE.read_text(), dashboard.text(), "stale: run `make chart-docs`")

    def test_asks_what_prometheus_takes(self):
        rules = []
        for panel in panels():
            for target in panel["targets"]:
                expr = target["expr"]
                for variable, value in VARIABLES.items():
                    expr = expr.replace(variable, value)
                self.assertNotIn("$", expr)
                rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": expr})
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "rules.yaml")
            file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
            result = promtool("check", "rules", file)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"{len(rules)} rules found", result.stdout + result.stderr)

    def test_names_in_its_legends_labels_that_its_expressions_keep(self):
        for panel in panels():
            for target in panel["targets"]:
                kept = {label.strip() for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in by.split(",")}
                self.assertLessEqual(set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])), kept, panel["title"])

    def test_lays_no_panel_over_another(self):
        taken = set()
        for panel in json.loads(dashboard.FILE.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells


class TheGenerator(unittest.TestCase):
    def refused(self, **rest):
        with self.assertRaises(AssertionError) as caught:
            dashboard.make(**rest)
        return str(caught.exception)

    def test_refuses_a_metric_that_is_not_documented(self):
        panel = ("Lost", "short", "lines", [("rate(pod_identity_webhook_lost_total[5m])", "")])
        self.assertIn("Lost: pod_identity_webhook_lost_total is not", self.refused(panels=[*dashboard.PANELS, panel]))

    def test_refuses_to_leave_out_a_metric_without_a_reason(self):
        rest = [panel for panel in dashboard.PANELS if panel[0] != "Open connections"]
        self.assertIn("no panel shows pod_identity_webhook_connections:", self.refused(panels=rest))

    def test_refuses_a_reason_for_what_is_shown_or_not_there(self):
        for name in ("pod_identity_webhook_connections", "pod_identity_webhook_lost_total"):
            self.assertIn(name, self.refused(left_out=dashboard.LEFT_OUT | {name: "why"}))


class ConfigMap(unittest.TestCase):
    ON = "dashboard.enabled=true"

    def test_is_there_only_if_it_is_asked_for(self):
        self.assertIsNone(Rendered().find("ConfigMap"))

    def test_holds_the_file_where_a_sidecar_finds_it(self):
        config_map = Rendered(self.ON).ConfigMap
        self.assertEqual(json.loads(config_map["data"]["pod-identity-webhook.json"]), dashboard.make())
        self.assertEqual(config_map["metadata"]["labels"]["grafana_dashboard"], "1")
        self.assertEqual(config_map["metadata"]["namespace"], "eks")
        self.assertNotIn("annotations", config_map["metadata"])

    def test_is_made_for_other_sidecars(self):
        labels = "dashboard.labels.grafana_dashboard=null,dashboard.labels.dashboards=yes"
        sets = (self.ON, labels, "dashboard.annotations.grafana_folder=AWS,dashboard.namespace=monitoring")
        metadata = Rendered(*sets).ConfigMap["metadata"]
        self.assertEqual(metadata["labels"]["dashboards"], "yes")
        self.assertNotIn("grafana_dashboard", metadata["labels"])
        self.assertEqual(metadata["annotations"], {"grafana_folder": "AWS"})
        self.assertEqual((metadata["namespace"], metadata["name"]), ("monitoring", "eks-webhook-pod-identity-webhook-dashboard"))
        other = Rendered(*sets, namespace="other").ConfigMap["metadata"]
        self.assertNotEqual(other["name"], metadata["name"])


if __name__ == "__main__":
    unittest.main()
