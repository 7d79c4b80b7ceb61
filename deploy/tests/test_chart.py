"""The chart, rendered by Helm's own engine with each of values/*.yaml: it fits the schemas of Kubernetes and the models of the
custom resources, and what keeps an upgrade unnoticed is as it has to be.

    pip install -r deploy/tests/requirements.txt && npm --prefix deploy/tests ci && python -m unittest discover deploy/tests
"""

import json
import pathlib
import re
import subprocess
import tomllib
import unittest

import kubernetes_validate
import yaml
from helm_python.chart import Chart

HERE = pathlib.Path(__file__).parent
CHART = Chart.load(str(HERE / "../../helm/switchboard"))
VALUES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((HERE / "values").glob("*.yaml"))}
KUBERNETES = ["1.30", "1.33", "1.37"]
CUSTOM = ("monitoring.coreos.com/", "keda.sh/", "gateway.networking.k8s.io/")


def render(values):
    texts = CHART.render(values=values, name="sb", namespace="calls")
    yamls = (text for path, text in texts.items() if path.endswith(".yaml"))
    return [manifest for text in yamls for manifest in yaml.safe_load_all(text) if manifest]


def check_custom(manifests):
    check = ["node", str(HERE / "custom_resources.mjs")]
    return subprocess.run(check, input=json.dumps(manifests), capture_output=True, text=True).stderr


def only(manifests, kind):
    found = [manifest for manifest in manifests if manifest["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def changed(name, **values):
    return {**VALUES[name], **values}


class Rendered(unittest.TestCase):
    def each(self):
        for name, values in VALUES.items():
            with self.subTest(name):
                yield name, render(values)

    def test_it_fits_the_schemas_of_kubernetes(self):
        for _, manifests in self.each():
            for manifest in manifests:
                for version in KUBERNETES:
                    if not manifest["apiVersion"].startswith(CUSTOM):
                        kubernetes_validate.validate(manifest, version, strict=True)

    def test_custom_resources_fit_the_models_of_their_operators(self):
        custom = [m for _, manifests in self.each() for m in manifests if m["apiVersion"].startswith(CUSTOM)]
        kinds = {manifest["kind"] for manifest in custom}
        self.assertEqual(kinds, {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute"})
        self.assertEqual(check_custom(custom), "")
        monitor = next(m for m in custom if m["kind"] == "PodMonitor")
        monitor["spec"]["podMetricsEndpoints"][0]["interval"] = "15 seconds"
        self.assertIn("PodMonitor", check_custom([monitor]))

    def test_selectors_match_the_pods_and_nothing_else(self):
        for _, manifests in self.each():
            pods = {m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"] for m in manifests if m["kind"] in ("Deployment", "StatefulSet")}
            for manifest in manifests:
                if manifest["kind"] == "Service":
                    selector = manifest["spec"]["selector"]
                elif manifest["kind"] in ("PodDisruptionBudget", "PodMonitor"):
                    selector = manifest["spec"]["selector"]["matchLabels"]
                elif manifest["kind"] == "NetworkPolicy":
                    selector = manifest["spec"]["podSelector"]["matchLabels"]
                else:
                    continue
                matched = [name for name, labels in pods.items() if selector.items() <= labels.items()]
                wanted = manifest["metadata"]["name"].removesuffix("-ops")
                self.assertEqual(matched, [wanted], manifest["kind"])

    def test_nothing_is_named_too_long_or_twice(self):
        for _, manifests in self.each():
            names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
            self.assertEqual(len(names), len(set(names)))
            self.assertTrue(all(len(name) <= 63 for _, name in names))

    def test_pods_are_locked_down_and_secrets_are_referred_to(self):
        for _, manifests in self.each():
            for manifest in manifests:
                if manifest["kind"] not in ("Deployment", "StatefulSet"):
                    continue
                pod = manifest["spec"]["template"]["spec"]
                self.assertFalse(pod["automountServiceAccountToken"])
                self.assertFalse(pod["enableServiceLinks"])
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                for container in pod["containers"]:
                    security = container["securityContext"]
                    self.assertTrue(security["readOnlyRootFilesystem"])
                    self.assertFalse(security["allowPrivilegeEscalation"])
                    self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
            self.assertFalse([m for m in manifests if m["kind"] == "Secret"])

    def test_redis_has_no_part_in_whether_a_pod_lives(self):
        for _, manifests in self.each():
            gateway = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]
            paths = {probe: gateway[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
            self.assertEqual(paths, {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"})

    def test_an_upgrade_waits_until_the_pod_before_has_drained(self):
        for name, (ready, grace) in {"production": (40, 75), "slow-drain": (925, 945), "ipv6-and-extras": (40, 120)}.items():
            spec = only(render(VALUES[name]), "Deployment")["spec"]
            self.assertEqual((spec["minReadySeconds"], spec["template"]["spec"]["terminationGracePeriodSeconds"]), (ready, grace))
            self.assertGreater(spec["progressDeadlineSeconds"], ready + grace)
            self.assertEqual(spec["strategy"]["rollingUpdate"], {"maxSurge": 1, "maxUnavailable": 0})
        self.assertEqual(only(render(VALUES["alone"]), "Deployment")["spec"]["strategy"], {"type": "Recreate"})

    def test_only_one_thing_says_how_many_pods_there_are(self):
        for name, manifests in self.each():
            scaled = any(m["kind"] in ("HorizontalPodAutoscaler", "ScaledObject") for m in manifests)
            self.assertNotEqual(scaled, "replicas" in only(manifests, "Deployment")["spec"], name)

    def test_an_empty_answer_of_prometheus_never_scales_down(self):
        spec = only(render(VALUES["keda"]), "ScaledObject")["spec"]
        self.assertEqual(spec["triggers"][0]["metadata"]["ignoreNullValues"], "false")
        self.assertEqual(spec["fallback"]["behavior"], "currentReplicasIfHigher")

    def test_nodes_reach_one_another_through_the_policy(self):
        spec = only(render(VALUES["production"]), "NetworkPolicy")["spec"]
        for rules, peers in ((spec["ingress"], "from"), (spec["egress"], "to")):
            ops = [rule for rule in rules if {"port": "ops"} in rule["ports"]]
            self.assertIn({"podSelector": spec["podSelector"]}, ops[0][peers])

    def test_the_gateway_reads_its_file(self):
        files = [m["data"] for m in render(VALUES["production"]) if m["kind"] == "ConfigMap"]
        (text,) = (data["switchboard.toml"] for data in files if "switchboard.toml" in data)
        config = tomllib.loads(text)
        self.assertEqual((config["origins"], config["room"]["capacity"]), (["https://app.example.com"], 8))

    def test_addresses_of_ipv6_get_their_brackets(self):
        environment = only(render(VALUES["ipv6-and-extras"]), "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
        values = {variable["name"]: variable.get("value") for variable in environment}
        self.assertEqual((values["SWITCHBOARD_LISTEN"], values["SWITCHBOARD_OPS_LISTEN"]), ("[::]:8080", "[::]:9090"))

    def test_alerts_keep_their_templates_and_name_a_runbook(self):
        rules = only(render(VALUES["production"]), "PrometheusRule")["spec"]["groups"]
        alerts = [rule for group in rules for rule in group["rules"] if "alert" in rule]
        self.assertGreater(len(alerts), 20)
        self.assertTrue(any("{{ $labels.instance }}" in alert["annotations"]["description"] for alert in alerts))
        for alert in alerts:
            self.assertEqual(alert["labels"]["team"], "calls")
            self.assertTrue(alert["annotations"]["runbook_url"].endswith(f"/{alert['alert']}.md"))

    def test_dashboards_come_as_they_are(self):
        boards = [m for m in render(VALUES["production"]) if m["metadata"]["labels"].get("grafana_dashboard")]
        uids = {json.loads(text)["uid"] for board in boards for text in board["data"].values()}
        self.assertEqual(uids, {"switchboard-overview", "switchboard-signaling", "switchboard-drain", "switchboard-redis"})


class Schema(unittest.TestCase):
    def test_values_fit_and_typing_errors_do_not(self):
        for name, values in VALUES.items():
            with self.subTest(name):
                CHART.validate_schema(values)
        wrong = [
            {"replicas": 3},
            {"replicaCount": 0},
            {"redis": {"url": "cache:6379"}},
            {"secrets": {"jwtSecret": "plain"}},
            {"monitoring": {"podMonitor": {"interval": 15}}},
            {"image": {"digest": "latest"}},
        ]
        for values in wrong:
            with self.subTest(values), self.assertRaises(Exception):
                CHART.validate_schema(values)


class Refused(unittest.TestCase):
    def refuses(self, words, values):
        with self.assertRaises(Exception) as caught:
            render(values)
        self.assertRegex(str(caught.exception), re.escape(words))

    def test_what_cannot_work_is_refused_by_name(self):
        self.refuses("replicaCount: without Redis", changed("alone", replicaCount=2))
        self.refuses("replicaCount: without Redis", changed("alone", autoscaling={"hpa": {"enabled": True}}))
        self.refuses("terminationGracePeriodSeconds: 60 is too short", changed("hpa", terminationGracePeriodSeconds=60))
        self.refuses("httpRoute.parentRefs: a route needs", changed("hpa", httpRoute={"enabled": True}))
        self.refuses("ingress.hosts: say at least one", changed("hpa", ingress={"enabled": True}))
        both = {"hpa": {"enabled": True}, "keda": {"enabled": True, "prometheusAddress": "http://p"}}
        self.refuses("hpa.enabled and keda.enabled", changed("hpa", autoscaling=both))
        self.refuses("autoscaling.keda.prometheusAddress", changed("hpa", autoscaling={"keda": {"enabled": True}}))
        self.refuses("say the URL once", changed("production", redis={"url": "redis://x"}))
        self.refuses("trialRedis.enabled: there is a Redis", changed("hpa", trialRedis={"enabled": True}))
        self.refuses("would scrape every pod twice", changed("hpa", monitoring={"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}))
        self.refuses("secrets.jwtSecret: nobody would need a token", changed("hpa", secrets={}))
        self.refuses("config.listen: the chart sets this", changed("hpa", config={"listen": "0.0.0.0:1"}))
        self.refuses("config.auth.jwt.secret: the chart sets this", changed("hpa", config={"auth": {"jwt": {"secret": "s"}}}))


if __name__ == "__main__":
    unittest.main()
