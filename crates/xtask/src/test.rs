//! `cargo xtask test`: everything that CI runs, in one go.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::packages;
use crate::step::{Run, StepId};
use crate::tools::{self, Tool};
use crate::workspace::{self, cargo, npm};

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

What the tests need (redis-server, openssl, chromium, node, npm) is installed where that is possible, on
Debian and Ubuntu as root; elsewhere the command to type is shown. Nothing is skipped: a missing
part fails. The last line counts all tests: «N passed, N failed»; a failure exits with 1.";

/// Run formatter, lints, Rust tests, SDK checks and browser tests.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Run only this part; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// cargo fmt --check and clippy, warnings being errors
    Lint,
    /// all Rust tests, doc tests too
    Rust,
    /// the browser SDK's type check and tests
    Sdk,
    /// real pages in a real browser, against real gateways
    Browser,
}

/// Runs the chosen parts, or all of them, and says how the program should exit.
pub(crate) fn run(options: &Options) -> ExitCode {
    let parts = chosen(&options.only);
    let mut run = Run::begin();
    let tools = run.step("Tools", &[], || tools::require(&tools_for(&parts)));
    for part in parts {
        match part {
            Part::Lint => lint(&mut run, tools),
            Part::Rust => rust(&mut run, tools),
            Part::Sdk => sdk(&mut run, tools),
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

/// The tools that these parts need, each once.
fn tools_for(parts: &[Part]) -> Vec<&'static Tool> {
    let any_of = |users: &[Part]| parts.iter().any(|part| users.contains(part));
    [
        (&tools::RUSTFMT, &[Part::Lint][..]),
        (&tools::CLIPPY, &[Part::Lint]),
        (&tools::REDIS, &[Part::Rust, Part::Browser]),
        (&tools::OPENSSL, &[Part::Rust]),
        (&tools::NODE, &[Part::Sdk, Part::Browser]),
        (&tools::NPM, &[Part::Sdk, Part::Browser]),
        (&tools::CHROMIUM, &[Part::Browser]),
    ]
    .into_iter()
    .filter_map(|(tool, users)| any_of(users).then_some(tool))
    .collect()
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
}

fn rust(run: &mut Run, tools: StepId) {
    let build = cargo(["test", "--workspace", "--no-run"]);
    let built = run.command("Build of the Rust tests", &[tools], build);
    run.tests("Rust tests", &[built], || {
        Ok(cargo(["test", "--workspace", "--no-fail-fast"]))
    });
}

fn sdk(run: &mut Run, tools: StepId) {
    let packages = npm_packages(run, tools, SDK);
    run.command("SDK type check", &[packages], npm(SDK, ["run", "check"]));
    run.tests("SDK tests", &[packages], || Ok(npm(SDK, ["test"])));
}

fn browser(run: &mut Run, tools: StepId) {
    let packages = npm_packages(run, tools, BROWSER_TESTS);
    let build = ["build", "-p", "switchboard-gateway", "--bin", "switchboard"];
    let built = run.command("Build of the gateway", &[tools], cargo(build));
    run.tests("Browser tests", &[packages, built], browser_tests);
}

fn npm_packages(run: &mut Run, tools: StepId, folder: &str) -> StepId {
    let title = format!("npm packages of {folder}");
    run.step(&title, &[tools], || packages::install(folder))
}

/// The browser tests start gateways and browsers themselves: they are told which.
fn browser_tests() -> Result<Command> {
    let gateway = workspace::switchboard_binary()?;
    ensure!(gateway.is_file(), "{} was not built", gateway.display());
    let chromium = tools::CHROMIUM.path().context("chromium has gone")?;
    let mut command = npm(BROWSER_TESTS, ["test"]);
    command
        .env("GATEWAY_BIN", gateway)
        .env("CHROMIUM", chromium);
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
    fn a_part_asks_only_for_the_tools_that_it_needs() {
        assert_eq!(tools_for(&[Part::Rust]).len(), 2);
        assert_eq!(tools_for(&[Part::Sdk, Part::Browser]).len(), 4);
        assert_eq!(tools_for(Part::value_variants()).len(), 7);
    }
}
