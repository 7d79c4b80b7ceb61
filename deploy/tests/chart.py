"""The chart, as Helm's own engine reads it, and the value sets that the tests render it with."""

import json
import pathlib
import subprocess

import yaml
from helm_python.chart import Chart

HERE = pathlib.Path(__file__).parent
FOLDER = HERE.parent.parent / "helm/switchboard"
CHART = Chart.load(str(FOLDER))
VALUES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((HERE / "values").glob("*.yaml"))}


def render(values, name="sb", namespace="calls"):
    texts = CHART.render(values=values, name=name, namespace=namespace)
    yamls = (text for path, text in texts.items() if path.endswith(".yaml"))
    return [manifest for text in yamls for manifest in yaml.safe_load_all(text) if manifest]


def notes(values):
    texts = CHART.render(values=values, name="sb", namespace="calls")
    return next(text for path, text in texts.items() if path.endswith("NOTES.txt"))


def check_custom(manifests):
    """What the models of the operators have against these custom resources; empty where they fit."""
    check = ["node", str(HERE / "custom_resources.mjs")]
    done = subprocess.run(check, input=json.dumps(manifests), capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def only(manifests, kind, name=None):
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def pod_of(manifests, kind="Deployment"):
    return only(manifests, kind)["spec"]["template"]["spec"]


def gateway_of(manifests):
    return pod_of(manifests)["containers"][0]


def changed(name, **values):
    return {**VALUES[name], **values}
