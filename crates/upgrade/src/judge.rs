//! What should not be.

use std::time::Duration;

use crate::moves::{Moves, at_most};
use crate::run::Upgrade;

/// A picture that stands still for so long has stopped; on a loaded machine some frames come late.
const FRAMES_STOP: Duration = Duration::from_secs(2);

/// What clients noticed of an upgrade that nobody should notice, each in a sentence.
pub fn complaints(upgrade: &Upgrade) -> Vec<String> {
    let account = &upgrade.account;
    let mut complaints = account.complaints();
    let undelivered: u64 = account.undelivered.values().sum();
    for (count, words) in [
        (account.away_seen, "times a client was seen away"),
        (account.dropped, "connections were lost and not moved"),
        (undelivered, "signals were not delivered"),
    ] {
        if count > 0 {
            complaints.push(format!("{count} {words}"));
        }
    }
    let moves = &account.reconnects;
    let (mean, most) = (
        Moves(moves).mean(),
        at_most(upgrade.balance, upgrade.gateways, moves.len()),
    );
    if mean > most {
        complaints.push(format!(
            "clients moved {mean:.2} times, more than {most:.2}"
        ));
    }
    for person in &upgrade.people {
        let name = &person.name;
        let longest = Duration::from_secs_f64(person.longest_without_frame_ms.max(0.0) / 1000.0);
        if longest > FRAMES_STOP {
            let longest = longest.as_secs_f64();
            complaints.push(format!("{name} saw no new frame for {longest:.1} s"));
        }
        let own = person.complaints.iter();
        complaints.extend(own.map(|complaint| format!("{name}: {complaint}")));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use switchboard_local::Balance;
    use switchboard_traffic::Account;

    use super::*;
    use crate::browsers::Person;

    fn upgrade(balance: Balance, moves: &[u64]) -> Upgrade {
        Upgrade {
            from: "a".into(),
            to: "b".into(),
            balance,
            gateways: 3,
            account: Account {
                sent: 10,
                delivered: 10,
                reconnects: moves.into(),
                ..Account::default()
            },
            calm_gap: Duration::from_millis(110),
            gap: Duration::from_millis(120),
            fullest: 1.0,
            people: Vec::new(),
            took: Duration::from_secs(1),
            curves: Vec::new(),
        }
    }

    fn person(longest_without_frame_ms: f64, complaints: &[&str]) -> Person {
        Person {
            name: "Ada".into(),
            longest_without_frame_ms,
            frames: 100,
            moves: 1,
            complaints: complaints.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn an_upgrade_that_nobody_noticed_is_well() {
        let mut upgrade = upgrade(Balance::Leastconn, &[1; 100]);
        upgrade.people = vec![person(300.0, &[])];
        assert_eq!(complaints(&upgrade), [""; 0]);
    }

    #[test]
    fn who_moves_twice_although_the_empty_gateway_was_to_be_chosen_is_a_finding() {
        let moves = [vec![1; 80], vec![2; 20]].concat();
        let found = complaints(&upgrade(Balance::Leastconn, &moves));
        assert_eq!(found, ["clients moved 1.20 times, more than 1.10"]);
        assert!(complaints(&upgrade(Balance::Random, &moves)).is_empty());
        let moves = [vec![1; 30], vec![2; 70]].concat();
        assert_eq!(complaints(&upgrade(Balance::Random, &moves)).len(), 1);
    }

    #[test]
    fn what_clients_noticed_is_a_finding() {
        let mut upgrade = upgrade(Balance::Random, &[1; 100]);
        upgrade.account.away_seen = 1;
        upgrade.account.dropped = 2;
        upgrade.account.undelivered = [("left".into(), 3)].into();
        upgrade.people = vec![person(2500.0, &["the page was reconnecting"])];
        let found = complaints(&upgrade);
        let wanted = [
            "1 times a client was seen away",
            "2 connections were lost and not moved",
            "3 signals were not delivered",
            "Ada saw no new frame for 2.5 s",
            "Ada: the page was reconnecting",
        ];
        assert_eq!(found, wanted);
    }
}
