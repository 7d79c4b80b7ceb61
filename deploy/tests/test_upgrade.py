"""What keeps an upgrade, a drain of a machine and a change of scale unnoticed."""

import json
import pathlib
import tempfile
import subprocess
import unittest

import yaml
from chart import VALUES, changed, only, render

RENDERED = {name: render(values) for name, values in VALUES.items()}


def deployment(manifests):
    return only(manifests, "Deployment")["spec"]


def times(manifests):
    spec = deployment(manifests)
    return spec["minReadySeconds"], spec["template"]["spec"]["terminationGracePeriodSeconds"]


class Rollout(unittest.TestCase):
    def test_the_next_pod_waits_until_the_one_before_has_drained(self):
        # By default; with a window of 15 minutes; with longer times and a sleep of the operator's own.
        for name, wanted in {"production": (40, 75), "slow-drain": (925, 945), "ipv6-and-extras": (60, 120)}.items():
            self.assertEqual(times(RENDERED[name]), wanted)

    def test_zero_is_a_time_too(self):
        drain = {"grace_ms": 0, "window_ms": 0, "deadline_ms": 1}
        self.assertEqual(times(render(changed("hpa", config={"drain": drain}))), (5, 16))

    def test_a_sleep_before_the_drain_counts(self):
        self.assertEqual(times(render(changed("hpa", lifecycle={"preStop": {"sleep": {"seconds": 20}}}))), (60, 95))

    def test_with_a_hook_of_unknown_length_both_times_are_the_operators(self):
        hook = {"preStop": {"httpGet": {"path": "/leave", "port": 80}}}
        manifests = render(changed("hpa", lifecycle=hook, terminationGracePeriodSeconds=135, minReadySeconds=100))
        self.assertEqual(times(manifests), (100, 135))
        self.assertEqual(times(render(changed("hpa", lifecycle={"postStart": hook["preStop"]}))), (40, 75))

    def test_an_upgrade_is_given_up_later_than_a_pod_takes(self):
        for manifests in RENDERED.values():
            self.assertGreater(deployment(manifests)["progressDeadlineSeconds"], sum(times(manifests)))

    def test_a_pod_more_and_never_one_less(self):
        for name, manifests in RENDERED.items():
            if name == "alone":
                self.assertEqual(deployment(manifests)["strategy"], {"type": "Recreate"}, "two pods without Redis are two worlds")
            else:
                surge = "10%" if name == "production" else 1
                self.assertEqual(deployment(manifests)["strategy"]["rollingUpdate"], {"maxSurge": surge, "maxUnavailable": 0})

    def test_there_is_no_hook_unless_asked_for(self):
        hooks = {name for name, manifests in RENDERED.items() if "lifecycle" in deployment(manifests)["template"]["spec"]["containers"][0]}
        self.assertEqual(hooks, {"ipv6-and-extras"})

    def test_one_gateway_at_a_time_leaves_a_machine(self):
        for name, manifests in RENDERED.items():
            budgets = [m["spec"] for m in manifests if m["kind"] == "PodDisruptionBudget"]
            if name == "alone":
                self.assertEqual(budgets, [], "a budget would keep the only pod on its machine for ever")
            else:
                (budget,) = budgets
                self.assertEqual((budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]), (1, "AlwaysAllow"))
                self.assertNotIn("minAvailable", budget)


class Scaling(unittest.TestCase):
    def test_only_one_thing_says_how_many_pods_there_are(self):
        for name, manifests in RENDERED.items():
            scaled = any(m["kind"] in ("HorizontalPodAutoscaler", "ScaledObject") for m in manifests)
            self.assertNotEqual(scaled, "replicas" in deployment(manifests), name)

    def test_it_scales_down_slowly(self):
        hpa = only(RENDERED["hpa"], "HorizontalPodAutoscaler")["spec"]
        keda = only(RENDERED["keda"], "ScaledObject")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
        for spec in (hpa, keda):
            down = spec["behavior"]["scaleDown"]
            self.assertEqual(down["stabilizationWindowSeconds"], 600)
            self.assertEqual(down["policies"], [{"type": "Pods", "value": 1, "periodSeconds": 120}])
        self.assertEqual((hpa["minReplicas"], hpa["maxReplicas"]), (3, 50))
        self.assertEqual([metric["type"] for metric in hpa["metrics"]], ["Pods", "Resource"])

    def test_an_empty_answer_of_prometheus_never_scales_down(self):
        spec = only(RENDERED["keda"], "ScaledObject")["spec"]
        (trigger,) = spec["triggers"]
        self.assertEqual(trigger["metadata"]["ignoreNullValues"], "false")
        self.assertEqual((spec["fallback"]["behavior"], trigger["metricType"]), ("currentReplicasIfHigher", "AverageValue"))
        self.assertEqual(trigger["metadata"]["customHeaders"], "X-Scope-OrgID=calls")

    def test_pods_that_were_not_scraped_count_as_the_others_and_other_releases_do_not(self):
        (trigger,) = only(RENDERED["keda"], "ScaledObject")["spec"]["triggers"]
        query = trigger["metadata"]["query"]
        sample = lambda name, labels, value: {"series": "%s{%s}" % (name, labels), "values": value}
        pod = lambda name: 'namespace="calls",pod="sb-switchboard%s"' % name
        first, second, another = pod("-7d9c5d8f6b-x2k4q"), pod("-7d9c5d8f6b-9zz8b"), pod("-eu-5f6b7c8d9-abcde")
        case = lambda up, sessions, answer: {
            "input_series": [
                sample("up", first, up[0]),
                sample("up", second, up[1]),
                sample("switchboard_sessions", first + ',dialect="native",state="live"', sessions[0]),
                sample("switchboard_sessions", second + ',dialect="stomp",state="live"', sessions[1]),
                sample("switchboard_sessions", first + ',dialect="stomp",state="awaiting-hello"', "7"),
                sample("switchboard_sessions", first.replace("calls", "other") + ',state="live"', "9"),
                sample("switchboard_sessions", another + ',state="live"', "9"),
                sample("up", another, "0"),
            ],
            "promql_expr_test": [{"expr": query, "eval_time": "0s", "exp_samples": [{"labels": "{}", "value": v} for v in answer]}],
        }
        tests = [
            case(("1", "1"), ("400", "500"), [900]),
            case(("1", "0"), ("400", "_"), [800]),
            case(("0", "0"), ("_", "_"), []),
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "keda.yml"
            file.write_text(yaml.safe_dump({"tests": tests}))
            done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Monitoring(unittest.TestCase):
    def endpoint(self, name, kind, key):
        (endpoint,) = only(RENDERED[name], kind)["spec"][key]
        return endpoint

    def test_pods_are_scraped_until_they_are_gone(self):
        monitor = self.endpoint("production", "PodMonitor", "podMetricsEndpoints")
        self.assertEqual((monitor["port"], monitor["interval"]), ("ops", "10s"))
        ops = only(RENDERED["hpa"], "Service", "sb-switchboard-ops")
        self.assertEqual((ops["spec"]["clusterIP"], ops["spec"]["publishNotReadyAddresses"]), ("None", True))
        chosen = only(RENDERED["hpa"], "ServiceMonitor")["spec"]["selector"]["matchLabels"]
        services = [m["metadata"]["name"] for m in RENDERED["hpa"] if m["kind"] == "Service" and chosen.items() <= m["metadata"]["labels"].items()]
        self.assertEqual(services, ["sb-switchboard-ops"])
        self.assertFalse([m for m in RENDERED["production"] if m["metadata"]["name"] == "sb-switchboard-ops"], "nobody else needs it")

    def test_jobs_are_those_that_the_alerts_look_for(self):
        manifests = render({**VALUES["production"], "nameOverride": "calls"})
        (endpoint,) = only(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]
        self.assertIn({"targetLabel": "job", "replacement": "switchboard/sb-calls"}, endpoint["relabelings"])

    def test_alerts_keep_their_templates_and_get_labels_and_links(self):
        groups = only(RENDERED["production"], "PrometheusRule")["spec"]["groups"]
        alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
        self.assertGreater(len(alerts), 20)
        self.assertTrue(any("{{ $labels.instance }}" in alert["annotations"]["description"] for alert in alerts))
        for alert in alerts:
            self.assertEqual(alert["labels"]["team"], "calls")
            self.assertEqual(alert["annotations"]["runbook_url"], f"https://wiki.example.com/switchboard/{alert['alert']}.md")

    def test_without_an_address_alerts_name_the_page_in_the_repository(self):
        rules = {"enabled": True, "rules": {"enabled": True}}
        groups = only(render(changed("hpa", monitoring=rules)), "PrometheusRule")["spec"]["groups"]
        for alert in (rule for group in groups for rule in group["rules"] if "alert" in rule):
            self.assertEqual(alert["annotations"]["runbook_url"], f"docs/runbooks/{alert['alert']}.md")

    def test_groups_keep_how_often_they_are_evaluated(self):
        groups = only(RENDERED["production"], "PrometheusRule")["spec"]["groups"]
        intervals = {group["name"]: group.get("interval") for group in groups}
        self.assertEqual(intervals["switchboard-drain"], "10s")
        self.assertIsNone(intervals["switchboard"])

    def test_dashboards_come_as_they_are(self):
        boards = [m for m in RENDERED["production"] if m["metadata"]["labels"].get("grafana_dashboard")]
        uids = {json.loads(text)["uid"] for board in boards for text in board["data"].values()}
        self.assertEqual(uids, {"switchboard-overview", "switchboard-signaling", "switchboard-drain", "switchboard-redis"})
        self.assertTrue(all(board["metadata"]["annotations"] == {"grafana_folder": "Switchboard"} for board in boards))
