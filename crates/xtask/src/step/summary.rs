//! What a run says at its end.

use std::time::Duration;

use clap::builder::styling::Style;

use super::totals::Totals;
use super::{Outcome, Step};

/// Printed through `anstream`: plain where standard output is no terminal, or `NO_COLOR` (no-color.org) is set.
pub(super) const BOLD: Style = Style::new().bold();

/// A table of all steps, a verdict, and, where tests are part of it, as the very last line how many passed and failed.
pub(super) fn print(steps: &[Step], elapsed: Duration) {
    let title_width = steps.iter().map(|step| step.title.chars().count()).max();
    anstream::println!("\n{BOLD}=== Summary{BOLD:#}");
    for step in steps {
        println!("{}", row(step, title_width.unwrap_or_default()));
    }
    anstream::println!("\n{BOLD}{}{BOLD:#}", verdict(steps, elapsed));
    if let Some(tests) = total(steps) {
        println!("{} passed, {} failed", tests.passed, tests.failed);
    }
}

fn row(step: &Step, title_width: usize) -> String {
    let title = &step.title;
    let (word, elapsed, why) = match &step.outcome {
        Outcome::Ok => ("ok", elapsed_words(step.elapsed), None),
        Outcome::Failed(why) => ("FAILED", elapsed_words(step.elapsed), Some(first_line(why))),
        Outcome::NotRun(why) => ("NOT RUN", "-".to_owned(), Some(first_line(why))),
    };
    let tests = step.tests.map(|tests| tests.to_string());
    let notes: Vec<_> = tests.as_deref().into_iter().chain(why).collect();
    let row = format!(
        "{word:<7}  {title:<title_width$}  {elapsed:>10}  {}",
        notes.join("; ")
    );
    row.trim_end().to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn verdict(steps: &[Step], elapsed: Duration) -> String {
    let failed: Vec<_> = steps
        .iter()
        .filter(|step| !step.outcome.is_ok())
        .map(|step| step.title.as_str())
        .collect();
    let elapsed = elapsed_words(elapsed);
    if failed.is_empty() {
        format!("All {} steps ok in {elapsed}", steps.len())
    } else {
        format!("FAILED after {elapsed}: {}", failed.join(", "))
    }
}

/// `None`: no step ran any.
fn total(steps: &[Step]) -> Option<Totals> {
    let ran = steps.iter().filter_map(|step| step.tests);
    ran.reduce(|mut total, tests| {
        total += tests;
        total
    })
}

/// `0.4 s`, `12.3 s`, `2 min 03 s`
pub(super) fn elapsed_words(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(title: &str, outcome: Outcome, tests: Option<Totals>) -> Step {
        Step {
            title: title.to_owned(),
            outcome,
            elapsed: Duration::from_millis(1234),
            tests,
        }
    }

    fn three_steps() -> [Step; 3] {
        let passed = Totals {
            passed: 3,
            failed: 0,
            skipped: 0,
        };
        let some_failed = Totals {
            failed: 2,
            ..passed
        };
        [
            step("One", Outcome::Ok, Some(passed)),
            step(
                "Two",
                Outcome::Failed("exit status: 1\nmore".to_owned()),
                Some(some_failed),
            ),
            step("Three", Outcome::NotRun("needs «Two»".to_owned()), None),
        ]
    }

    #[test]
    fn a_row_names_outcome_time_tests_and_reason() {
        let [one, two, three] = three_steps();
        assert_eq!(
            row(&one, 5),
            "ok       One         1.2 s  3 passed, 0 failed"
        );
        assert_eq!(
            row(&two, 5),
            "FAILED   Two         1.2 s  3 passed, 2 failed; exit status: 1"
        );
        assert_eq!(row(&three, 5), "NOT RUN  Three           -  needs «Two»");
    }

    #[test]
    fn the_verdict_names_what_failed_and_what_did_not_run() {
        let minute = Duration::from_secs(60);
        assert_eq!(
            verdict(&three_steps(), minute),
            "FAILED after 1 min 00 s: Two, Three"
        );
        assert_eq!(
            verdict(&three_steps()[..1], minute),
            "All 1 steps ok in 1 min 00 s"
        );
    }

    #[test]
    fn the_totals_of_all_steps_add_up() {
        let total = total(&three_steps()).expect("two steps ran tests");
        assert_eq!((total.passed, total.failed), (6, 2));
    }

    #[test]
    fn a_run_without_tests_has_no_totals() {
        assert!(total(&three_steps()[2..]).is_none());
    }

    #[test]
    fn times_read_as_words() {
        assert_eq!(elapsed_words(Duration::from_millis(420)), "0.4 s");
        assert_eq!(elapsed_words(Duration::from_secs_f64(59.97)), "1 min 00 s");
        assert_eq!(elapsed_words(Duration::from_secs(123)), "2 min 03 s");
    }
}
