"""What the chart, the image and the compose file tell a gateway, told to a real one: `GATEWAY_BIN` says which."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.request

from chart import VALUES, gateway_of, only, pod_of, render
from test_compose import GATEWAYS, SERVICES

GATEWAY = os.environ.get("GATEWAY_BIN")
DOCKERFILE = (pathlib.Path(__file__).parent.parent / "Dockerfile").read_text()

#: Whether it is one is only seen by Redis' client.
PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"


def run(environment, *arguments):
    return subprocess.run([GATEWAY, *arguments], env=environment, capture_output=True, text=True)


def unset_variables(value):
    """As compose reads it where none of the variables in it are set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def environment_of(manifests, folder):
    """The variables of a pod, as Kubernetes would set them, with what is mounted in this folder."""
    container = gateway_of(manifests)
    address = "fd00::5" if any("[::]" in variable.get("value", "") for variable in container["env"]) else "10.0.0.5"
    fields = {"metadata.name": "sb-switchboard-7d9c5d8f6b-x2k4q", "status.podIP": address}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    url = "redis://:password@redis:6379"
    if "redis-tls" in mounts:
        url = "rediss://:password@redis:6379?caFile=/etc/switchboard/redis-tls/ca.crt"
    environment = {}
    for variable in container["env"]:
        name, source = variable["name"], variable.get("valueFrom", {})
        if "fieldRef" in source:
            environment[name] = fields[source["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in source:
            secrets = {"SWITCHBOARD_REDIS__URL": url, "SWITCHBOARD_ICE__FETCH__HEADERS": "Authorization: Bearer s3cret\n"}
            environment[name] = secrets.get(name, 40 * "s")
        else:
            environment[name] = variable["value"]
    for volume in pod_of(manifests)["volumes"]:
        if volume["name"] == "config":
            mount_file(folder + mounts["config"], only(manifests, "ConfigMap", volume["configMap"]["name"])["data"]["switchboard.toml"])
        for item in volume.get("secret", {}).get("items", []):
            mount_file(f"{folder}{mounts[volume['name']]}/{item['path']}", PEM)
        if volume["name"] == "tls":
            # The gateway itself looks whether these two fit.
            cert, key = (f"{folder}{mounts['tls']}/{item['path']}" for item in volume["secret"]["items"])
            make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=sb"]
            subprocess.run([*make, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return {name: value.replace("/etc/switchboard", f"{folder}/etc/switchboard") for name, value in environment.items()}


def mount_file(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@contextlib.contextmanager
def running_gateway(environment):
    """Its address, while it runs."""
    address = "127.0.0.1:%d" % free_port()
    with subprocess.Popen([GATEWAY, "--listen", address], env=environment, stderr=subprocess.DEVNULL) as gateway:
        try:
            while run({"SWITCHBOARD_LISTEN": address}, "healthcheck").returncode:
                assert gateway.poll() is None, "the gateway ended"
            yield address
        finally:
            gateway.terminate()


@contextlib.contextmanager
def running_coturn(folder):
    """The port of a TURN server that is started as compose starts it, but for the port and the folder of its files."""
    port = free_port()
    command = [unset_variables(part).replace("/tmp/", f"{folder}/").replace("=3478", f"={port}") for part in SERVICES["coturn"]["entrypoint"] + SERVICES["coturn"]["command"]]
    loopback = ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers"]
    with subprocess.Popen(command + loopback, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while not accepts(port):
                assert server.poll() is None, "coturn ended"
            yield port
        finally:
            server.terminate()


def accepts(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def relayed(port, username, credential):
    """What coturn's own client ends with: 0 where it got a relay and a message came back through it."""
    client = ["turnutils_uclient", "-y", "-n", "1", "-m", "1", "-p", str(port), "-u", username, "-w", credential, "127.0.0.1"]
    return subprocess.run(client, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def image_environment():
    return dict(re.findall(r"(SWITCHBOARD_\w+)=(\S+)", DOCKERFILE))


@unittest.skipUnless(GATEWAY, "cargo xtask test builds a gateway and sets GATEWAY_BIN")
class Told(unittest.TestCase):
    def test_a_pod_of_each_value_set_takes_what_the_chart_says(self):
        for name, values in VALUES.items():
            manifests = render(values)
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                environment = {**image_environment(), **environment_of(manifests, folder)}
                checked = run(environment, "check-config")
                self.assertEqual(checked.returncode, 0, checked.stderr)
                self.assertIn("ops_host = ", checked.stdout)
                self.assertIn('listen = "[::]:8080"' if "ipv6" in name else 'listen = "0.0.0.0:8080"', checked.stdout)

    def test_numbers_arrive_as_they_were_written(self):
        with tempfile.TemporaryDirectory() as folder:
            checked = run(environment_of(render(VALUES["slow-drain"]), folder), "check-config")
        self.assertIn("window_ms = 900000 ", checked.stdout)

    def test_the_pod_of_helm_test_asks_for_what_there_is(self):
        (container,) = only(render(VALUES["hpa"]), "Pod")["spec"]["containers"]
        arguments = [argument.replace("sb-switchboard:80", "127.0.0.1:1") for argument in container["args"]]
        self.assertIn("no answer from http://127.0.0.1:1/health", run(image_environment(), *arguments).stderr)

    def test_a_gateway_of_compose_and_its_healthcheck_take_the_same_environment(self):
        for name in GATEWAYS:
            # A port on which nobody answers.
            said = {name: unset_variables(value) for name, value in SERVICES[name]["environment"].items()}
            environment = {**image_environment(), **said, "SWITCHBOARD_OPS_LISTEN": "0.0.0.0:1"}
            checked = run(environment, "check-config")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            check = SERVICES[name]["healthcheck"]["test"]
            self.assertEqual(check[:2], ["CMD", "/usr/local/bin/switchboard"])
            self.assertIn("no answer from http://127.0.0.1:1/healthz", run(environment, *check[2:]).stderr)

    def test_a_turn_server_of_compose_takes_the_credentials_of_a_gateway_and_no_others(self):
        said = {name: unset_variables(value) for name, value in SERVICES["gateway-a"]["environment"].items()}
        environment = {name: value for name, value in said.items() if name.startswith(("SWITCHBOARD_ICE", "SWITCHBOARD_AUTH"))}
        with tempfile.TemporaryDirectory() as folder, running_gateway(environment) as address, running_coturn(folder) as port:
            with urllib.request.urlopen(f"http://{address}/v1/ice-servers") as answer:
                (server,) = json.load(answer)["iceServers"]
            self.assertEqual(relayed(port, server["username"], server["credential"]), 0)
            self.assertNotEqual(relayed(port, server["username"], "another"), 0)

    def test_promtool_has_nothing_against_its_metrics(self):
        with running_gateway({}) as address:
            metrics = urllib.request.urlopen(f"http://{address}/metrics").read()
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))

    def test_the_image_alone_says_what_is_missing(self):
        self.assertIn("auth.mode", run(image_environment(), "check-config").stderr)
