//! `cargo xtask test`: everything that CI runs, in one go.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::step::{Run, StepId};
use crate::tools::{self, Tool, npm, servers};
use crate::workspace::{self, cargo};
use crate::{dependencies, packages};

mod deploy;

/// The folder of the browser SDK.
const SDK: &str = "clients/js";
/// The folder of the browser tests.
const BROWSER_TESTS: &str = "e2e";

const EXAMPLES: &str = "\
Examples:
  cargo xtask test                          everything, as CI does it
  cargo xtask test --only rust              while working on a crate
  cargo xtask test --only lint --only sdk   before a commit to the SDK
  CHROMIUM=/opt/chrome/chrome cargo xtask test --only browser
                                            the browser tests in a browser of one's own

What the tests need (redis-server, openssl, haproxy, nginx, coturn, prometheus, chromium, node, npm, pip) is installed where that is
possible, on Debian and Ubuntu as root; elsewhere the command to type is shown. Nothing is skipped: a
missing part fails. The last line counts all tests: «N passed, N failed»; a failure exits with 1.";

/// Run formatter, lints, Rust tests, SDK checks, tests of the deployment and browser tests.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Run only this part; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// cargo fmt --check and clippy, warnings being errors; licences and bans
    Lint,
    /// all Rust tests, doc tests too
    Rust,
    /// the browser SDK's type check and tests
    Sdk,
    /// the chart, alerts, dashboards, the compose file, the image and the systemd unit
    Deploy,
    /// real pages in a real browser, against real gateways
    Browser,
}

/// Runs the chosen parts, or all of them, and says how the program should exit.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut run = Run::begin();
    for part in chosen(&options.only) {
        let title = format!("Tools for {}", part.name());
        let tools = run.step(&title, &[], || tools::require(part.tools()));
        match part {
            Part::Lint => lint(&mut run, tools),
            Part::Rust => rust(&mut run, tools),
            Part::Sdk => sdk(&mut run, tools),
            Part::Deploy => deploy::deploy(&mut run, tools),
            Part::Browser => browser(&mut run, tools),
        }
    }
    run.finish()
}

/// The chosen parts in the order in which they run; all of them if none was chosen.
fn chosen(only: &[Part]) -> Vec<Part> {
    Part::value_variants()
        .iter()
        .copied()
        .filter(|part| only.is_empty() || only.contains(part))
        .collect()
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Lint => "lints",
            Self::Rust => "Rust tests",
            Self::Sdk => "the SDK",
            Self::Deploy => "deployment",
            Self::Browser => "browser tests",
        }
    }

    /// What the machine must have for this part. What one part lacks keeps no other from running.
    fn tools(self) -> &'static [&'static Tool] {
        match self {
            Self::Lint => &[&tools::RUSTFMT, &tools::CLIPPY],
            Self::Rust => &[
                &tools::REDIS,
                &tools::OPENSSL,
                &tools::HAPROXY,
                &tools::NGINX,
                &tools::PROMETHEUS,
            ],
            Self::Sdk => &[&tools::NODE, &tools::NPM],
            Self::Deploy => &[
                &tools::OPENSSL,
                &tools::PIP,
                &tools::NODE,
                &tools::NPM,
                &tools::PROMTOOL,
                &tools::COTURN,
                // The unit is for systemd, and so is what judges it.
                #[cfg(target_os = "linux")]
                &tools::SYSTEMD,
            ],
            Self::Browser => &[
                &tools::REDIS,
                &tools::OPENSSL,
                &tools::COTURN,
                &tools::NODE,
                &tools::NPM,
                &tools::CHROMIUM,
            ],
        }
    }
}

fn lint(run: &mut Run, tools: StepId) {
    let fmt = cargo(["fmt", "--all", "--check"]);
    run.command("Formatting", &[tools], fmt);
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run.command("Clippy", &[tools], cargo(clippy));
    run.step("Dependencies", &[], dependencies::check);
    let fuzz = cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]);
    run.command("Formatting of the fuzzers", &[tools], fuzz);
}

fn rust(run: &mut Run, tools: StepId) {
    let build = cargo(["test", "--workspace", "--no-run"]);
    let built = run.command("Build of the Rust tests", &[tools], build);
    run.tests("Rust tests", &[built], || {
        let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
        tests.env_remove(servers::VARIABLE);
        Ok(tests)
    });
    over_other_servers(run, built);
}

/// What holds over the installed Redis holds over the oldest that will do, and over Valkey.
fn over_other_servers(run: &mut Run, built: StepId) {
    let title = "Tools for other servers than Redis 7";
    let pip = run.step(title, &[], || tools::require(&[&tools::PIP]));
    run.tests(
        "Rust tests over Redis 6.2 and Valkey 8.1",
        &[built, pip],
        || {
            let targets = ["--test", "conformance", "--test", "cluster"];
            let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
            tests
                .args(targets)
                .args(["--", "other_server", "what_is_refused"]);
            tests.env(servers::VARIABLE, servers::others()?);
            Ok(tests)
        },
    );
}

fn sdk(run: &mut Run, tools: StepId) {
    let packages = npm_packages(run, tools, SDK);
    run.command("SDK type check", &[packages], npm(SDK, ["run", "check"]));
    run.tests("SDK tests", &[packages], || Ok(npm(SDK, ["test"])));
}

fn browser(run: &mut Run, tools: StepId) {
    let packages = npm_packages(run, tools, BROWSER_TESTS);
    let built = gateway(run, tools);
    run.tests("Browser tests", &[packages, built], browser_tests);
}

/// For tests that start it themselves.
fn gateway(run: &mut Run, tools: StepId) -> StepId {
    let build = ["build", "-p", "switchboard-gateway", "--bin", "switchboard"];
    run.command("Build of the gateway", &[tools], cargo(build))
}

/// Tells tests which gateway they are to start.
fn tell_gateway(tests: &mut Command) -> Result<()> {
    let gateway = workspace::switchboard_binary()?;
    ensure!(gateway.is_file(), "{} was not built", gateway.display());
    tests.env("GATEWAY_BIN", gateway);
    Ok(())
}

fn npm_packages(run: &mut Run, tools: StepId, folder: &str) -> StepId {
    let title = format!("npm packages of {folder}");
    run.step(&title, &[tools], || packages::install(folder))
}

/// The browser tests start gateways and browsers themselves: they are told which.
fn browser_tests() -> Result<Command> {
    let chromium = tools::CHROMIUM.path().context("chromium has gone")?;
    let mut command = npm(BROWSER_TESTS, ["test"]);
    tell_gateway(&mut command)?;
    command.env("CHROMIUM", chromium);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_all_parts_run() {
        assert!(chosen(&[]) == Part::value_variants());
    }

    #[test]
    fn chosen_parts_run_once_and_in_order() {
        let only = [Part::Sdk, Part::Lint, Part::Sdk];
        assert!(chosen(&only) == [Part::Lint, Part::Sdk]);
    }

    #[test]
    fn a_machine_without_node_runs_the_rust_tests() {
        let names = |part: Part| {
            part.tools()
                .iter()
                .map(|tool| tool.name)
                .collect::<Vec<_>>()
        };
        let rust = ["redis-server", "openssl", "haproxy", "nginx", "prometheus"];
        assert_eq!(names(Part::Rust), rust);
        assert_eq!(names(Part::Lint), ["rustfmt", "clippy"]);
    }
}
