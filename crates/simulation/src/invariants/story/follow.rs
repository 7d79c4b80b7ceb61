//! Follows a trace, event by event, and keeps the sessions' points of view up to date.

use std::collections::BTreeMap;

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::Story;
use super::session::Session;
use super::signal::{Answer, Said};
use crate::scenario::HOLD;
use crate::trace::{
    ClientNo, ConnectionNo, Event, Leaving, News, Promises, Seen, View, Weather, What,
};

/// The story so far.
#[derive(Default)]
pub(super) struct Follower {
    pub(super) story: Story,
    cursors: BTreeMap<ClientNo, Cursor>,
    /// When Redis last went back in time.
    went_back_at: Option<Duration>,
}

/// Where a client is in the trace.
#[derive(Default)]
struct Cursor {
    promises: Promises,
    peer: Option<PeerId>,
    main: Option<ConnectionNo>,
    /// When its page was loaded again, until it is welcomed.
    reloading_since: Option<Duration>,
}

impl Follower {
    pub(super) fn take(&mut self, event: &Event) {
        self.take_place(event);
        self.take_signal(event);
    }

    /// Which sessions there are, and in which rooms.
    fn take_place(&mut self, event: &Event) {
        let at = event.at;
        match &event.what {
            What::Greeted {
                client, promises, ..
            } => self.cursors.entry(*client).or_default().promises = *promises,
            What::Welcomed {
                client,
                connection,
                peer,
                rooms,
                ..
            } => self.welcomed((*client, *connection), *peer, rooms, at),
            What::Told {
                client,
                connection,
                room,
                news,
            } => {
                if let Some((peer, session)) = self.main(*client, *connection) {
                    told(session, &peer, room, news, at);
                }
            }
            What::Leaves { client, room } => {
                if let Some(session) = self.session(*client) {
                    session.leaves(room, at);
                }
            }
            What::Weather(Weather::WentBack(_)) => self.went_back_at = Some(at),
            What::Gone { client, how } => self.gone(*client, *how, at),
            _ => {}
        }
    }

    /// What became of signals.
    fn take_signal(&mut self, event: &Event) {
        let at = event.at;
        match &event.what {
            What::Said {
                peer,
                connection,
                id,
                room,
                to,
                by_name,
                again,
                ..
            } => {
                let Some(session) = self.story.sessions.get_mut(peer) else {
                    return;
                };
                let said = session.says(*id, room, (*to, *by_name), at);
                said.last_at = at;
                said.over.insert(*connection);
                // A broadcast that is said again to one after another names its receivers itself.
                if *again {
                    said.goes.extend(to);
                }
            }
            What::Goes { client, id, to, .. } => {
                if let Some(said) = self.said(*client, *id) {
                    said.goes.extend(to);
                }
            }
            What::Refused {
                client,
                id: Some(id),
                ..
            } => {
                if let Some(said) = self.said(*client, *id) {
                    said.refused = true;
                }
            }
            What::Answered { client, id, .. } => {
                if let Some(said) = self.said(*client, *id) {
                    said.answers.extend(Answer::of(event));
                }
            }
            What::Written { to, from, id } => {
                let written = self.story.written.entry((*to, *from, *id));
                written.or_insert(at);
            }
            What::Handled { peer, from, id, .. } => {
                if let Some(session) = self.story.sessions.get_mut(peer) {
                    session.handled.entry((*from, *id)).or_insert(at);
                }
            }
            _ => {}
        }
    }

    fn welcomed(
        &mut self,
        (client, connection): (ClientNo, ConnectionNo),
        peer: PeerId,
        views: &[View],
        at: Duration,
    ) {
        let cursor = self.cursors.entry(client).or_default();
        (cursor.peer, cursor.main) = (Some(peer), Some(connection));
        let promises = cursor.promises;
        let reloading_since = cursor.reloading_since.take();
        // It had expired, and the others were told so; then Redis went back to before that.
        let has_expired = reloading_since.is_some_and(|since| {
            let expired_at = since + HOLD;
            self.went_back_at
                .is_some_and(|back_at| (expired_at..at).contains(&back_at))
        });
        let session = self
            .story
            .sessions
            .entry(peer)
            .or_insert_with(|| Session::new(client, promises));
        let rooms: BTreeMap<_, _> = views
            .iter()
            .map(|view| (view.room.clone(), order_of(&peer, &view.members)))
            .collect();
        session.welcomed_at = at;
        let known = std::mem::take(&mut session.members);
        for view in views {
            session.misses_in(&known, view, at);
            session.finds(&view.room, &view.members, at);
        }
        if has_expired {
            session.is_in(&BTreeMap::new(), at);
        }
        session.is_in(&rooms, at);
    }

    fn gone(&mut self, client: ClientNo, how: Leaving, at: Duration) {
        if how == Leaving::Reloaded {
            // Loaded again before it was back: its places are held from the first time on.
            let cursor = self.cursors.entry(client).or_default();
            cursor.reloading_since.get_or_insert(at);
        }
        let Some(session) = self.session(client) else {
            return;
        };
        match how {
            Leaving::Reloaded => session.reloaded_at = Some(at),
            _ => session.is_in(&BTreeMap::new(), at),
        }
    }

    /// A client's present session.
    fn session(&mut self, client: ClientNo) -> Option<&mut Session> {
        let peer = self.cursors.get(&client)?.peer?;
        self.story.sessions.get_mut(&peer)
    }

    /// The same, if this is the connection that it lives on.
    fn main(
        &mut self,
        client: ClientNo,
        connection: ConnectionNo,
    ) -> Option<(PeerId, &mut Session)> {
        let cursor = self.cursors.get(&client)?;
        let peer = cursor.peer.filter(|_| cursor.main == Some(connection))?;
        Some((peer, self.story.sessions.get_mut(&peer)?))
    }

    fn said(&mut self, client: ClientNo, id: u64) -> Option<&mut Said> {
        self.session(client)?.said.get_mut(&id)
    }
}

fn told(session: &mut Session, own: &PeerId, room: &RoomId, news: &News, at: Duration) {
    match news {
        News::Joined { members, .. } => {
            session.leaves(room, at);
            session.enters(room, order_of(own, members), at);
            session.members.retain(|(known, _), _| known != room);
            session.finds(room, members, at);
        }
        News::Entered => session.enters(room, 0, at),
        News::Left | News::Closed => session.leaves(room, at),
        News::Came { member, .. } => session.finds(room, std::slice::from_ref(member), at),
        News::Went { peer, .. } => session.loses(peer, room, at),
        _ => {}
    }
}

fn order_of(peer: &PeerId, members: &[Seen]) -> u64 {
    let mut own = members.iter().filter(|member| member.peer == *peer);
    own.next().map_or(0, |member| member.order)
}
