use std::collections::BTreeSet;

use super::*;
use crate::tally::Tally;

/// Dashboards, alerts and recorded series know these names: a line changes here only with the changelog.
const SERIES: &str = include_str!("tests/series.txt");

/// Help texts, types and series as a new node shows them, without values.
fn series(text: &str) -> Vec<String> {
    let own = text.lines().filter(|line| !line.contains("process_"));
    let without_value = own.map(|line| match line.rsplit_once(' ') {
        Some((series, _)) if !line.starts_with('#') => series,
        _ => line,
    });
    let version = format!("version=\"{VERSION}\"");
    let lines = without_value.map(|line| line.replace(&version, "version=\"…\""));
    lines.collect()
}

#[test]
fn a_new_node_shows_every_series_with_its_help_in_the_same_order() {
    let text = Metrics::new().text(&Now::default()).expect("text");
    let (shown, expected) = (series(&text), SERIES.lines().map(str::to_owned));
    let expected: Vec<_> = expected.collect();
    let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let (new, known) = (set(&shown), set(&expected));
    let missing: Vec<_> = known.difference(&new).collect();
    let unknown: Vec<_> = new.difference(&known).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:#?}, unknown: {unknown:#?}"
    );
    assert_eq!(shown, expected, "the order");
}

#[test]
fn scrapes_see_what_drains_have_done_once_and_never_less() {
    let metrics = Metrics::new();
    let look = |told, moved| {
        let tally = Tally {
            told,
            moved,
            ..Tally::default()
        };
        let drain = DrainNow {
            tally,
            ..DrainNow::default()
        };
        let now = Now {
            drain,
            ..Now::default()
        };
        let text = metrics.text(&now).expect("text");
        let value = |series: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(series));
            line.map(str::trim).and_then(|value| value.parse().ok())
        };
        (
            value("switchboard_drain_told_total ").expect("a number"),
            value("switchboard_drain_ended_total{outcome=\"moved\"} ").expect("a number"),
        )
    };
    assert_eq!(look(0, 0), (0, 0));
    assert_eq!(look(5, 2), (5, 2));
    assert_eq!(look(5, 2), (5, 2));
    // A scrape that began earlier and ends later.
    assert_eq!(look(4, 2), (5, 2));
    assert_eq!(look(6, 6), (6, 6));
}

#[test]
fn each_kind_and_outcome_of_a_signal_has_a_counter_of_its_own() {
    let metrics = Metrics::new();
    for (kind, name) in outcomes::KINDS {
        for (times, outcome) in outcomes::outcomes().enumerate() {
            for _ in 0..=times {
                metrics.signals.count(kind, outcome);
            }
            let labels = [name, outcomes::outcome_word(outcome)];
            let counter = metrics.node.signals_total.with_label_values(&labels);
            assert_eq!(counter.get(), 1 + times as u64, "{labels:?}");
        }
    }
}

/// Codes and dialects have pages of their own.
#[test]
fn the_page_for_operators_names_every_value_of_a_label() {
    const PAGE: &str = include_str!("../../../../docs/metrics.md");
    for line in SERIES.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, labels)) = line.split_once('{') else {
            continue;
        };
        let start = format!("| `{}{{", name.trim_start_matches("switchboard_"));
        for label in labels.trim_end_matches('}').split(',') {
            let (label, value) = label.split_once('=').expect("a label");
            if ["code", "dialect", "le", "version"].contains(&label) {
                continue;
            }
            let row = PAGE.lines().find(|row| row.starts_with(&start));
            let row = row.unwrap_or_else(|| panic!("no row of {name}"));
            let value = value.trim_matches('"');
            assert!(row.contains(&format!("`{value}`")), "{value} in {row}");
        }
    }
}
