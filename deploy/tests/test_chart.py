"""Rendered with each of values/*.yaml, the chart fits Kubernetes and the operators, and says of each object what it has to."""

import json
import re
import tomllib
import unittest

import kubernetes_validate
from chart import CHART, FOLDER, VALUES, changed, check_custom, gateway_of, notes, only, pod_of, render
from helm_python.chart import lint

KUBERNETES = ["1.30", "1.33", "1.37"]
CUSTOM = ("monitoring.coreos.com/", "keda.sh/", "gateway.networking.k8s.io/")
RENDERED = {name: render(values) for name, values in VALUES.items()}


def every():
    return ((name, manifest) for name, manifests in RENDERED.items() for manifest in manifests)


def selector_of(manifest):
    """What this object chooses pods by; None where it chooses none."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        return spec["selector"]
    if manifest["kind"] in ("PodDisruptionBudget", "PodMonitor"):
        return spec["selector"]["matchLabels"]
    if manifest["kind"] == "NetworkPolicy":
        return spec["podSelector"]["matchLabels"]
    return None


class Fits(unittest.TestCase):
    def test_it_fits_the_schemas_of_kubernetes(self):
        for name, manifest in every():
            if not manifest["apiVersion"].startswith(CUSTOM):
                for version in KUBERNETES:
                    with self.subTest(name, kind=manifest["kind"], version=version):
                        kubernetes_validate.validate(manifest, version, strict=True)

    def test_custom_resources_fit_the_models_of_their_operators(self):
        custom = [manifest for _, manifest in every() if manifest["apiVersion"].startswith(CUSTOM)]
        kinds = {manifest["kind"] for manifest in custom}
        self.assertEqual(kinds, {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute"})
        self.assertEqual(check_custom(custom), "")
        monitor = json.loads(json.dumps(only(RENDERED["production"], "PodMonitor")))
        monitor["spec"]["podMetricsEndpoints"][0]["interval"] = "15 seconds"
        self.assertIn("PodMonitor", check_custom([monitor]))

    def test_helm_has_nothing_to_say(self):
        for name, values in VALUES.items():
            for version in KUBERNETES:
                report = lint(str(FOLDER), values, strict=True, kube_version=f"v{version}.0")
                self.assertEqual((report["messages"], report["errors"]), ([], []), name)

    def test_selectors_match_the_pods_and_nothing_else(self):
        for name, manifests in RENDERED.items():
            pods = {m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"] for m in manifests if m["kind"] in ("Deployment", "StatefulSet")}
            for manifest in manifests:
                selector = selector_of(manifest)
                if selector is not None:
                    matched = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
                    self.assertEqual(matched, [manifest["metadata"]["name"].removesuffix("-ops")], (name, manifest["kind"]))

    def test_routes_lead_to_the_service(self):
        service = only(RENDERED["production"], "Service")
        (rule,) = only(RENDERED["production"], "HTTPRoute")["spec"]["rules"]
        self.assertEqual([match["path"]["value"] for match in rule["matches"]], ["/v1/", "/sdk/"])
        self.assertEqual(rule["timeouts"], {"request": "0s"}, "a socket outlives any request")
        self.assertEqual(service["spec"]["ports"][0]["appProtocol"], "kubernetes.io/ws")
        self.assertEqual(rule["backendRefs"], [{"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}])
        for rule in only(RENDERED["ingress"], "Ingress")["spec"]["rules"]:
            backends = [path["backend"]["service"] for path in rule["http"]["paths"]]
            self.assertEqual(backends, 2 * [{"name": service["metadata"]["name"], "port": {"name": "http"}}])

    def test_routes_have_no_time_limit_unless_told(self):
        manifests = render(changed("hpa", httpRoute={"enabled": True, "parentRefs": [{"name": "public"}]}))
        (rule,) = only(manifests, "HTTPRoute")["spec"]["rules"]
        self.assertNotIn("timeouts", rule, "GKE refuses a route that has any")
        self.assertEqual(rule["matches"], [{"path": {"type": "PathPrefix", "value": "/"}}])

    def test_labels_come_once_and_those_of_the_chart_stay(self):
        common = {"team": "all", "tier": "all", "app.kubernetes.io/name": "other", "app.kubernetes.io/component": "other"}
        monitoring = {"enabled": True, "labels": {"team": "watch"}, "rules": {"enabled": True, "labels": {"team": "watch"}}}
        monitoring["dashboards"] = {"enabled": True, "labels": {"team": "watch", "helm.sh/chart": "other"}}
        values = {**VALUES["trial"], "commonLabels": common, "podLabels": {"team": "calls"}, "monitoring": monitoring}
        texts = CHART.render(values=values, name="sb", namespace="calls")
        for path, text in texts.items():
            for block in re.findall(r"^ +labels:\n((?: +[\w./-]+: .*\n?)+)", text, re.MULTILINE):
                keys = re.findall(r"^ +([\w./-]+):", block, re.MULTILINE)
                self.assertEqual(len(keys), len(set(keys)), (path, keys))
        manifests = render(values)
        teams = {kind: only(manifests, kind)["metadata"]["labels"]["team"] for kind in ("Deployment", "PodMonitor", "PrometheusRule")}
        self.assertEqual(teams, {"Deployment": "all", "PodMonitor": "watch", "PrometheusRule": "watch"})
        labels = only(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
        self.assertEqual((labels["team"], labels["tier"]), ("calls", "all"))
        selector = only(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
        self.assertLessEqual(selector.items(), labels.items())
        self.assertEqual(only(manifests, "StatefulSet")["metadata"]["labels"]["app.kubernetes.io/component"], "redis")
        (chart,) = {m["metadata"]["labels"]["helm.sh/chart"] for m in manifests if m["kind"] != "Pod"}
        self.assertEqual(chart, f"switchboard-{CHART.version}")

    def test_nothing_is_named_too_long_or_twice(self):
        rendered = [*RENDERED.values(), render(VALUES["production"], name="a" * 53), render(VALUES["trial"], name="a" * 53), render(changed("trial", nameOverride="b" * 60))]
        for manifests in rendered:
            names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
            self.assertEqual(len(names), len(set(names)))
            self.assertTrue(all(len(name) <= 63 for _, name in names))
            # With the hash of its template, and what Kubernetes adds for each pod.
            longest = {"Deployment": 63 - len("-1234567890-12345"), "StatefulSet": 63 - len("-1234567890")}
            self.assertTrue(all(len(name) <= longest.get(kind, 63) for kind, name in names))


class Pods(unittest.TestCase):
    def test_they_are_locked_down(self):
        for name, manifest in every():
            if manifest["kind"] not in ("Deployment", "StatefulSet", "Pod"):
                continue
            pod = manifest["spec"]["template"]["spec"] if manifest["kind"] != "Pod" else manifest["spec"]
            with self.subTest(name, kind=manifest["kind"]):
                self.assertFalse(pod["automountServiceAccountToken"])
                self.assertFalse(pod["enableServiceLinks"])
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in pod["containers"]:
                    security = container["securityContext"]
                    self.assertTrue(security["readOnlyRootFilesystem"])
                    self.assertFalse(security["allowPrivilegeEscalation"])
                    self.assertEqual(security["capabilities"], {"drop": ["ALL"]})

    def test_secrets_are_referred_to_and_never_made(self):
        self.assertFalse([manifest for _, manifest in every() if manifest["kind"] == "Secret"])
        variables = {v["name"]: v for v in gateway_of(RENDERED["production"])["env"]}
        for variable in ("REDIS__URL", "AUTH__JWT__SECRET", "CLUSTER__KEY", "ADMIN__TOKEN", "ICE__TURN_SECRET", "MEDIA__API_SECRET"):
            self.assertIn("secretKeyRef", variables[f"SWITCHBOARD_{variable}"]["valueFrom"])

    def test_redis_has_no_part_in_whether_a_pod_lives(self):
        for manifests in RENDERED.values():
            gateway = gateway_of(manifests)
            paths = {probe: gateway[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
            self.assertEqual(paths, {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"})

    def test_the_gateway_reads_its_file(self):
        config = tomllib.loads(only(RENDERED["production"], "ConfigMap", "sb-switchboard")["data"]["switchboard.toml"])
        self.assertEqual((config["origins"], config["room"]["capacity"]), (["https://app.example.com"], 8))
        self.assertEqual(config["limits"]["sessions"], 1000000)
        self.assertEqual(config["log"], {"format": "json"})

    def test_a_changed_config_replaces_pods_and_a_new_chart_alone_does_not(self):
        template = lambda **values: only(render(changed("hpa", **values)), "Deployment")["spec"]["template"]["metadata"]
        self.assertNotEqual(template(config={"room": {"capacity": 9}}), template())
        self.assertNotIn(CHART.version, json.dumps(template()["labels"]).replace(CHART.metadata["appVersion"], ""))
        self.assertNotIn("helm.sh/chart", template()["labels"])

    def test_addresses_of_ipv6_get_their_brackets(self):
        values = {variable["name"]: variable.get("value") for variable in gateway_of(RENDERED["ipv6-and-extras"])["env"]}
        self.assertEqual((values["SWITCHBOARD_LISTEN"], values["SWITCHBOARD_OPS_LISTEN"]), ("[::]:8080", "[::]:9090"))

    def test_extras_may_be_templates(self):
        gateway = gateway_of(RENDERED["ipv6-and-extras"])
        self.assertIn({"name": "SWITCHBOARD_LOG__FILTER", "value": "sb=debug"}, gateway["env"])
        self.assertEqual(gateway["envFrom"], [{"secretRef": {"name": "sb-more"}}])

    def test_numbers_of_a_user_can_be_unset_for_openshift(self):
        context = pod_of(RENDERED["ipv6-and-extras"])["securityContext"]
        self.assertEqual(context, {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})

    def test_gateways_spread_over_zones_and_machines_as_far_as_there_are_some(self):
        pod = pod_of(RENDERED["production"])
        spread = {c["topologyKey"]: (c["whenUnsatisfiable"], c["matchLabelKeys"]) for c in pod["topologySpreadConstraints"]}
        wanted = ("ScheduleAnyway", ["pod-template-hash"])
        self.assertEqual(spread, {"topology.kubernetes.io/zone": wanted, "kubernetes.io/hostname": wanted})
        self.assertIn("podAntiAffinity", pod["affinity"])


class Tls(unittest.TestCase):
    def test_gateways_find_the_pair_where_it_is_mounted(self):
        pod = pod_of(RENDERED["tls"])
        (volume,) = [v for v in pod["volumes"] if v["name"] == "tls"]
        (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "tls"]
        self.assertEqual(volume["secret"]["secretName"], "sb-tls")
        # A file that is mounted by a subPath never changes.
        self.assertNotIn("subPath", mount)
        mounted = [f"{mount['mountPath']}/{item['path']}" for item in volume["secret"]["items"]]
        variables = {variable["name"]: variable.get("value") for variable in gateway_of(RENDERED["tls"])["env"]}
        self.assertEqual([variables[f"SWITCHBOARD_TLS__{key}_FILE"] for key in ("CERT", "KEY")], mounted)

    def test_the_service_says_what_the_port_speaks(self):
        speaks = lambda **values: only(render(changed("tls", **values)), "Service")["spec"]["ports"][0]["appProtocol"]
        self.assertEqual(speaks(), "https")
        self.assertEqual(speaks(tls={}), "http")
        own = {"tls": {"cert_file": "/tls/tls.crt", "key_file": "/tls/tls.key"}}
        self.assertEqual(speaks(tls={}, config=own), "https")
        self.assertEqual(speaks(service={"appProtocol": "kubernetes.io/wss"}), "kubernetes.io/wss")

    def test_what_asks_in_plain_http_asks_the_ops_port_or_is_not_made(self):
        gateway = gateway_of(RENDERED["tls"])
        self.assertEqual({gateway[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}, {"ops"})
        kinds = lambda **values: {manifest["kind"] for manifest in render(changed("tls", **values))}
        self.assertNotIn("Pod", kinds())
        self.assertNotIn("Pod", kinds(tls={}), "the PROXY header is missing")
        self.assertIn("Pod", kinds(tls={}, config={}))
        self.assertNotIn("helm test", notes(VALUES["tls"]))
        self.assertIn("helm test", notes(VALUES["hpa"]))


class Redis(unittest.TestCase):
    def url(self, name):
        return next(v for v in gateway_of(RENDERED[name])["env"] if v["name"] == "SWITCHBOARD_REDIS__URL")

    def mounted(self, name):
        """Paths of the files that the pod has for TLS."""
        pod = pod_of(RENDERED[name])
        (volume,) = [v for v in pod["volumes"] if v["name"] == "redis-tls"]
        (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "redis-tls"]
        return {f"{mount['mountPath']}/{item['path']}" for item in volume["secret"]["items"]}

    def test_a_url_of_the_values_gets_the_files_for_tls(self):
        url = self.url("sentinel")["value"]
        self.assertTrue(url.startswith("rediss-sentinel://s1.redis:26379?sentinelServiceName=mymaster&node="))
        options = dict(option.split("=", 1) for option in url.split("?")[1].split("&"))
        self.assertEqual({options[name] for name in ("caFile", "certFile", "keyFile")}, self.mounted("sentinel"))

    def test_a_url_of_a_secret_finds_the_authority_where_the_values_say(self):
        self.assertEqual(self.url("redis-cluster")["valueFrom"]["secretKeyRef"], {"name": "redis", "key": "url"})
        (path,) = self.mounted("redis-cluster")
        self.assertIn(f"caFile={path}", (FOLDER / "values.yaml").read_text())

    def test_a_url_that_says_it_itself_is_left_alone(self):
        url = "rediss://cache:6380?caFile=/elsewhere/ca.pem"
        manifests = render(changed("hpa", redis={"url": url, "tls": {"secretName": "s"}}))
        self.assertIn(url, [variable.get("value") for variable in gateway_of(manifests)["env"]])

    def test_the_trial_redis_keeps_what_gateways_wrote(self):
        arguments = only(RENDERED["trial"], "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("noeviction", arguments)
        self.assertIn("--client-output-buffer-limit", arguments)
        self.assertEqual(self.url("trial")["value"], "redis://sb-switchboard-redis:6379")


class Policies(unittest.TestCase):
    def spec(self, name):
        return only(RENDERED[name], "NetworkPolicy", "sb-switchboard")["spec"]

    def rule(self, rules, port):
        (found,) = [rule for rule in rules if any(p["port"] == port for p in rule["ports"])]
        return found

    def test_nodes_reach_one_another_on_ops_and_monitoring_does(self):
        for name in ("production", "trial", "sentinel"):
            spec = self.spec(name)
            own = {"podSelector": spec["podSelector"]}
            self.assertIn(own, self.rule(spec["ingress"], 9090)["from"])
            self.assertIn(own, self.rule(spec["egress"], 9090)["to"])
        self.assertEqual(len(self.rule(self.spec("production")["ingress"], 9090)["from"]), 2)

    def test_ports_are_those_of_the_pods(self):
        ports = {port["name"]: port["containerPort"] for port in gateway_of(RENDERED["production"])["ports"]}
        self.assertEqual(ports, {"http": 8080, "ops": 9090})

    def test_nodes_reach_dns_and_redis(self):
        for name, port in (("production", 6379), ("trial", 6379), ("sentinel", 26379)):
            spec = self.spec(name)
            self.assertEqual(self.rule(spec["egress"], 53)["ports"], [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}])
            self.assertNotIn("to", self.rule(spec["egress"], 53), "DNS may be at any address")
            self.assertTrue(self.rule(spec["egress"], port)["to"])

    def test_clients_come_from_anywhere_unless_said_otherwise(self):
        self.assertNotIn("from", self.rule(self.spec("production")["ingress"], 8080))
        clients = self.rule(self.spec("trial")["ingress"], 8080)["from"]
        self.assertEqual(clients[:-1], VALUES["trial"]["networkPolicy"]["clients"])
        labels = only(RENDERED["trial"], "Pod")["metadata"]["labels"]
        self.assertLessEqual(clients[-1]["podSelector"]["matchLabels"].items(), labels.items(), "helm test comes in, too")

    def test_the_trial_redis_lets_in_gateways_alone(self):
        spec = only(RENDERED["trial"], "NetworkPolicy", "sb-switchboard-redis")["spec"]
        self.assertEqual(self.rule(spec["ingress"], 6379)["from"], [{"podSelector": self.spec("trial")["podSelector"]}])


class Notes(unittest.TestCase):
    def test_they_say_where_clients_connect(self):
        self.assertIn("wss://call.example.com/v1/connect", notes(VALUES["production"]))
        self.assertIn("wss://call.example.org/v1/connect", notes(VALUES["ingress"]))
        self.assertIn("port-forward service/sb-switchboard 8080:80", notes(VALUES["trial"]))
        self.assertIn("get service sb-switchboard --watch", notes(VALUES["redis-cluster"]))

    def test_they_warn_of_what_is_missing(self):
        for name, words in {"ingress": "config.proxy.trusted", "trial": "trial Redis", "alone": "Without Redis", "hpa": "secrets.clusterKey"}.items():
            self.assertIn(words, notes(VALUES[name]))
        self.assertNotIn("\nSet ", notes(VALUES["production"]))

    def test_where_something_scales_they_warn_of_rollback(self):
        warned = {name for name, values in VALUES.items() if "helm rollback" in notes(values)}
        self.assertEqual(warned, {"hpa", "keda"})
