//! A run of steps: each with a title, a time and an outcome, summed up at the end.
//!
//! A failed step does not end the run; only the steps that need it are left out, and count as failed too.

use std::fmt::Display;
use std::io::{self, Write};
use std::iter;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

mod summary;
mod tee;
mod totals;

use summary::{BOLD, elapsed_words};
use totals::Totals;

/// Steps as they were run, in order.
pub(crate) struct Run {
    began: Instant,
    steps: Vec<Step>,
}

/// Names a step of this run that others may need.
#[derive(Clone, Copy)]
pub(crate) struct StepId(usize);

struct Step {
    title: String,
    outcome: Outcome,
    elapsed: Duration,
    tests: Option<Totals>,
}

enum Outcome {
    Ok,
    Failed(String),
    NotRun(String),
}

impl Run {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            steps: Vec::new(),
        }
    }

    /// Runs a piece of work, unless a step that it needs has failed.
    pub(crate) fn step(
        &mut self,
        title: &str,
        needs: &[StepId],
        work: impl FnOnce() -> Result<()>,
    ) -> StepId {
        self.record(title, needs, |_| work())
    }

    /// Runs a command that succeeds or fails as a whole; its output is shown.
    pub(crate) fn command(&mut self, title: &str, needs: &[StepId], command: Command) -> StepId {
        self.step(title, needs, || succeed(command))
    }

    /// Runs a test runner: shows its output, counts its tests, and takes a run without any test for a failure.
    ///
    /// The command is prepared when its turn comes: it may tell the tests about something built just before.
    pub(crate) fn tests(
        &mut self,
        title: &str,
        needs: &[StepId],
        prepare: impl FnOnce() -> Result<Command>,
    ) -> StepId {
        self.record(title, needs, |tests| {
            run_tests(prepare()?, &mut io::stdout(), tests)
        })
    }

    /// Prints the summary, its last line the totals of all tests, and says how the program should exit.
    pub(crate) fn finish(self) -> ExitCode {
        summary::print(&self.steps, self.began.elapsed());
        if self.steps.iter().all(|step| step.outcome.is_ok()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn record(
        &mut self,
        title: &str,
        needs: &[StepId],
        work: impl FnOnce(&mut Option<Totals>) -> Result<()>,
    ) -> StepId {
        let began = Instant::now();
        let mut tests = None;
        let outcome = match self.first_failed(needs) {
            Some(failed) => Outcome::NotRun(format!("needs «{}», which failed", failed.title)),
            None => {
                anstream::println!("\n{BOLD}=== {title}{BOLD:#}");
                outcome_of(work(&mut tests))
            }
        };
        let step = Step {
            title: title.to_owned(),
            outcome,
            elapsed: began.elapsed(),
            tests,
        };
        step.announce();
        self.steps.push(step);
        StepId(self.steps.len() - 1)
    }

    fn first_failed(&self, needs: &[StepId]) -> Option<&Step> {
        needs
            .iter()
            .map(|id| &self.steps[id.0])
            .find(|step| !step.outcome.is_ok())
    }
}

impl Step {
    /// One closing line below the step's own output.
    fn announce(&self) {
        let elapsed = elapsed_words(self.elapsed);
        match &self.outcome {
            Outcome::Ok => println!("--- {}: ok, {elapsed}", self.title),
            Outcome::Failed(why) => println!("--- {}: FAILED, {elapsed}: {why}", self.title),
            Outcome::NotRun(why) => println!("\n--- {}: NOT RUN: {why}", self.title),
        }
    }
}

impl Outcome {
    fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }
}

fn outcome_of(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Ok,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

/// Runs a command with its output shown; anything but success is an error.
pub(crate) fn succeed(mut command: Command) -> Result<()> {
    println!("$ {}", as_typed(&command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| cannot_start(&command))?;
    check(status)
}

fn run_tests(command: Command, out: &mut impl Write, tests: &mut Option<Totals>) -> Result<()> {
    writeln!(out, "$ {}", as_typed(&command))?;
    let (status, totals) = tee::run(command, out)?;
    *tests = Some(totals);
    check(status)?;
    ensure!(totals.failed == 0, "{} tests failed", totals.failed);
    ensure!(totals.ran() > 0, "no test ran");
    Ok(())
}

fn check(status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// The command as one would type it to run this step alone.
fn as_typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn cannot_start(command: &Command) -> impl Display + Send + Sync + 'static {
    let program = command.get_program().display();
    match command.get_current_dir() {
        Some(folder) => format!("cannot start {program} in {}", folder.display()),
        None => format!("cannot start {program}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn outcome(run: &Run, id: StepId) -> &Outcome {
        &run.steps[id.0].outcome
    }

    #[test]
    fn steps_after_a_failed_one_run_unless_they_need_it() {
        let mut run = Run::begin();
        let build = run.command("build", &[], shell("exit 1"));
        let tests = run.command("tests", &[build], shell("exit 0"));
        let after = run.command("after", &[tests], shell("exit 0"));
        let other = run.command("other", &[], shell("exit 0"));
        assert!(matches!(outcome(&run, build), Outcome::Failed(_)));
        assert!(matches!(outcome(&run, tests), Outcome::NotRun(_)));
        assert!(matches!(outcome(&run, after), Outcome::NotRun(_)));
        assert!(outcome(&run, other).is_ok());
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/some/where/cargo");
        command.args(["fmt", "--all"]);
        assert_eq!(as_typed(&command), "cargo fmt --all");
    }

    #[test]
    fn a_runner_that_ran_no_test_has_failed() {
        let mut tests = None;
        let error =
            run_tests(shell("exit 0"), &mut Vec::new(), &mut tests).expect_err("nothing ran");
        assert_eq!(error.to_string(), "no test ran");
    }

    #[test]
    fn failed_tests_are_counted_although_the_step_fails() {
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured";
        let mut tests = None;
        let script = format!("echo '{line}'; exit 101");
        run_tests(shell(&script), &mut Vec::new(), &mut tests).expect_err("exit code 101");
        assert_eq!(tests.map(|totals| totals.failed), Some(2));
    }
}
