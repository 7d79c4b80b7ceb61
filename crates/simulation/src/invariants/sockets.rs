//! Whatever happens to Redis kills no gateway and drops no socket: a welcomed connection ends only for what befell itself,
//! its client or its node, or for a newer one.

use std::collections::{BTreeMap, BTreeSet};

use super::story::Story;
use super::thefts;
use crate::trace::{ClientNo, ConnectionNo, Fate, NodeNo, Trace, What};

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut on: BTreeMap<ConnectionNo, NodeNo> = BTreeMap::new();
    let mut welcomed: BTreeSet<ConnectionNo> = BTreeSet::new();
    let mut cut: BTreeSet<ConnectionNo> = BTreeSet::new();
    let mut hit: BTreeSet<NodeNo> = BTreeSet::new();
    let mut rested: BTreeSet<ClientNo> = BTreeSet::new();
    let mut newest: BTreeMap<ClientNo, ConnectionNo> = BTreeMap::new();
    for event in &trace.events {
        match &event.what {
            What::Opened {
                client,
                connection,
                node,
            } => {
                on.insert(*connection, *node);
                newest.insert(*client, *connection);
            }
            What::Welcomed { connection, .. } => drop(welcomed.insert(*connection)),
            What::Cut { connection } => drop(cut.insert(*connection)),
            What::Rests { client, .. } => drop(rested.insert(*client)),
            What::Node {
                node,
                fate: Fate::Killed | Fate::Frozen | Fate::Draining,
            } => drop(hit.insert(*node)),
            What::Closed {
                client,
                connection,
                code,
            } => {
                let node = on.get(connection);
                let reason = cut.contains(connection)
                    || rested.contains(client)
                    || node.is_none_or(|node| hit.contains(node))
                    || newest.get(client) > Some(connection)
                    || (*code == Some(thefts::SUPERSEDED)
                        && thefts::was_taken_from(trace, *connection));
                if welcomed.contains(connection) && !reason {
                    found.push(format!(
                        "client {client} lost connection {connection} ({code:?}) at {:?} for no reason",
                        event.at
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;
    use crate::trace::Secret;

    #[test]
    fn a_connection_ends_for_a_reason() {
        let mut tale = Tale::of_two();
        tale.loses_connection(0);
        assert_eq!(tale.judge(check).len(), 1);
        let mut tale = Tale::of_two();
        tale.is_cut(0);
        tale.loses_connection(0);
        assert_eq!(tale.judge(check), [""; 0]);
    }

    #[test]
    fn one_who_had_an_older_secret_is_a_reason_to_be_superseded() {
        let mut tale = Tale::of_two();
        tale.is_superseded(0);
        assert_eq!(tale.judge(check).len(), 1);
        tale.is_robbed(0);
        assert_eq!(tale.judge(check), [""; 0]);
        tale.loses_connection(1);
        assert_eq!(tale.judge(check).len(), 1, "not of another one's session");
    }

    #[test]
    fn one_whose_older_secret_nobody_could_judge_may_have_taken_the_session() {
        let judge = |secret, resumed| {
            let mut tale = Tale::of_two();
            tale.is_superseded(0);
            tale.is_intruded(0, secret, resumed);
            tale.judge(check).len()
        };
        assert_eq!(judge(Secret::Outdated, None), 0);
        assert_eq!(judge(Secret::Outdated, Some(false)), 1);
        assert_eq!(judge(Secret::Guessed, None), 1);
    }
}
