//! When what a client reads was made: a list is as fresh as that, and what has happened since is told behind it.

use std::collections::BTreeMap;

use tokio::time::Duration;

use crate::trace::{ClientNo, ConnectionNo, Event, What};

/// Follows a trace.
#[derive(Default)]
pub(super) struct Reading {
    /// Who said hello over which connection, and when.
    greeted: BTreeMap<ConnectionNo, (ClientNo, Duration)>,
    /// From when until when nothing was read from a connection.
    rests: BTreeMap<ConnectionNo, (Duration, Duration)>,
}

impl Reading {
    pub(super) fn take(&mut self, event: &Event) {
        match &event.what {
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
            _ => {}
        }
    }

    /// The earliest that something can have been made which is read at `at`: a client that rests finds what came meanwhile.
    pub(super) fn made_at(&self, connection: ConnectionNo, at: Duration) -> Duration {
        let rest = self.rests.get(&connection).filter(|rest| at <= rest.1);
        rest.map_or(at, |(from, _)| *from)
    }

    /// The same of the lists of a `welcome`: one room is entered after another, and while one of them has to be waited for,
    /// the lists of those before are made already.
    pub(super) fn welcome_made_at(&self, connection: ConnectionNo, at: Duration) -> Duration {
        let greeted_at = self.greeted.get(&connection).map_or(at, |(_, at)| *at);
        self.made_at(connection, at).min(greeted_at)
    }
}
