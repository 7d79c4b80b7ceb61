//! What clients saw, for people.

use comfy_table::{Table, presets};

use crate::browsers::Person;
use crate::moves::{Moves, expected};
use crate::run::Upgrade;

/// A table in Markdown: a column for each upgrade.
pub fn table(upgrades: &[Upgrade]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let columns: Vec<_> = upgrades.iter().map(column).collect();
    let Some(first) = columns.first() else {
        return String::new();
    };
    for (index, (name, _)) in first.iter().enumerate() {
        let values = columns.iter().map(|column| column[index].1.clone());
        let row: Vec<_> = [(*name).to_owned()].into_iter().chain(values).collect();
        if index == 0 {
            table.set_header(row);
        } else {
            table.add_row(row);
        }
    }
    format!("{table}\n")
}

fn column(upgrade: &Upgrade) -> Vec<(&'static str, String)> {
    let account = &upgrade.account;
    let moves = Moves(&account.reconnects);
    let formula = expected(upgrade.balance, upgrade.gateways);
    let undelivered: u64 = account.undelivered.values().sum();
    let mut cells = vec![
        ("", upgrade.title()),
        ("gateways replaced", upgrade.gateways.to_string()),
        ("it took, s", format!("{:.0}", upgrade.took.as_secs_f64())),
        ("clients", account.reconnects.len().to_string()),
        ("signals sent", account.sent.to_string()),
        ("lost", account.lost.to_string()),
        ("repeated", account.repeated.to_string()),
        ("out of order", account.out_of_order.to_string()),
        ("senders told something untrue", account.untrue.to_string()),
        ("not delivered, and told so", undelivered.to_string()),
        ("seen away", account.away_seen.to_string()),
        ("connections lost, not moved", account.dropped.to_string()),
        ("sessions lost", account.sessions_lost.to_string()),
        (
            "listed without name or state",
            account.misreported.to_string(),
        ),
        (
            "longest gap of a stream before, ms",
            upgrade.calm_gap.as_millis().to_string(),
        ),
        (
            "longest gap of a stream meanwhile, ms",
            upgrade.gap.as_millis().to_string(),
        ),
        ("moves per client, mean", format!("{:.2}", moves.mean())),
        ("moves by the formula", format!("{formula:.2}")),
        (
            "moves, median / p99 / most",
            [0.5, 0.99, 1.0]
                .map(|part| moves.quantile(part).to_string())
                .join(" / "),
        ),
        (
            "fullest gateway, of its share",
            format!("{:.2}", upgrade.fullest),
        ),
    ];
    if !upgrade.people.is_empty() {
        let each = |of: fn(&Person) -> String| {
            let words: Vec<_> = upgrade.people.iter().map(of).collect();
            words.join(" / ")
        };
        cells.extend([
            (
                "browsers: longest without a new frame, ms",
                each(|it| format!("{:.0}", it.longest_without_frame_ms)),
            ),
            ("browsers: frames decoded", each(|it| it.frames.to_string())),
            ("browsers: moves", each(|it| it.moves.to_string())),
        ]);
    }
    cells
}
