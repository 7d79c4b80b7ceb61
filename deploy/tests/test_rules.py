"""Alerts: promtool takes them, each has a firing and a silent case, and a page that says what to do."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).parent.parent.parent
RULES = ROOT / "helm/switchboard/files/rules.yml"
CASES = sorted((ROOT / "deploy/prometheus").glob("*.test.yml"))
RUNBOOKS = ROOT / "docs/runbooks"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"] if "alert" in rule]
NAMES = {alert["alert"] for alert in ALERTS}


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)


def tried():
    """Each alert that the cases look at, and whether it fires there."""
    for case in (case for file in CASES for case in yaml.safe_load(file.read_text())["tests"]):
        for test in case["alert_rule_test"]:
            yield test["alertname"], test.get("exp_alerts") or []


class Promtool(unittest.TestCase):
    def passes(self, *arguments):
        done = promtool(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_takes_the_rules(self):
        self.passes("check", "rules", RULES)

    def test_it_takes_the_configuration_beside_the_rules(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in (RULES, ROOT / "deploy/prometheus/prometheus.yml"):
                shutil.copy(file, folder)
            self.passes("check", "config", pathlib.Path(folder) / "prometheus.yml")

    def test_every_alert_fires_and_is_silent_as_the_cases_say(self):
        self.passes("test", "rules", *CASES)


class Alerts(unittest.TestCase):
    def test_each_says_how_bad_it_is_and_what_is_wrong(self):
        for alert in ALERTS:
            with self.subTest(alert["alert"]):
                self.assertRegex(alert["alert"], r"^Switchboard[A-Z]")
                self.assertIn(alert["labels"]["severity"], ("critical", "warning", "info"))
                self.assertNotIn("{{", alert["annotations"]["summary"], "a summary is the same for all that fire")
                self.assertTrue(alert["annotations"]["description"])

    def test_each_has_a_firing_and_a_silent_case(self):
        self.assertEqual({name for name, expected in tried() if expected}, NAMES)
        self.assertEqual({name for name, expected in tried() if not expected}, NAMES)

    def test_each_window_of_a_budget_fires_in_a_case(self):
        windows = {(a["alert"], a["labels"]["window"]) for a in ALERTS if "window" in a["labels"]}
        fired = {(name, alert["exp_labels"]["window"]) for name, expected in tried() for alert in expected if "window" in alert["exp_labels"]}
        self.assertEqual(fired, windows)

    def test_each_has_a_page_and_no_page_is_left_over(self):
        self.assertEqual({page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}, NAMES)
        index = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())
        self.assertEqual(sorted(index), sorted(NAMES))

    def test_pages_say_the_same_severities(self):
        index = dict(re.findall(r"\]\((\w+)\.md\) \| ([a-z, ]+) \|", (RUNBOOKS / "README.md").read_text()))
        for name in NAMES:
            page = (RUNBOOKS / f"{name}.md").read_text()
            said = re.findall(r"\*\*(critical|warning|info)\.?\*\*", page.split("\n\n")[1], re.IGNORECASE)
            severities = {alert["labels"]["severity"] for alert in ALERTS if alert["alert"] == name}
            with self.subTest(name):
                self.assertEqual({severity.lower() for severity in said}, severities)
                self.assertEqual(set(index[name].split(", ")), severities)
                for part in ("## Look at", "## Do", "## Do not"):
                    self.assertIn(f"\n{part}\n", page)

    def test_metrics_are_those_of_the_gateway(self):
        documented = set(re.findall(r"^\| `(\w+)", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
        used = set(re.findall(r"\bswitchboard_(\w+)", " ".join(alert["expr"] for alert in ALERTS)))
        recorded = {name for name in used if re.search(r":switchboard_%s:" % name, RULES.read_text())}
        stripped = {re.sub(r"_(bucket|count|sum)$", "", name) for name in used - recorded}
        self.assertLessEqual(stripped, documented)
