"""The alerts: that they fire when they should, in promtool, and that each can be looked up."""

import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

from chart import CHART, REPOSITORY, Rendered, refusal
from metrics import FOREIGN, agents_table, complaints, promtool, table, used

URL = "https://git.example.com/docs/alerts.md"
ON = f"prometheusRule.enabled=true,prometheusRule.runbookUrl={URL}"
AGENT = "agent.enabled=true,agent.clusterName=prod,associations.enabled=true"
CASES = sorted(CHART.glob("tests/alerts_*.test.yaml"))
PARTS = ("What it means", "How to look", "How to fix it", "When to ignore it")


def spec(*sets, **rest):
    """The rules of a release: those on the webhook, then those on the agent, if there is one."""
    made = Rendered(ON, *sets, **rest)
    agents = made.agent.find("PrometheusRule")
    return {"groups": made.PrometheusRule["spec"]["groups"] + (agents["spec"]["groups"] if agents else [])}


def by_name(*sets):
    """The alerts of a release, by their names."""
    return {rule["alert"]: rule for group in spec(*sets)["groups"] for rule in group["rules"] if "alert" in rule}


def source():
    """The alerts as the chart has them."""
    files = (yaml.safe_load((CHART / name).read_text()) for name in ("alerts.yaml", "agent-alerts.yaml"))
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def sections():
    """The sections of docs/alerts.md, by their headings."""
    parts = (REPOSITORY / "docs" / "alerts.md").read_text().split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = by_name(AGENT)

    def run_promtool(self, rules, *words, more=()):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "rules.yaml").write_text(yaml.safe_dump(rules))
            for file in more:
                shutil.copy(file, folder)
            result = promtool(*words, cwd=folder)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_are_rules_that_prometheus_takes(self):
        self.run_promtool(spec(AGENT), "check", "rules", "rules.yaml")
        self.run_promtool(Rendered(values="everything").PrometheusRule["spec"], "check", "rules", "rules.yaml")

    def test_fire_and_are_silent_as_their_cases_say(self):
        rules = spec(AGENT)
        for group in rules["groups"]:
            for rule in group["rules"]:
                # promtool compares all of them: descriptions need not be in the cases, for they are the same each time.
                rule["annotations"] = {"summary": rule["annotations"]["summary"]}
        self.run_promtool(rules, "test", "rules", *(file.name for file in CASES), more=CASES)

    def test_have_a_case_in_which_they_fire_and_one_in_which_they_do_not(self):
        firing, silent = set(), set()
        for case in (case for file in CASES for case in yaml.safe_load(file.read_text())["tests"]):
            series = {one["series"].partition("{")[0] for one in case["input_series"]}
            for asked in case["alert_rule_test"]:
                name = asked["alertname"]
                self.assertIn(name, self.rules, "promtool says nothing of an alert that it does not know")
                # An alert that has nothing to look at is silent for no reason.
                self.assertTrue(series & {one for one, _ in used(self.rules[name]["expr"])}, name)
                (firing if asked["exp_alerts"] else silent).add(name)
        self.assertEqual(firing, set(self.rules))
        self.assertEqual(silent, set(self.rules))

    def test_look_at_metrics_that_are_documented(self):
        known = {True: agents_table() | FOREIGN, False: table() | FOREIGN}
        for name, rule in self.rules.items():
            self.assertTrue(used(rule["expr"]), name)
            is_agents = name.startswith("PodIdentityAgent")
            self.assertEqual(list(complaints(rule["expr"], known[is_agents])), [], name)

    def test_would_be_told_of_metrics_that_are_not(self):
        known = table() | FOREIGN
        wrong = ("pod_identity_webhook_mispelt", 'pod_identity_webhook_watch_up{reason="x"}', "rate(up[5m]) > 1",
                 'pod_identity_webhook_admission_duration_seconds_count{outcome=~"injected|lost"}')  # fmt: skip
        for expr in wrong:
            self.assertEqual(len(list(complaints(expr, known))), 1, expr)

    def test_say_what_they_mean_and_where_to_read_on(self):
        for name, rule in self.rules.items():
            annotations = rule["annotations"]
            self.assertEqual(set(annotations), {"summary", "description", "runbook_url"})
            self.assertEqual(annotations["runbook_url"], f"{URL}#{name.lower()}")
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
            # The cases compare summaries alone.
            self.assertNotIn("{{", annotations["description"])

    def test_have_a_section_each_that_says_what_to_do(self):
        runbook = sections()
        self.assertEqual(list(runbook), list(self.rules))
        for alert in source():
            text = runbook[alert["alert"]]
            expected = f"{alert['severity']} · for {alert['for']}"
            threshold = f" · threshold {alert['threshold']}: " if "threshold" in alert else "\n"
            self.assertEqual(text[: len(expected + threshold)], expected + threshold)
            self.assertEqual(re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE), list(PARTS), alert["alert"])

    def test_have_thresholds_that_their_expressions_use(self):
        for rule in source():
            self.assertEqual("THRESHOLD" in rule["expr"], "threshold" in rule, rule["alert"])


class Values(unittest.TestCase):
    def test_ask_for_no_rules_unless_told(self):
        self.assertIsNone(Rendered().find("PrometheusRule"))

    def test_need_a_url_where_the_alerts_can_be_looked_up(self):
        said = refusal("prometheusRule.enabled=true")
        self.assertIn("prometheusRule.enabled needs prometheusRule.runbookUrl", said)

    def test_select_this_release_and_its_webhooks(self):
        rules = by_name("webhook.name=identity.example.com,fullnameOverride=aws")
        own = 'pod_identity_webhook_watch_up{namespace="eks",job="aws"}'
        self.assertIn(own, rules["PodIdentityWebhookWatchDown"]["expr"])
        self.assertIn('{namespace="eks",deployment="aws"}', rules["PodIdentityWebhookNoReplicaReady"]["expr"])
        expr = rules["PodIdentityWebhookFailingOpen"]["expr"]
        (pattern,) = {matchers["name"] for _, matchers in used(expr)}
        pattern = re.compile(pattern)
        webhooks = Rendered("webhook.name=identity.example.com,webhook.requiredIdentity=true").MutatingWebhookConfiguration
        for webhook in webhooks["webhooks"]:
            self.assertTrue(pattern.fullmatch(webhook["name"]), webhook["name"])
        for other in ("identityXexample.com", "aidentity.example.com", "identity.example.com.org"):
            self.assertFalse(pattern.fullmatch(other), other)

    def test_change_single_alerts_and_no_others(self):
        slow, refused = "PodIdentityWebhookAdmissionsSlow", "PodIdentityWebhookPodsRefused"
        key = f"prometheusRule.alerts.{slow}"
        changed = by_name(
            f"{key}.threshold=2,{key}.severity=info,{key}.for=1h,prometheusRule.alerts.{refused}.enabled=false",
            "prometheusRule.alertLabels.team=platform,prometheusRule.alertLabels.severity=none",
        )
        usual = by_name()
        self.assertEqual(set(usual) - set(changed), {refused})
        self.assertEqual(changed[slow]["expr"], usual[slow]["expr"].replace("> 0.5", "> 2"))
        self.assertEqual((changed[slow]["for"], changed[slow]["labels"]), ("1h", {"severity": "info", "team": "platform"}))
        for name in set(changed) - {slow}:
            labels = usual[name]["labels"] | {"team": "platform"}
            self.assertEqual(changed[name], usual[name] | {"labels": labels})

    def test_name_alerts_that_exist(self):
        said = refusal(ON, "prometheusRule.alerts.PodIdentityWebhookMisspelt.threshold=1")
        self.assertIn("additional properties 'PodIdentityWebhookMisspelt' not allowed", said)
        changed = by_name(AGENT, *(f"prometheusRule.alerts.{name}.for=7m" for name in by_name(AGENT)))
        self.assertEqual({rule["for"] for rule in changed.values()}, {"7m"})
        for value in ("treshold=1", "for=soon", "threshold=many", "enabled=no"):
            self.assertIn("/prometheusRule/alerts/", refusal(ON, f"prometheusRule.alerts.PodIdentityWebhookWatchDown.{value}"))

    def test_are_on_the_agent_where_there_is_one(self):
        self.assertIsNone(Rendered(ON).agent.find("PrometheusRule"))
        self.assertIsNone(Rendered(AGENT).agent.find("PrometheusRule"))
        made = Rendered(ON, AGENT, "fullnameOverride=aws,prometheusRule.labels.release=prometheus").agent
        self.assertEqual(made.PrometheusRule["metadata"]["name"], "aws-agent")
        self.assertEqual(made.PrometheusRule["metadata"]["labels"]["release"], "prometheus")
        self.assertEqual(made.DaemonSet["metadata"]["name"], "aws-agent")
        rules = {rule["alert"]: rule["expr"] for group in made.PrometheusRule["spec"]["groups"] for rule in group["rules"]}
        self.assertIn('up{namespace="eks",job="aws-agent"}', rules["PodIdentityAgentDown"])
        self.assertIn('{namespace="eks",daemonset="aws-agent"}', rules["PodIdentityAgentMissing"])
        named = by_name(AGENT, 'prometheusRule.agentMetricsSelector=job="x"')
        self.assertIn('up{job="x"}', named["PodIdentityAgentDown"]["expr"])
        off = by_name(AGENT, "prometheusRule.alerts.PodIdentityAgentMissing.enabled=false")
        self.assertEqual(set(by_name(AGENT)) - set(off), {"PodIdentityAgentMissing"})

    def test_add_rules(self):
        rules = Rendered(values="everything").PrometheusRule["spec"]["groups"][-1]
        self.assertEqual(rules["name"], "pod-identity-webhook.additional")
        self.assertEqual(rules["rules"][0]["record"], "aws_identity:admissions:rate5m")

    def test_put_the_labels_there_by_which_rules_are_selected(self):
        rule = Rendered(ON, "prometheusRule.labels.release=prometheus").PrometheusRule
        self.assertEqual(rule["metadata"]["labels"]["release"], "prometheus")


if __name__ == "__main__":
    unittest.main()
