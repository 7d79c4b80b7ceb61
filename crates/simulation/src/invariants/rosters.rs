//! Rosters carry a revision that never goes back, nobody is told to come or go who did not, a partial list is never taken
//! for the whole, and in the end everybody sees what the directory has.

mod last;
mod steps;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::memory::Memory;
use super::reading::Reading;
use super::revisions::Revisions;
use super::story::Story;
use crate::trace::{ClientNo, ConnectionNo, Event, News, Trace, View, What};

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut rosters = Rosters::new(trace, story);
    let mut found = Vec::new();
    for event in &trace.events {
        found.extend(rosters.take(event));
    }
    found.extend(last::check(trace));
    found
}

/// What each client sees.
type Views = BTreeMap<(ClientNo, RoomId), View>;

/// Follows a trace.
struct Rosters<'a> {
    story: &'a Story,
    memory: Memory,
    revisions: Revisions,
    reading: Reading,
    views: Views,
    main: BTreeMap<ClientNo, (ConnectionNo, PeerId)>,
    /// What a client saw when it said hello.
    greeted: BTreeMap<ConnectionNo, Views>,
    /// Rooms that a client asked to leave.
    left: BTreeSet<(ClientNo, RoomId)>,
    /// Over which all this is promised.
    promised: BTreeSet<ConnectionNo>,
}

impl<'a> Rosters<'a> {
    fn new(trace: &Trace, story: &'a Story) -> Self {
        Self {
            story,
            memory: Memory::new(trace.rules.lease),
            revisions: Revisions::new(trace.rules.lease),
            reading: Reading::default(),
            views: Views::new(),
            main: BTreeMap::new(),
            greeted: BTreeMap::new(),
            left: BTreeSet::new(),
            promised: BTreeSet::new(),
        }
    }

    fn take(&mut self, event: &Event) -> Vec<String> {
        self.revisions.settle(event.at);
        self.memory.take(event);
        self.reading.take(event);
        if self.memory.was_lost() {
            self.forget_what_is_left();
        }
        let found = self.judge(event);
        self.revisions.take(event);
        found
    }

    /// No answer to its leaving need come. Of a room that nobody was in when Redis forgot it, nobody knows the revision: «the
    /// highest that anyone asserts» is none (DESIGN 5).
    fn forget_what_is_left(&mut self) {
        for room in std::mem::take(&mut self.left) {
            self.views.entry(room).and_modify(|view| view.revision = 0);
        }
    }

    fn judge(&mut self, event: &Event) -> Vec<String> {
        match &event.what {
            What::Greeted {
                client,
                connection,
                promises,
                ..
            } => {
                if promises.rosters {
                    self.promised.insert(*connection);
                }
                let own = self.views.iter().filter(|((known, _), _)| known == client);
                let own = own.map(|(key, view)| (key.clone(), view.clone()));
                self.greeted.insert(*connection, own.collect());
            }
            What::Leaves { client, room } => drop(self.left.insert((*client, room.clone()))),
            What::Welcomed {
                client,
                connection,
                peer,
                rooms,
                ..
            } => return self.welcomed((*client, *connection), *peer, rooms, event.at),
            What::Told {
                client,
                connection,
                room,
                news,
            } if self.promised.contains(connection) && self.is_main(*client, *connection) => {
                let what = self.told((*client, *connection), room, news, event.at);
                let name = format!("client {client} at {:?}", event.at);
                return what
                    .into_iter()
                    .map(|what| format!("{name}: {what}"))
                    .collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn is_main(&self, client: ClientNo, connection: ConnectionNo) -> bool {
        let main = self.main.get(&client);
        main.is_some_and(|(main, _)| *main == connection)
    }

    fn welcomed(
        &mut self,
        (client, connection): (ClientNo, ConnectionNo),
        peer: PeerId,
        rooms: &[View],
        at: Duration,
    ) -> Vec<String> {
        let former = self.main.insert(client, (connection, peer));
        let same = former.is_some_and(|(_, former)| former == peer);
        self.views.retain(|(known, room), _| {
            *known != client || (same && rooms.iter().any(|view| view.room == *room))
        });
        let made_at = self.reading.welcome_made_at(connection, at);
        let mut found = Vec::new();
        for view in rooms {
            let moments = (at, made_at);
            found.extend(whole::check(
                view,
                client,
                moments,
                &self.memory,
                self.story,
            ));
            self.go_back_to_hello((client, connection), &view.room);
            found.extend(self.installed(client, view, at));
        }
        found
    }

    /// The former connection may have told newer things while this one was on its way.
    fn go_back_to_hello(&mut self, (client, connection): (ClientNo, ConnectionNo), room: &RoomId) {
        let key = (client, room.clone());
        let greeted = self.greeted.get(&connection);
        if let Some(known) = greeted.and_then(|views| views.get(&key)) {
            self.views
                .entry(key)
                .and_modify(|view| view.revision = view.revision.min(known.revision));
        }
    }

    /// A client is shown a whole room.
    fn installed(&mut self, client: ClientNo, view: &View, at: Duration) -> Option<String> {
        let owed = self.revisions.owed(&view.room, at);
        let key = (client, view.room.clone());
        let before = self.views.insert(key, view.clone());
        let before = before.map_or(0, |view| view.revision);
        (view.revision < before.min(owed)).then(|| {
            format!(
                "client {client}: {} went back from revision {before} to {}",
                view.room, view.revision
            )
        })
    }

    fn told(
        &mut self,
        (client, connection): (ClientNo, ConnectionNo),
        room: &RoomId,
        news: &News,
        at: Duration,
    ) -> Vec<String> {
        let moments = (at, self.reading.made_at(connection, at));
        let key = (client, room.clone());
        match news {
            News::Joined { revision, members } => {
                self.left.remove(&key);
                let view = View {
                    room: room.clone(),
                    revision: *revision,
                    members: members.clone(),
                };
                let partial = whole::check(&view, client, moments, &self.memory, self.story);
                let back = self.installed(client, &view, at);
                partial.into_iter().chain(back).collect()
            }
            News::Left | News::Closed => {
                self.views.remove(&key);
                Vec::new()
            }
            step => match self.views.get_mut(&key) {
                Some(view) => steps::check(view, step, moments, (&self.memory, self.story)),
                // Somebody else's invariant.
                None => Vec::new(),
            },
        }
    }
}
