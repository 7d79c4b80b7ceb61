//! The table.

use std::fmt;

use comfy_table::{Table, presets};

use crate::bed::Kind;
use crate::figures::Figures;
use crate::pace::Pace;
use crate::tally::Counts;

const HEAD: [&str; 12] = [
    "load",
    "servers",
    "signals/s",
    "A, µs CPU",
    "B, µs CPU",
    "Redis, µs CPU",
    "all, µs CPU",
    "p50, ms",
    "p99, ms",
    "out of order",
    "repeated",
    "lost",
];

/// One load.
pub(crate) struct Row {
    pub(crate) pace: Pace,
    /// Of each kind of servers, by round.
    pub(crate) figures: Vec<(Kind, Vec<Figures>)>,
}

/// A Markdown table of these loads: each figure the median of its rounds, each count their sum.
pub(crate) struct Report<'a>(pub(crate) &'a [Row]);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header(HEAD);
        for row in self.0 {
            for (kind, rounds) in &row.figures {
                table.add_row(absolute(row.pace, *kind, rounds));
            }
            if let [(_, node), (_, switchboard)] = &row.figures[..] {
                table.add_row(ratios(row.pace, node, switchboard));
            }
        }
        table.fmt(f)
    }
}

fn absolute(pace: Pace, kind: Kind, rounds: &[Figures]) -> [String; HEAD.len()] {
    let middle = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure));
    let mut counts = Counts::default();
    for round in rounds {
        counts += round.counts;
    }
    [
        pace.to_string(),
        kind.to_string(),
        format!("{:.0}", middle(|round| round.signals_per_second)),
        format!("{:.1}", middle(|round| round.cpu[0])),
        format!("{:.1}", middle(|round| round.cpu[1])),
        format!("{:.1}", middle(|round| round.cpu[2])),
        format!("{:.1}", middle(Figures::cpu_total)),
        format!("{:.2}", middle(|round| round.p50)),
        format!("{:.2}", middle(|round| round.p99)),
        counts.out_of_order.to_string(),
        counts.repeated.to_string(),
        counts.lost.to_string(),
    ]
}

/// Of rounds that followed one another: the median of their ratios; for all CPU also the lowest and the highest.
fn ratios(pace: Pace, node: &[Figures], switchboard: &[Figures]) -> [String; HEAD.len()] {
    let by_round = |figure: fn(&Figures) -> f64| {
        let rounds = node.iter().zip(switchboard);
        rounds.map(move |(node, switchboard)| figure(switchboard) / figure(node))
    };
    let middle = |figure| format!("{:.2}", median(by_round(figure)));
    let lowest = by_round(Figures::cpu_total).fold(f64::INFINITY, f64::min);
    let highest = by_round(Figures::cpu_total).fold(0.0, f64::max);
    let cpu = middle(Figures::cpu_total);
    [
        pace.to_string(),
        "ratio".to_owned(),
        middle(|round| round.signals_per_second),
        middle(|round| round.cpu[0]),
        middle(|round| round.cpu[1]),
        middle(|round| round.cpu[2]),
        format!("**{cpu}** ({lowest:.2}–{highest:.2})"),
        middle(|round| round.p50),
        middle(|round| round.p99),
        String::new(),
        String::new(),
        String::new(),
    ]
}

/// Of an even number of values, the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        (values[half - 1] + values[half]) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(cpu: f64, lost: u64) -> Figures {
        Figures {
            signals_per_second: 1000.0,
            cpu: [cpu, cpu, 2.0 * cpu],
            p50: 1.5,
            p99: 3.0,
            counts: Counts {
                lost,
                ..Counts::default()
            },
        }
    }

    fn cells(report: &str, line: usize) -> Vec<&str> {
        let line = report.lines().nth(line).expect("so many lines");
        line.trim_matches('|').split('|').map(str::trim).collect()
    }

    #[test]
    fn figures_are_medians_and_counts_are_sums() {
        let rounds = vec![figures(9.0, 1), figures(10.0, 2), figures(50.0, 4)];
        let row = Row {
            pace: Pace::PerSecond(1000),
            figures: vec![(Kind::Node, rounds)],
        };
        let report = Report(&[row]).to_string();
        assert_eq!(report.lines().count(), 3, "{report}");
        let cells = cells(&report, 2);
        assert_eq!(
            cells[..7],
            ["1000/s", "Node", "1000", "10.0", "10.0", "20.0", "40.0"]
        );
        assert_eq!(cells[7..], ["1.50", "3.00", "0", "0", "7"]);
    }

    #[test]
    fn a_ratio_is_the_median_of_paired_rounds() {
        let node = vec![figures(10.0, 0), figures(20.0, 0), figures(100.0, 0)];
        let switchboard = vec![figures(5.0, 0), figures(4.0, 0), figures(30.0, 0)];
        let row = Row {
            pace: Pace::Window(64),
            figures: vec![(Kind::Node, node), (Kind::Switchboard, switchboard)],
        };
        let report = Report(&[row]).to_string();
        let cells = cells(&report, 4);
        assert_eq!(cells[..3], ["saturated", "ratio", "1.00"]);
        assert_eq!(cells[6], "**0.30** (0.20–0.50)");
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(median([3.0, 1.0].into_iter()), 2.0);
    }
}
