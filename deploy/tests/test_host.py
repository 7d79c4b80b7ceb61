"""What runs a gateway without Kubernetes: the systemd unit and the Dockerfile."""

import pathlib
import subprocess
import sys
import tempfile
import tomllib
import unittest

import yaml

DEPLOY = pathlib.Path(__file__).parent.parent
UNIT = DEPLOY / "systemd/switchboard.service"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


@unittest.skipUnless(sys.platform == "linux", "systemd is a Linux program")
class Unit(unittest.TestCase):
    def test_systemd_understands_every_line(self):
        with tempfile.TemporaryDirectory() as folder:
            # The program must exist; which one it is does not matter here.
            unit = pathlib.Path(folder) / UNIT.name
            unit.write_text(UNIT.read_text().replace("/usr/local/bin/switchboard", "/bin/true"))
            verified = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit))
            self.assertEqual((verified.returncode, verified.stderr), (0, ""))
            unit.write_text(unit.read_text().replace("LimitNOFILE=", "LimitNOFILES="))
            self.assertIn("LimitNOFILES", run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)).stderr)

    def test_it_may_do_little(self):
        # Of 100, where 0 is the least exposed; it is at 12.
        judged = run("systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNIT))
        self.assertEqual(judged.returncode, 0, judged.stdout)

    def test_a_stop_waits_for_the_drain(self):
        self.assertIn("TimeoutStopSec=75\n", UNIT.read_text())


class Image(unittest.TestCase):
    def test_hadolint_has_nothing_to_say(self):
        linted = run("hadolint", str(DEPLOY / "Dockerfile"))
        self.assertEqual((linted.returncode, linted.stdout), (0, ""))

    def test_versions_are_those_of_the_project(self):
        text = (DEPLOY / "Dockerfile").read_text()
        package = tomllib.loads((DEPLOY.parent / "Cargo.toml").read_text())["workspace"]["package"]
        chart = yaml.safe_load((DEPLOY.parent / "helm/switchboard/Chart.yaml").read_text())
        self.assertIn(f"ARG VERSION={package['version']}\n", text)
        self.assertIn(f"ARG BUILDER=rust:{package['rust-version']}-", text)
        self.assertEqual((chart["appVersion"], chart["version"]), 2 * (package["version"],))

    def test_the_image_runs_as_nobody_and_says_how_it_is(self):
        text = (DEPLOY / "Dockerfile").read_text()
        for line in ("USER 65532:65532\n", 'CMD ["/usr/local/bin/switchboard", "healthcheck"]\n', "STOPSIGNAL SIGTERM\n"):
            self.assertIn(line, text)
