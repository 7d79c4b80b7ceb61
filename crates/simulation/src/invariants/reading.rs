//! When what a client reads was made: a list is as fresh as that, and what has happened since is told behind it.

use std::collections::BTreeMap;

use tokio::time::Duration;

use crate::trace::{ClientNo, ConnectionNo, Event, Fate, NodeNo, What};

/// What a node that wakes up had to say before it was frozen is read within this.
const SAID_AWAKE: Duration = Duration::from_secs(1);

/// Follows a trace.
#[derive(Default)]
pub(super) struct Reading {
    /// Who said hello over which connection, and when.
    greeted: BTreeMap<ConnectionNo, (ClientNo, Duration)>,
    /// From when until when nothing was read from a connection.
    rests: BTreeMap<ConnectionNo, (Duration, Duration)>,
    on: BTreeMap<ConnectionNo, NodeNo>,
    freezes: BTreeMap<NodeNo, Freeze>,
}

/// The last time that a node was frozen.
struct Freeze {
    from: Duration,
    /// How often it was put to sleep, and not awoken.
    sleeps: usize,
    until: Duration,
}

impl Reading {
    pub(super) fn take(&mut self, event: &Event) {
        match &event.what {
            What::Opened {
                connection, node, ..
            } => drop(self.on.insert(*connection, *node)),
            What::Greeted {
                client, connection, ..
            } => drop(self.greeted.insert(*connection, (*client, event.at))),
            What::Rests { client, pause } => {
                let until = event.at + *pause;
                let own = self.greeted.iter().filter(|(_, (of, _))| of == client);
                for (connection, _) in own {
                    let rest = self.rests.entry(*connection).or_insert((event.at, until));
                    // Of rests at the same time, the first that is over ends all.
                    *rest = match rest.1 < event.at {
                        true => (event.at, until),
                        false => (rest.0, rest.1.min(until)),
                    };
                }
            }
            What::Node { node, fate } => self.befell(*node, *fate, event.at),
            _ => {}
        }
    }

    /// The earliest that something can have been made which is read at `at`: a client that rests finds what came meanwhile,
    /// and a node that was frozen says first what it knew before.
    pub(super) fn made_at(&self, connection: ConnectionNo, at: Duration) -> Duration {
        let rest = self.rests.get(&connection).filter(|rest| at <= rest.1);
        let read_from = rest.map_or(at, |(from, _)| *from);
        let node = self.on.get(&connection);
        let freeze = node.and_then(|node| self.freezes.get(node));
        let freeze = freeze.filter(|freeze| read_from <= freeze.until + SAID_AWAKE);
        freeze.map_or(read_from, |freeze| freeze.from.min(read_from))
    }

    /// The same of the lists of a `welcome`: one room is entered after another, and while one of them has to be waited for,
    /// the lists of those before are made already.
    pub(super) fn welcome_made_at(&self, connection: ConnectionNo, at: Duration) -> Duration {
        let greeted_at = self.greeted.get(&connection).map_or(at, |(_, at)| *at);
        self.made_at(connection, at).min(greeted_at)
    }

    fn befell(&mut self, node: NodeNo, fate: Fate, at: Duration) {
        match fate {
            Fate::Frozen => {
                let freeze = self.freezes.entry(node).or_insert(Freeze {
                    from: at,
                    sleeps: 0,
                    until: at,
                });
                if freeze.sleeps == 0 && freeze.until + SAID_AWAKE < at {
                    freeze.from = at;
                }
                freeze.sleeps += 1;
                freeze.until = Duration::MAX - SAID_AWAKE;
            }
            Fate::Awake => {
                if let Some(freeze) = self.freezes.get_mut(&node) {
                    freeze.sleeps = freeze.sleeps.saturating_sub(1);
                    if freeze.sleeps == 0 {
                        freeze.until = at;
                    }
                }
            }
            _ => {}
        }
    }
}
