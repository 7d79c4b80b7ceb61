"""values.yaml, its schema, the README's table and the templates speak of the same keys."""

import json
import pathlib
import re
import tarfile
import tempfile
import unittest

import values_table
import yaml
from chart import CHART, FOLDER, VALUES, only, render

DEFAULTS = yaml.safe_load((FOLDER / "values.yaml").read_text())
SCHEMA = json.loads((FOLDER / "values.schema.json").read_text())
TEMPLATES = "".join(path.read_text() for path in FOLDER.glob("templates/**/*") if path.is_file())
DOCS = pathlib.Path(__file__).parent.parent.parent / "docs"
#: What is passed on as it is: the keys below are not the chart's.
WHOLE = {"config", "lifecycle", "resources", "trialRedis.resources", "autoscaling.behavior", "podSecurityContext", "monitoring.dashboards.labels", "monitoring.dashboards.annotations"}


def paths(tree, prefix=""):
    """Every key, also those that hold others."""
    for key, value in tree.items():
        path = prefix + key
        yield path
        if isinstance(value, dict) and path not in WHOLE:
            yield from paths(value, path + ".")


def schema_of(path):
    schema = SCHEMA
    for part in path.split("."):
        schema = schema.get("properties", {}).get(part)
        if schema is None:
            return None
    return schema


class Keys(unittest.TestCase):
    def test_every_value_is_in_the_schema_and_of_its_type(self):
        for path in paths(DEFAULTS):
            self.assertIsNotNone(schema_of(path), path)
        CHART.validate_schema(VALUES["alone"])

    def test_the_schema_knows_no_other_value(self):
        def known(schema, prefix=""):
            for key, inner in schema.get("properties", {}).items():
                yield prefix + key
                if prefix + key not in WHOLE:
                    yield from known(inner, prefix + key + ".")

        # Helm itself adds `global`.
        passed_on = ("httpRoute.timeouts.request", "httpRoute.timeouts.backendRequest")
        self.assertEqual(set(known(SCHEMA)) - {"global", *passed_on}, set(paths(DEFAULTS)))

    def test_a_slip_in_any_part_is_refused(self):
        for path in paths(DEFAULTS):
            schema = schema_of(path)
            if "properties" in schema and path not in WHOLE:
                self.assertIs(schema["additionalProperties"], False, path)

    def test_every_value_is_used(self):
        for path in paths(DEFAULTS):
            self.assertRegex(TEMPLATES, r"\.%s\b" % re.escape(path.split(".")[-1]), path)
        for key in DEFAULTS:
            self.assertRegex(TEMPLATES, r"\$?\.Values\.%s\b" % key)

    def test_every_value_is_explained(self):
        explained = {key for key, _, _ in values_table.rows((FOLDER / "values.yaml").read_text())}
        groups = {path for path in paths(DEFAULTS) if any(key.startswith(path + ".") for key in explained)}
        inner = {path for path in paths(DEFAULTS) if path.rpartition(".")[0] in explained}
        self.assertEqual(set(paths(DEFAULTS)) - groups - inner, explained - groups)

    def test_the_table_in_the_readme_is_what_the_values_say(self):
        self.assertEqual(values_table.README.read_text(), values_table.readme_with_table(), "python3 deploy/tests/values_table.py")


class Readme(unittest.TestCase):
    def test_its_examples_can_be_installed(self):
        text = values_table.README.read_text()
        (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        self.assertEqual(only(render(yaml.safe_load(example)), "Deployment")["spec"]["replicas"], 3)
        trial = {}
        for path, value in re.findall(r"--set ([\w.]+)=(\S+)", text):
            tree = trial
            *parents, key = path.split(".")
            for parent in parents:
                tree = tree.setdefault(parent, {})
            tree[key] = yaml.safe_load(value)
        self.assertTrue(only(render(trial), "StatefulSet"))

    def test_the_package_has_what_the_templates_read(self):
        with tempfile.TemporaryDirectory() as folder, tarfile.open(CHART.save(folder)) as package:
            names = {name.removeprefix("switchboard/") for name in package.getnames()}
        self.assertLessEqual({"README.md", "values.schema.json", "files/rules.yml", "files/dashboards/overview.json"}, names)


class Config(unittest.TestCase):
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", (DOCS / "configuration.md").read_text(), re.MULTILINE))

    def test_keys_of_the_gateway_that_the_chart_speaks_of_are_documented(self):
        texts = [path.read_text() for path in (FOLDER / "values.yaml", FOLDER / "README.md", *FOLDER.glob("templates/**/*.*"))]
        spoken = set(re.findall(r"config\.([a-z_]+(?:\.[a-z_]+)+)", "".join(texts))) - {"drain.grace_ms and window_ms"}
        self.assertIn("drain.deadline_ms", spoken)
        self.assertLessEqual(spoken, self.documented)
        listed = re.search(r"range \$path := list (.*?) }}", TEMPLATES)[1]
        self.assertLessEqual(set(re.findall(r'"([a-z_.]+)"', listed)), self.documented)

    def test_keys_of_the_gateway_in_the_value_sets_are_documented(self):
        for name, values in VALUES.items():
            config = values.get("config", {})
            leaves = [path for path in paths(config) if not any(other.startswith(path + ".") for other in paths(config))]
            self.assertLessEqual(set(leaves), self.documented, name)

    def test_variables_are_named_after_keys(self):
        for variable in set(re.findall(r"SWITCHBOARD_([A-Z_]+[A-Z])", TEMPLATES)) - {"CONFIG", "DRAIN__WINDOW_MS"}:
            if variable != "DRAIN":
                self.assertIn(variable.lower().replace("__", "."), self.documented)

    def test_times_that_the_chart_computes_with_are_the_gateways_own(self):
        text = (DOCS / "configuration.md").read_text()
        for key, default in set(re.findall(r'\(list \. "(\w+_ms)" (\d+)\)', TEMPLATES)):
            self.assertIn(f"| `drain.{key}` | `{default}` |", text)


class Metadata(unittest.TestCase):
    def test_images_are_those_of_the_values(self):
        images = yaml.safe_load(CHART.metadata["annotations"]["artifacthub.io/images"])
        gateway = f"{DEFAULTS['image']['repository']}:{CHART.metadata['appVersion']}"
        self.assertEqual([image["image"] for image in images], [gateway, DEFAULTS["trialRedis"]["image"]])

    def test_the_trial_redis_is_the_one_of_compose(self):
        compose = yaml.safe_load((FOLDER.parent.parent / "docker-compose.yml").read_text())
        self.assertEqual(DEFAULTS["trialRedis"]["image"], "docker.io/" + compose["services"]["redis"]["image"])

    def test_the_license_is_that_of_the_project(self):
        cargo = (FOLDER.parent.parent / "Cargo.toml").read_text()
        self.assertIn(f'license = "{CHART.metadata["annotations"]["artifacthub.io/license"]}"', cargo)

    def test_changes_have_a_kind_that_artifact_hub_knows(self):
        for change in yaml.safe_load(CHART.metadata["annotations"]["artifacthub.io/changes"]):
            self.assertIn(change["kind"], ("added", "changed", "deprecated", "removed", "fixed", "security"))
