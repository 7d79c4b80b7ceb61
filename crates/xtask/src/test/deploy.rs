//! What is needed to run the gateway: the chart, rules, dashboards, the compose file, the image and the systemd unit.

use std::process::Command;

use anyhow::{Result, ensure};

use super::npm_packages;
use crate::python;
use crate::step::{Run, StepId};
use crate::tools::{npm, put_node_on_the_path};
use crate::workspace::{self, cargo};

/// The chart's tests, and those of what lies beside it.
const TESTS: &str = "deploy/tests";
/// The program that makes the dashboards.
const DASHBOARDS: &str = "deploy/grafana";
const REQUIREMENTS: &str = "deploy/tests/requirements.txt";

pub(super) fn deploy(run: &mut Run, tools: StepId) {
    let title = format!("Python packages of {TESTS}");
    let python = run.step(&title, &[tools], || python::install(REQUIREMENTS).map(drop));
    let models = npm_packages(run, tools, TESTS);
    let build = ["build", "-p", "switchboard-gateway", "--bin", "switchboard"];
    let built = run.command("Build of the gateway for them", &[tools], cargo(build));
    let needs = [python, models, built];
    run.tests("Chart, rules, compose, host", &needs, chart_tests);
    let dashboards = npm_packages(run, tools, DASHBOARDS);
    let check = npm(DASHBOARDS, ["run", "check"]);
    run.command("Type check of the dashboards", &[dashboards], check);
    run.tests("Dashboards", &[dashboards], || {
        Ok(npm(DASHBOARDS, ["test"]))
    });
}

/// Some of them start node, some the gateway.
fn chart_tests() -> Result<Command> {
    let mut command = python::python(&python::install(REQUIREMENTS)?)?;
    put_node_on_the_path(&mut command);
    let gateway = workspace::switchboard_binary()?;
    ensure!(gateway.is_file(), "{} was not built", gateway.display());
    command.env("GATEWAY_BIN", gateway).arg(TESTS);
    Ok(command)
}
