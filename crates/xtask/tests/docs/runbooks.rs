use std::collections::BTreeSet;
use std::path::Path;

use crate::markdown::{Page, code};
use crate::{files, pages, read, root};

const RULES: &str = "helm/switchboard/files/rules.yml";

/// Pages for whoever is called at night: what they name must be there.
fn of_operators() -> Vec<Page> {
    let mut pages = pages();
    pages.retain(|page| {
        let path = &page.path;
        path.starts_with("docs/runbooks")
            || path.starts_with("docs/operations")
            || ["docs/operations.md", "docs/kubernetes.md", "docs/errors.md"]
                .iter()
                .any(|name| path == Path::new(name))
    });
    pages
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let rules = read(RULES);
    let alerts: BTreeSet<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .map(str::to_owned)
        .collect();
    assert!(alerts.len() >= 20, "{alerts:?}");
    let books = files(&root().join("docs/runbooks"), "md");
    let names = books.iter().map(|path| path.file_stem().expect("a name"));
    let books: BTreeSet<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name != "README")
        .collect();
    assert_eq!(books, alerts);
    let index = read("docs/runbooks/README.md");
    for alert in &alerts {
        let row = format!("| [{alert}]({alert}.md) |");
        assert_eq!(index.matches(&row).count(), 1, "rows of the index: {row}");
    }
}

#[test]
fn a_runbook_says_what_it_means_and_what_to_do() {
    for page in of_operators() {
        if !page.path.starts_with("docs/runbooks") || page.path.ends_with("README.md") {
            continue;
        }
        for part in ["## Look at", "## Do", "## Do not"] {
            let parts = page.prose.iter().filter(|line| *line == part).count();
            assert_eq!(parts, 1, "{:?}: {part}", page.path);
        }
    }
}

/// In a query, and in text.
#[test]
fn every_metric_that_operators_are_told_of_is_there() {
    let table = read("docs/metrics.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let known: BTreeSet<_> = rows
        .filter_map(|row| row.split(['`', '{']).next())
        .collect();
    let recorded = read(RULES);
    for page in of_operators() {
        let queries = page.blocks.iter().map(|(_, content)| content.as_str());
        let texts = page.prose.iter().map(String::as_str).chain(queries);
        for text in texts {
            for name in names(text) {
                let name = name.trim_end_matches("_");
                let family = ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name);
                let is_there = known.contains(family)
                    || known.contains(name)
                    || recorded.contains(&format!(":switchboard_{name}:"));
                // The adapter's rule in docs/kubernetes.md makes this one.
                let is_made = name == "pod_sessions";
                assert!(is_there || is_made, "{:?}: switchboard_{name}", page.path);
            }
        }
    }
}

/// The words after `switchboard_`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("switchboard_").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        // A part of the code in `log.filter`.
        (!name.is_empty() && !rest[name.len()..].starts_with("=debug")).then_some(name)
    })
}

/// A line `- Log: …` of a page, and the first column of a table with the heading `log line`.
#[test]
fn every_log_line_that_operators_are_told_of_is_in_the_code() {
    let code_of_all: String = [
        "crates/gateway/src",
        "crates/cluster/src",
        "crates/connection/src",
        "crates/dialects/src",
        "crates/session/src",
    ]
    .iter()
    .flat_map(|folder| files(&root().join(folder), "rs"))
    .map(|path| in_one_line(&std::fs::read_to_string(path).expect("code is text")))
    .collect();
    let mut count = 0;
    for page in of_operators() {
        for line in log_lines(&page) {
            count += 1;
            for part in line.split('…').map(str::trim) {
                assert!(code_of_all.contains(part), "{:?}: {line}", page.path);
            }
        }
    }
    assert!(count > 20, "only {count} log lines were found");
}

fn log_lines(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = page.prose.iter().peekable();
    let mut in_table = false;
    while let Some(line) = lines.next() {
        in_table = line.starts_with('|') && (in_table || line.starts_with("| log line |"));
        if in_table {
            let cell = line.split('|').nth(1).unwrap_or_default();
            found.extend(code(cell).map(str::to_owned));
        } else if line.starts_with("- Log: ") {
            let mut item = line.clone();
            while let Some(more) = lines.next_if(|line| line.starts_with("  ")) {
                item = item + " " + more.trim_start();
            }
            found.extend(code(&item).map(str::to_owned));
        }
    }
    found
}

/// Texts that are broken over lines are whole.
fn in_one_line(code: &str) -> String {
    let mut lines = code.lines();
    let mut whole = String::new();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while let Some(start) = line.strip_suffix('\\') {
            line = start.to_owned() + lines.next().unwrap_or_default().trim_start();
        }
        whole += &line;
        whole.push('\n');
    }
    whole
}

/// «Board › Panel».
#[test]
fn every_panel_that_operators_are_told_of_is_on_its_dashboard() {
    let dashboards = files(&root().join("helm/switchboard/files/dashboards"), "json");
    let boards: Vec<serde_json::Value> = dashboards
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a dashboard is text"))
        .map(|text| serde_json::from_str(&text).expect("a dashboard is JSON"))
        .collect();
    let mut count = 0;
    for page in of_operators() {
        let text = page.prose.join(" ");
        for named in text
            .split('«')
            .skip(1)
            .filter_map(|rest| rest.split_once('»'))
        {
            let Some((board, panel)) = named.0.split_once(" › ") else {
                continue;
            };
            count += 1;
            let title = format!("Switchboard / {board}");
            let found = boards.iter().find(|found| found["title"] == title.as_str());
            let found = found.unwrap_or_else(|| panic!("{:?}: no board {board}", page.path));
            let panels = found["panels"].as_array().expect("a board has panels");
            let is_there = panels.iter().any(|found| found["title"] == panel);
            assert!(is_there, "{:?}: no panel «{}»", page.path, named.0);
        }
    }
    assert!(count > 10, "only {count} panels are named");
}
