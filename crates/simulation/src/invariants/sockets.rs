//! Whatever happens to Redis kills no gateway and drops no socket: a welcomed connection ends only for what befell itself,
//! its client or its node, or for a newer one.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Duration;

use super::story::Story;
use super::thefts;
use crate::client::STRAY_HELLO;
use crate::trace::{ClientNo, ConnectionNo, Fate, Leaving, NodeNo, Trace, What};

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut sockets = Sockets::default();
    for event in &trace.events {
        match &event.what {
            What::Opened {
                client,
                connection,
                node,
            } => sockets.opened(*client, *connection, *node),
            What::Welcomed {
                client, connection, ..
            } => {
                sockets.greeting.remove(&(*client, *connection));
                sockets.welcomed.insert(*connection);
            }
            What::Gone { client, how } => sockets.gone(*client, *how, event.at),
            What::Cut { connection } => drop(sockets.cut.insert(*connection)),
            What::Rests { client, .. } => drop(sockets.rested.insert(*client)),
            What::Node {
                node,
                fate: Fate::Killed | Fate::Frozen | Fate::Draining,
            } => drop(sockets.hit.insert(*node)),
            What::Closed {
                client,
                connection,
                code,
            } => {
                let closed = (*client, *connection, *code);
                sockets.closed(closed, event.at);
                let reason =
                    sockets.explain(closed, event.at) || is_robbed(trace, *connection, *code);
                if sockets.welcomed.contains(connection) && !reason {
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

fn is_robbed(trace: &Trace, connection: ConnectionNo, code: Option<u16>) -> bool {
    code == Some(thefts::SUPERSEDED) && thefts::was_taken_from(trace, connection)
}

/// A connection that a client found closed, and the code.
type Closed = (ClientNo, ConnectionNo, Option<u16>);

/// What befell connections, clients and nodes so far.
#[derive(Default)]
struct Sockets {
    on: BTreeMap<ConnectionNo, NodeNo>,
    welcomed: BTreeSet<ConnectionNo>,
    cut: BTreeSet<ConnectionNo>,
    hit: BTreeSet<NodeNo>,
    rested: BTreeSet<ClientNo>,
    newest: BTreeMap<ClientNo, ConnectionNo>,
    /// Opened, and neither welcomed nor closed.
    greeting: BTreeSet<(ClientNo, ConnectionNo)>,
    /// Which of two that greet at the same time is the newer one, the cluster says, not the client that opened them.
    rivalled: BTreeSet<ConnectionNo>,
    /// When a client last gave up a connection on which it had greeted. A gateway, or Redis, may hear that late.
    stray: BTreeMap<ClientNo, Duration>,
}

impl Sockets {
    fn opened(&mut self, client: ClientNo, connection: ConnectionNo, node: NodeNo) {
        self.on.insert(connection, node);
        self.newest.insert(client, connection);
        if self.is_greeting(client) {
            self.rivalled.insert(connection);
        }
        self.greeting.insert((client, connection));
    }

    fn gone(&mut self, client: ClientNo, how: Leaving, at: Duration) {
        if self.is_greeting(client) && how == Leaving::Reloaded {
            self.stray.insert(client, at);
        }
        self.greeting.retain(|(other, _)| *other != client);
    }

    fn closed(&mut self, (client, connection, code): Closed, at: Duration) {
        if self.greeting.remove(&(client, connection)) && code.is_none() {
            self.stray.insert(client, at);
        }
    }

    fn is_greeting(&self, client: ClientNo) -> bool {
        self.greeting.iter().any(|(other, _)| *other == client)
    }

    /// Whether a connection was to end, by what befell it, its client or its node, or for a newer one.
    fn explain(&self, (client, connection, code): Closed, at: Duration) -> bool {
        let is_superseded = code == Some(thefts::SUPERSEDED);
        let stray_at = self.stray.get(&client);
        let node = self.on.get(&connection);
        self.cut.contains(&connection)
            || self.rested.contains(&client)
            || node.is_none_or(|node| self.hit.contains(node))
            || self.newest.get(&client) > Some(&connection)
            || (is_superseded && self.rivalled.contains(&connection))
            || (is_superseded && stray_at.is_some_and(|given_up| at < *given_up + STRAY_HELLO))
    }
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
    fn of_two_that_greet_at_the_same_time_either_may_be_superseded() {
        let judge = |is_welcomed_before| {
            let mut tale = Tale::of_two();
            let (client, node) = (0, 0);
            let peer = tale.peer(client);
            let opened = |connection| What::Opened {
                client,
                connection,
                node,
            };
            let welcomed = |connection| What::Welcomed {
                client,
                connection,
                peer,
                resumed: true,
                rooms: Vec::new(),
            };
            tale.note(opened(8));
            if is_welcomed_before {
                tale.note(welcomed(8));
            }
            tale.note(opened(9));
            tale.note(welcomed(9));
            tale.note(What::Closed {
                client,
                connection: 9,
                code: Some(thefts::SUPERSEDED),
            });
            tale.judge(check).len()
        };
        assert_eq!(judge(false), 0);
        assert_eq!(judge(true), 1);
    }

    #[test]
    fn a_hello_that_was_given_up_may_be_heard_late() {
        let (client, node, connection) = (0, 0, 8);
        let opened = || What::Opened {
            client,
            connection,
            node,
        };
        let closed = |code| What::Closed {
            client,
            connection,
            code,
        };
        let left = |how| What::Gone { client, how };
        let judge = |what: Vec<What>, wait| {
            let mut tale = Tale::of_two();
            what.into_iter().for_each(|what| tale.note(what));
            tale.resumes(0, &[]);
            tale.wait(wait);
            tale.is_superseded(0);
            tale.judge(check).len()
        };
        assert_eq!(judge(vec![opened(), closed(None)], 1), 0);
        assert_eq!(judge(vec![opened(), left(Leaving::Reloaded)], 1), 0);
        assert_eq!(judge(vec![opened(), closed(None)], 61), 1, "too late");
        assert_eq!(judge(vec![opened(), closed(Some(4503))], 1), 1, "answered");
        assert_eq!(judge(vec![left(Leaving::Reloaded)], 1), 1, "nothing said");
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
