//! How many tests ran, read from the lines with which test runners close.
//!
//! - libtest, once for each test binary and for each crate's doc tests:
//!   `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
//! - `node --test`, a block of lines in fixed order, marked `#` (TAP) or `ℹ` (spec):
//!   `# tests 5`, `# suites 0`, `# pass 4`, `# fail 1`, `# cancelled 0`, `# skipped 0`, `# todo 0`
//! - Python's unittest, two lines with an empty one between them: `Ran 16 tests in 4.2s`, then `OK`, `OK (skipped=1)` or
//!   `FAILED (failures=1, errors=2)`

use std::fmt;
use std::ops::AddAssign;

use anstream::adapter::strip_str;

/// Tests that ran, and those that their runner left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Ignored (libtest), skipped or to do (node), skipped (unittest).
    pub(crate) skipped: u64,
}

impl Totals {
    /// How many tests were executed.
    pub(crate) fn ran(self) -> u64 {
        self.passed + self.failed
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Adds up closing lines while a runner's output goes by.
#[derive(Default)]
pub(crate) struct Counter {
    totals: Totals,
    node: NodeClosing,
    unittest: UnittestClosing,
}

impl Counter {
    /// Looks at one line of output; lines that close nothing change nothing.
    pub(crate) fn read(&mut self, line: &str) {
        // `FORCE_COLOR` brings colours even into a pipe.
        let line = strip_str(line).to_string();
        let line = line.trim_end();
        let closing = libtest_closing(line)
            .or_else(|| self.node.read(line))
            .or_else(|| self.unittest.read(line));
        if let Some(totals) = closing {
            self.totals += totals;
        }
    }

    /// The sum so far.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }
}

/// `test result: ok. 3 passed; 1 failed; …`
fn libtest_closing(line: &str) -> Option<Totals> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count_of = |word: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
    };
    Some(Totals {
        passed: count_of("passed")?,
        failed: count_of("failed")?,
        skipped: count_of("ignored")?,
    })
}

/// The block that closes a run of `node --test`, as far as it was read. Only the whole block counts: a test that
/// prints `# pass 7` shows up in TAP output looking just like one of its lines.
#[derive(Default)]
struct NodeClosing {
    counts: Vec<u64>,
}

impl NodeClosing {
    const ORDER: [&str; 7] = [
        "tests",
        "suites",
        "pass",
        "fail",
        "cancelled",
        "skipped",
        "todo",
    ];

    fn read(&mut self, line: &str) -> Option<Totals> {
        let Some((word, count)) = node_count(line) else {
            self.counts.clear();
            return None;
        };
        if word != Self::ORDER[self.counts.len()] {
            self.counts.clear();
        }
        if word == Self::ORDER[self.counts.len()] {
            self.counts.push(count);
        }
        self.complete()
    }

    fn complete(&mut self) -> Option<Totals> {
        let [_tests, _suites, pass, fail, cancelled, skipped, todo] = self.counts[..] else {
            return None;
        };
        self.counts.clear();
        Some(Totals {
            passed: pass,
            failed: fail + cancelled,
            skipped: skipped + todo,
        })
    }
}

/// `# pass 4` or `ℹ pass 4`
fn node_count(line: &str) -> Option<(&str, u64)> {
    let line = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (word, count) = line.split_once(' ')?;
    Some((word, count.parse().ok()?))
}

/// The two lines that close a run of Python's unittest. A test with several failed parts counts in the second line once
/// for each, and one that could not be set up was not run: then there are more failures than tests.
#[derive(Default)]
struct UnittestClosing {
    ran: Option<u64>,
}

impl UnittestClosing {
    fn read(&mut self, line: &str) -> Option<Totals> {
        if line.is_empty() {
            return None;
        }
        let before = self.ran.take();
        if let Some(rest) = line.strip_prefix("Ran ") {
            self.ran = rest.split_once(" test")?.0.parse().ok();
            return None;
        }
        let ran = before?;
        let (verdict, details) = line.split_once(" (").unwrap_or((line, ""));
        if verdict != "OK" && verdict != "FAILED" {
            return None;
        }
        let failed = detail(details, "failures") + detail(details, "errors");
        let failed = failed + detail(details, "unexpected successes");
        let skipped = detail(details, "skipped");
        Some(Totals {
            passed: ran.saturating_sub(failed + skipped),
            failed,
            skipped,
        })
    }
}

/// `errors` in `failures=1, errors=2)`
fn detail(details: &str, name: &str) -> u64 {
    details
        .trim_end_matches(')')
        .split(", ")
        .find_map(|detail| detail.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(output: &str) -> Totals {
        let mut counter = Counter::default();
        output.lines().for_each(|line| counter.read(line));
        counter.totals()
    }

    fn totals(passed: u64, failed: u64, skipped: u64) -> Totals {
        Totals {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn every_test_binary_of_cargo_adds_up() {
        let output = "\
running 2 tests
test ids::tests::fine ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: FAILED. 3 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.20s
   Doc-tests switchboard_protocol
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(count(output), totals(5, 1, 4));
    }

    #[test]
    fn node_closes_in_tap() {
        let output = "\
1..5
# tests 5
# suites 0
# pass 2
# fail 1
# cancelled 1
# skipped 1
# todo 0
# duration_ms 51.2";
        assert_eq!(count(output), totals(2, 2, 1));
    }

    #[test]
    fn node_closes_in_spec_and_in_colour() {
        let output = ["tests 9", "suites 1", "pass 9", "fail 0"]
            .into_iter()
            .chain(["cancelled 0", "skipped 0", "todo 0"])
            .map(|line| format!("\u{1b}[34mℹ {line}\u{1b}[39m\n"))
            .collect::<String>();
        assert_eq!(count(&output), totals(9, 0, 0));
    }

    #[test]
    fn two_runs_of_node_in_one_script_add_up() {
        let block =
            "# tests 1\n# suites 0\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n";
        assert_eq!(count(&block.repeat(2)), totals(2, 0, 0));
    }

    #[test]
    fn unittest_closes_in_two_lines() {
        assert_eq!(count("Ran 16 tests in 4.210s\n\nOK"), totals(16, 0, 0));
        let output = "Ran 1 test in 0.001s\n\nOK (skipped=1)";
        assert_eq!(count(output), totals(0, 0, 1));
        let output = "Ran 9 tests in 1s\n\nFAILED (failures=1, errors=2, skipped=3)";
        assert_eq!(count(output), totals(3, 3, 3));
    }

    #[test]
    fn a_class_of_unittest_that_cannot_be_set_up_has_failed() {
        let output = "Ran 0 tests in 0.001s\n\nFAILED (errors=1)";
        assert_eq!(count(output), totals(0, 1, 0));
    }

    #[test]
    fn what_a_test_prints_is_not_a_closing_line() {
        assert_eq!(
            count(
                "# pass 7\n# tests 1\n# pass 7\nok 1 - says test result: ok. 1 passed\nOK\nRan home\n\nOK"
            ),
            Totals::default()
        );
    }

    #[test]
    fn skipped_tests_are_told_only_when_there_are_some() {
        assert_eq!(totals(3, 0, 0).to_string(), "3 passed, 0 failed");
        assert_eq!(totals(3, 0, 2).to_string(), "3 passed, 0 failed, 2 skipped");
    }
}
