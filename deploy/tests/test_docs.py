"""What docs/ tells operators to type: every snippet of docs/kubernetes.md that begins with `# values` renders on top of the production
values of that page (the trial alone), and what comes out fits the schemas of Kubernetes and the models of the operators; every
query is one that Prometheus understands."""

import copy
import pathlib
import re
import subprocess
import tempfile
import unittest

import kubernetes_validate
import yaml

from chart import CHART, check_custom, gateway_of, pod_of, render

DOCS = pathlib.Path(__file__).parent / "../../docs"
PAGE = (DOCS / "kubernetes.md").read_text()
KUBERNETES = ["1.30", "1.33", "1.37"]
OF_OPERATORS = ("monitoring.coreos.com/", "keda.sh/", "gateway.networking.k8s.io/")


def snippets():
    blocks = re.findall(r"```yaml\n(# values.*?)```", PAGE, re.S)
    return [(block.splitlines()[0].removeprefix("# values").strip(": "), yaml.safe_load(block)) for block in blocks]


def merged(base, more):
    base = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = merged(base[key], value) if both else value
    return base


class Snippets(unittest.TestCase):
    def test_each_renders_and_fits(self):
        named = dict(found for found in snippets() if found[0])
        production = named["production.yaml"]
        sets = [named["trial.yaml"], production]
        sets += [merged(production, values) for name, values in snippets() if not name]
        self.assertGreater(len(sets), 10)
        for values in sets:
            with self.subTest(values):
                CHART.validate_schema(values)
                manifests = render(values, name="calls")
                self.assertIn("calls-switchboard", [manifest["metadata"]["name"] for manifest in manifests])
                custom = [manifest for manifest in manifests if manifest["apiVersion"].startswith(OF_OPERATORS)]
                self.assertEqual(check_custom(custom), "")
                for manifest in manifests:
                    if manifest not in custom:
                        for version in KUBERNETES:
                            kubernetes_validate.validate(manifest, version, strict=True)

    def test_a_word_that_the_chart_does_not_know_is_noticed(self):
        for _, values in snippets():
            with self.assertRaises(Exception):
                CHART.validate_schema({**values, "replicas": 3})


class Numbers(unittest.TestCase):
    def test_the_short_drain_is_the_same_on_both_pages(self):
        (drain,) = [v["config"]["drain"] for _, v in snippets() if v.get("config", {}).get("drain", {}).get("deadline_ms") == 20000]
        grace, window, deadline = (drain[key] // 1000 for key in ("grace_ms", "window_ms", "deadline_ms"))
        told = f"a grace of {grace} s, a window of {window} s and a deadline of {deadline} s"
        self.assertIn(told, (DOCS / "operations/drain.md").read_text())

    def test_balancers_keep_sockets_for_longer_than_a_drain_takes(self):
        (alb,) = [values for _, values in snippets() if values.get("ingress", {}).get("className") == "alb"]
        delay = re.search(r"deregistration_delay.timeout_seconds=(\d+)", str(alb["ingress"]["annotations"]))[1]
        self.assertGreater(int(delay), alb["config"]["drain"]["deadline_ms"] / 1000)
        port = alb["ingress"]["annotations"]["alb.ingress.kubernetes.io/healthcheck-port"]
        manifests = render(merged(dict(snippets())["production.yaml"], alb))
        self.assertIn({"name": "ops", "containerPort": int(port)}, gateway_of(manifests)["ports"])
        (google,) = re.findall(r"kind: GCPBackendPolicy\n.*?drainingTimeoutSec: (\d+)", PAGE, re.S)
        self.assertGreater(int(google), pod_of(render(dict(snippets())["production.yaml"]))["terminationGracePeriodSeconds"])


def queries():
    """Each line of a block is a query of its own; a comment may stand behind it."""
    for page in sorted(DOCS.rglob("*.md")):
        for block in re.findall(r"```promql\n(.*?)```", page.read_text(), re.S):
            yield from ((page.name, line.split("  #")[0].strip()) for line in block.splitlines())


class Queries(unittest.TestCase):
    def check(self, expressions):
        rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(expressions)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "docs", "rules": rules}]}, file)
            file.flush()
            return subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)

    def test_prometheus_understands_each(self):
        found = [text for _, text in queries()]
        self.assertGreater(len(found), 50)
        checked = self.check(found)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_what_is_no_query_is_noticed(self):
        self.assertNotEqual(self.check(["sum by (instance) rate(up[5m])"]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
