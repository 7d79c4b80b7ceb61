//! What is needed to run the gateway: the chart, rules, dashboards, the compose file, the image and the systemd unit.

use std::process::Command;

use anyhow::Result;

use super::{gateway, npm_packages, tell_gateway};
use crate::python;
use crate::step::{Run, StepId};
use crate::tools::{npm, put_node_on_the_path};

/// The chart's tests, and those of what lies beside it.
const TESTS: &str = "deploy/tests";
/// The program that makes the dashboards.
const DASHBOARDS: &str = "deploy/grafana";
const REQUIREMENTS: &str = "deploy/tests/requirements.txt";

pub(super) fn deploy(run: &mut Run, tools: StepId) {
    let title = format!("Python packages of {TESTS}");
    let python = run.step(&title, &[tools], || python::install(REQUIREMENTS));
    let models = npm_packages(run, tools, TESTS);
    let built = gateway(run, tools);
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
    let mut command = python::python()?;
    put_node_on_the_path(&mut command);
    tell_gateway(&mut command)?;
    command.arg(TESTS);
    Ok(command)
}
