use std::collections::BTreeSet;

use crate::read;

/// What the rows of all tables with this head are about, as their first column has it.
fn subjects<'a>(page: &'a str, head: &'a str) -> Vec<&'a str> {
    let lines = page.lines();
    let rows = lines.scan(false, move |inside, line| {
        *inside = line.starts_with(head) || *inside && line.starts_with('|');
        Some(line.strip_prefix("| `").filter(|_| *inside))
    });
    let subjects = rows
        .flatten()
        .filter_map(|row| row.split(['`', '{']).next());
    // The head of the table of metrics.
    subjects
        .filter(|subject| *subject != "switchboard_…")
        .collect()
}

#[test]
fn each_key_and_each_metric_has_one_row() {
    for (page, head, least) in [
        ("docs/configuration.md", "| key | default |", 80),
        ("docs/metrics.md", "| `switchboard_…` | type |", 50),
    ] {
        let text = read(page);
        let subjects = subjects(&text, head);
        assert!(subjects.len() >= least, "{page}: {subjects:?}");
        let mut seen = BTreeSet::new();
        let again: Vec<_> = subjects.iter().filter(|row| !seen.insert(**row)).collect();
        assert!(again.is_empty(), "{page}: more than one row: {again:?}");
    }
}
