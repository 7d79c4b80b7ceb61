//! Rows for people.

use comfy_table::{Table, presets};
use switchboard_traffic::Account;

use crate::fault::Fault;

const HEAD: [&str; 14] = [
    "fault",
    "sent",
    "delivered",
    "lost",
    "repeated",
    "disorder",
    "untrue",
    "undelivered",
    "longest gap",
    "dropped",
    "reconnects",
    "seen away",
    "sessions lost",
    "misreported",
];

/// A table in Markdown, aligned so that it can be read as it is. Reconnects: of the client in the middle, and of the one
/// that needed most.
pub fn table(runs: &[(Fault, Account)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(HEAD);
    table.add_rows(runs.iter().map(|(fault, account)| row(*fault, account)));
    format!("{table}\n")
}

fn row(fault: Fault, account: &Account) -> [String; HEAD.len()] {
    let undelivered = account.undelivered.iter();
    let undelivered: Vec<_> = undelivered
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let (median, most) = account.reconnects();
    [
        fault.name(),
        account.sent.to_string(),
        account.delivered.to_string(),
        account.lost.to_string(),
        account.repeated.to_string(),
        account.out_of_order.to_string(),
        account.untrue.to_string(),
        if undelivered.is_empty() {
            "0".into()
        } else {
            undelivered.join(", ")
        },
        format!("{} ms", account.longest_gap.as_millis()),
        account.dropped.to_string(),
        format!("{median} / {most}"),
        account.away_seen.to_string(),
        account.sessions_lost.to_string(),
        account.misreported.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_as_long_as_the_others() {
        let account = Account {
            sent: 12_345,
            undelivered: [("expired".into(), 2), ("left".into(), 1)].into(),
            reconnects: vec![0, 1, 3],
            ..Account::default()
        };
        let text = table(&[
            (Fault::None, account),
            (Fault::RedisGone, Account::default()),
        ]);
        let mut lengths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(lengths.len(), 4);
        lengths.dedup();
        assert_eq!(lengths.len(), 1, "{text}");
        assert!(text.contains("2 expired, 1 left") && text.contains("1 / 3"));
    }
}
