"""The compose file: of the present specification, and in step with the files that it mounts and that name its services."""

import ipaddress
import pathlib
import re
import unittest

import yaml
from compose_spec import PyCompose

ROOT = pathlib.Path(__file__).parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)


def resolved(name):
    """A service with what it has from the one that it extends."""
    service = dict(COMPOSE["services"][name])
    base = service.pop("extends", None)
    if not base:
        return service
    below = resolved(base["service"])
    return {**below, **service, "environment": {**below["environment"], **service["environment"]}}


SERVICES = {name: resolved(name) for name in COMPOSE["services"]}
GATEWAYS = [name for name in SERVICES if name.startswith("gateway-")]


class Specification(unittest.TestCase):
    def test_it_is_of_the_present_one(self):
        spec = PyCompose.from_yaml(TEXT)
        self.assertEqual(spec.name, "switchboard")
        self.assertEqual(set(spec.service_names()), set(SERVICES))
        spec.validate()

    def test_a_slip_would_be_seen(self):
        for right, wrong in (("stop_grace_period:", "stop_grace:"), ("75s", "soon"), ("cap_drop", "cap-drop")):
            with self.subTest(wrong), self.assertRaises(ValueError):
                PyCompose.from_yaml(TEXT.replace(right, wrong, 1)).validate()


class Services(unittest.TestCase):
    def test_there_are_three_gateways_that_know_their_own_address(self):
        self.assertEqual(len(GATEWAYS), 3)
        for name in GATEWAYS:
            self.assertEqual(SERVICES[name]["environment"]["SWITCHBOARD_NODE__OPS_HOST"], name)
            self.assertEqual(SERVICES[name]["stop_grace_period"], "75s")
            self.assertNotIn("command", SERVICES[name], "the healthcheck would not know of its flags")
        names = {SERVICES[name]["environment"]["SWITCHBOARD_NODE__NAME"] for name in GATEWAYS}
        self.assertEqual(len(names), 3)

    def test_keys_of_the_gateway_are_those_of_the_docs(self):
        documented = set(re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
        for variable in SERVICES["gateway-a"]["environment"]:
            key = variable.removeprefix("SWITCHBOARD_").lower().replace("__", ".")
            self.assertIn(key, documented)

    def test_gateways_trust_the_balancer_and_nobody_else(self):
        (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
        addresses = {name: ipaddress.ip_address(service["networks"]["default"]["ipv4_address"]) for name, service in SERVICES.items() if "networks" in service}
        self.assertEqual(set(addresses), {"balancer"}, "the rest of the network is for those that have none of their own")
        self.assertIn(addresses["balancer"], ipaddress.ip_network(network["subnet"]))
        # It has to say for whom it asks.
        self.assertIn("option forwardfor", (ROOT / "deploy/haproxy/haproxy.cfg").read_text())
        for name in GATEWAYS:
            self.assertEqual(SERVICES[name]["environment"]["SWITCHBOARD_PROXY__TRUSTED"], str(addresses["balancer"]))

    def test_nothing_is_open_to_the_network_and_little_is_allowed(self):
        for name, service in SERVICES.items():
            with self.subTest(name):
                self.assertTrue(all(port.startswith("127.0.0.1:") for port in service.get("ports", [])))
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertTrue(service.get("read_only") or name == "grafana", "Grafana unpacks plugins beside its data")

    def test_images_are_pinned(self):
        for name, service in SERVICES.items():
            self.assertRegex(service["image"], r":(v?\d+\.\d|local$)", name)

    def test_what_is_mounted_is_there(self):
        volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
        files = [volume.split(":")[0] for volume in volumes if volume.startswith(".")]
        self.assertEqual(len(files), 5)
        for file in files:
            self.assertTrue((ROOT / file).exists(), file)

    def test_the_balancer_and_prometheus_know_each_gateway(self):
        haproxy = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
        nginx = (ROOT / "deploy/nginx/nginx.conf").read_text()
        prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        (scraped,) = prometheus["scrape_configs"][0]["static_configs"]
        self.assertEqual(scraped["targets"], [f"{name}:9090" for name in GATEWAYS])
        self.assertEqual(re.findall(r"^ +server \S+ (\S+):8080", haproxy, re.MULTILINE), GATEWAYS)
        self.assertEqual(re.findall(r"server (\S+):8080 ", nginx), GATEWAYS)


class Turn(unittest.TestCase):
    COMMAND = SERVICES["coturn"]["command"]

    def test_gateways_and_the_server_share_a_secret_that_the_environment_may_say(self):
        secrets = {SERVICES[name]["environment"]["SWITCHBOARD_ICE__TURN_SECRET"] for name in GATEWAYS}
        (secret,) = secrets
        self.assertRegex(secret, r"^\$\{TURN_SECRET:-[a-z-]{16,}\}$")
        self.assertIn(f"--static-auth-secret={secret}", self.COMMAND)
        self.assertIn("--use-auth-secret", self.COMMAND)

    def test_no_shell_reads_the_secret(self):
        self.assertEqual(SERVICES["coturn"]["entrypoint"], ["turnserver"])
        self.assertTrue(all(argument.startswith("-") for argument in self.COMMAND), self.COMMAND)

    def test_clients_are_sent_to_the_port_that_is_published(self):
        urls = SERVICES["gateway-a"]["environment"]["SWITCHBOARD_ICE__TURN_URLS"].split(",")
        ports = [f"127.0.0.1:3478:3478/{url.partition('?transport=')[2]}" for url in urls]
        self.assertEqual(ports, SERVICES["coturn"]["ports"])
        self.assertTrue(all(url.startswith("turn:127.0.0.1:3478?") for url in urls))
        self.assertIn("--listening-port=3478", self.COMMAND)


class Grafana(unittest.TestCase):
    def test_it_shows_the_boards_to_everybody_and_begins_with_one_that_is_there(self):
        grafana = SERVICES["grafana"]
        (folder,) = [v.split(":")[:2] for v in grafana["volumes"] if "dashboards" in v.split(":")[0]]
        self.assertEqual(grafana["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"], "Viewer")
        home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertTrue((ROOT / folder[0] / pathlib.PurePath(home).relative_to(folder[1])).is_file())
        provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/switchboard.yml").read_text())
        self.assertEqual(provider["providers"][0]["options"]["path"], folder[1])

    def test_it_knows_where_jaeger_is(self):
        source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/jaeger.yml").read_text())
        self.assertEqual(source["datasources"][0]["url"], "http://jaeger:16686")
        self.assertIn("127.0.0.1:16686:16686", SERVICES["jaeger"]["ports"])

    def test_it_knows_how_often_prometheus_scrapes(self):
        source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
        prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        self.assertEqual(source["datasources"][0]["jsonData"]["timeInterval"], prometheus["global"]["scrape_interval"])


class Traces(unittest.TestCase):
    def test_gateways_export_none_until_they_are_told_where(self):
        for name in GATEWAYS:
            self.assertEqual(SERVICES[name]["environment"]["SWITCHBOARD_OTLP__ENDPOINT"], "${OTLP_ENDPOINT:-}")
        self.assertIn("OTLP_ENDPOINT=http://jaeger:4318", TEXT)

    def test_the_collector_uses_what_it_defines_and_defines_what_it_uses(self):
        collector = yaml.safe_load((ROOT / "deploy/otel-collector/config.yaml").read_text())
        (pipeline,) = collector["service"]["pipelines"].values()
        for kind in ("receivers", "processors", "exporters"):
            self.assertEqual(set(collector[kind]), set(pipeline[kind]), kind)
        self.assertEqual(set(collector["extensions"]), set(collector["service"]["extensions"]))
        self.assertTrue(collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318"))
        self.assertEqual(pipeline["processors"][0], "memory_limiter", "it has to refuse before others take")
        self.assertEqual(pipeline["processors"][-1], "batch")
