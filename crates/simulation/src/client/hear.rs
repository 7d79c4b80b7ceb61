//! What a client makes of what it is told.

use switchboard_protocol::client_message::{Ping, Received};
use switchboard_protocol::server_message::{Error, Receiver, RoomSnapshot, Signal, Welcome};
use switchboard_protocol::{ClientMessage, ErrorCode, PeerId, RoomId, ServerMessage};
use tokio::time::{Duration, Instant};

use super::{Client, HANDLED_MAX, Output, Place, Room, seen};
use crate::mark::Mark;
use crate::trace::{ConnectionNo, Leaving, News, View, What};

impl Client {
    pub(super) fn hear(
        &mut self,
        no: ConnectionNo,
        message: &ServerMessage,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        match message {
            ServerMessage::Welcome(welcome) => self.welcomed(no, welcome, now, out),
            ServerMessage::Signal(signal) => self.signalled(no, signal, out),
            ServerMessage::Delivered(delivered) => {
                self.answered(no, delivered.id, &delivered.to, Ok(()));
            }
            ServerMessage::Undelivered(undelivered) => {
                let outcome = Err(undelivered.reason);
                self.answered(no, undelivered.id, &undelivered.to, outcome);
            }
            ServerMessage::Done(done) => self.goes(no, done.re, done.to.as_deref()),
            ServerMessage::Error(error) => self.refused(no, error, now),
            ServerMessage::Drain(drain) => {
                if self.main == Some(no) && self.opening == 0 && self.connections.len() == 1 {
                    self.open_at = Some(now + Duration::from_millis(drain.reconnect_after_ms));
                }
            }
            ServerMessage::Pong(_) | ServerMessage::Ready(_) => {}
            about_a_room => self.told(no, about_a_room, now, out),
        }
    }

    fn welcomed(
        &mut self,
        no: ConnectionNo,
        welcome: &Welcome,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if !welcome.resumed && self.is_late(no) {
            // That session is one too many. It is in no room, and ends with its window.
            out.push(Output::Close(no));
            return self.closed(no, None, now, out);
        }
        let views: Vec<View> = welcome.rooms.iter().flatten().map(view).collect();
        self.recorder.note(What::Welcomed {
            client: self.no,
            connection: no,
            peer: welcome.peer,
            resumed: welcome.resumed,
            rooms: views.clone(),
        });
        if let Some(connection) = self.connection(no) {
            connection.welcomed = true;
        }
        self.attempts = 0;
        self.open_at = None;
        self.heartbeat = Duration::from_millis(welcome.heartbeat_ms);
        self.in_flight = welcome.limits.in_flight as usize;
        let ticket = (welcome.peer, welcome.resume.secret.clone());
        if let Some(old) = self.ticket.replace(ticket) {
            self.old_tickets.push(old);
            if !welcome.resumed {
                self.lose_session();
                self.close_others(no, out);
            }
        }
        self.main = Some(no);
        self.adopt(views, now);
        self.say_again(out);
        if welcome.resumed && self.receipts {
            // As the clients of this project do, so that older tickets are worth nothing.
            self.write(no, &ClientMessage::Ping(Ping { id: None }), out);
        }
        self.retry(now, out);
    }

    /// Whether the session went on, over another connection, since that one showed its ticket. Then that the ticket is worth
    /// nothing any more says nothing of the session.
    fn is_late(&mut self, no: ConnectionNo) -> bool {
        let shown = self
            .connection(no)
            .map(|connection| connection.shown.clone());
        shown.is_some_and(|shown| shown != self.ticket)
    }

    /// The session could not be resumed: another one begins, with the same wishes.
    fn lose_session(&mut self) {
        let how = Leaving::NotResumed;
        self.recorder.note(What::Gone {
            client: self.no,
            how,
        });
        self.unanswered.clear();
        self.handled.clear();
        self.marks.clear();
        self.old_tickets.clear();
    }

    /// What the session of before is still sent over another connection is not for this one.
    fn close_others(&mut self, no: ConnectionNo, out: &mut Vec<Output>) {
        let others = self
            .connections
            .extract_if(.., |known| known.welcomed && known.no != no);
        out.extend(others.map(|known| Output::Close(known.no)));
    }

    /// The rooms are as the welcome says; what differs from the wishes is asked for.
    fn adopt(&mut self, views: Vec<View>, now: Instant) {
        for room in self.rooms.values_mut() {
            room.place = Place::Out;
            room.retry_at = Some(now);
        }
        for view in views {
            let room = self
                .rooms
                .entry(view.room.clone())
                .or_insert_with(|| Room::new(false));
            room.place = Place::In(view);
            room.retry_at = Some(now);
        }
    }

    /// An id is handled once. What comes again was handled, and that is said again.
    fn signalled(&mut self, no: ConnectionNo, signal: &Signal, out: &mut Vec<Output>) {
        // A sender of another dialect has numbers of its own.
        let mark = std::str::from_utf8(&signal.payload.bytes).ok();
        let mark = mark.and_then(Mark::find);
        let id = mark.map_or(signal.id, |mark| mark.id);
        self.recorder.note(What::Came {
            client: self.no,
            connection: no,
            room: signal.room.clone(),
            from: signal.from,
            id,
            numbered: Some(signal.id),
            intact: mark.is_some_and(|mark| mark.from == signal.from),
        });
        let handled = self.handled.entry(signal.from).or_default();
        if handled.last().is_none_or(|last| signal.id > *last) {
            if handled.len() == HANDLED_MAX {
                handled.remove(0);
            }
            handled.push(signal.id);
            self.marks.insert(signal.from, id);
            if let Some((peer, _)) = self.ticket {
                self.recorder.note(What::Handled {
                    client: self.no,
                    peer,
                    room: signal.room.clone(),
                    from: signal.from,
                    id,
                });
            }
        }
        if self.receipts {
            let id = self.handled[&signal.from].last();
            let id = id.copied().unwrap_or(signal.id);
            let received = Received {
                from: signal.from,
                id,
            };
            self.write(no, &ClientMessage::Received(received), out);
        }
    }

    fn answered(
        &mut self,
        no: ConnectionNo,
        id: u64,
        to: &[Receiver],
        outcome: Result<(), switchboard_protocol::server_message::Reason>,
    ) {
        for receiver in to {
            let Receiver::Peer(peer) = receiver else {
                continue;
            };
            self.recorder.note(What::Answered {
                client: self.no,
                connection: no,
                id,
                to: *peer,
                outcome,
            });
            self.settle(id, |open| open.retain(|known| known != peer));
        }
    }

    /// Whom a broadcast goes to; said again after a resume, the newer word stands.
    fn goes(&mut self, no: ConnectionNo, id: u64, to: Option<&[PeerId]>) {
        let Some(to) = to else { return };
        self.recorder.note(What::Goes {
            client: self.no,
            connection: no,
            id,
            to: to.to_vec(),
        });
        // What a connection that was superseded still says is older than what was said again since.
        if self.main == Some(no) {
            if let Some(signal) = self.unanswered.iter_mut().find(|signal| signal.id == id) {
                signal.open = Some(to.to_vec());
            }
            self.settle(id, |_| {});
        }
    }

    fn settle(&mut self, id: u64, change: impl FnOnce(&mut Vec<PeerId>)) {
        let Ok(index) = self
            .unanswered
            .binary_search_by_key(&id, |signal| signal.id)
        else {
            return;
        };
        if let Some(open) = &mut self.unanswered[index].open {
            change(open);
            if open.is_empty() {
                self.unanswered.remove(index);
            }
        }
    }

    fn refused(&mut self, no: ConnectionNo, error: &Error, now: Instant) {
        self.recorder.note(What::Refused {
            client: self.no,
            connection: no,
            id: error.re,
            code: error.code,
        });
        let Some(id) = error.re else { return };
        self.unanswered.retain(|signal| signal.id != id);
        if self.main != Some(no) {
            return;
        }
        let asked = self.rooms.iter_mut().find(|(_, room)| {
            matches!(room.place, Place::Entering(asked) | Place::Going(asked) if asked == id)
        });
        let Some((name, room)) = asked else { return };
        let name = name.clone();
        let unknown = error.code == ErrorCode::Unavailable;
        if unknown && matches!(room.place, Place::Going(_)) {
            room.place = Place::HalfLeft;
        } else {
            // Whether it is in is not known either: it enters to make sure, and leaves then.
            room.wanted |= unknown;
            room.place = Place::Out;
        }
        self.retry_soon(&name, error.retry_after_ms, now);
    }

    fn told(
        &mut self,
        no: ConnectionNo,
        message: &ServerMessage,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Some((room, news)) = news(message) else {
            return;
        };
        if self.main == Some(no) {
            self.note_news(&room, &news, now, out);
        }
        self.recorder.note(What::Told {
            client: self.no,
            connection: no,
            room,
            news,
        });
    }

    fn note_news(&mut self, id: &RoomId, news: &News, now: Instant, out: &mut Vec<Output>) {
        let Some(room) = self.rooms.get_mut(id) else {
            return;
        };
        match news {
            News::Joined { revision, members } => {
                room.place = Place::In(View {
                    room: id.clone(),
                    revision: *revision,
                    members: members.clone(),
                });
                room.retry_at = Some(now);
            }
            News::Left | News::Closed => {
                room.place = Place::Out;
                room.retry_at = Some(now);
            }
            news => {
                if let Place::In(view) = &mut room.place {
                    view.take(news);
                }
            }
        }
        self.retry(now, out);
    }
}

impl View {
    /// Takes a change that a client is told of.
    pub(crate) fn take(&mut self, news: &News) {
        match news {
            News::Came { revision, member } => {
                self.revision = *revision;
                self.members.retain(|known| known.peer != member.peer);
                self.members.push(member.clone());
            }
            News::Updated {
                revision,
                peer,
                away,
                state,
            } => {
                self.revision = *revision;
                if let Some(known) = self.members.iter_mut().find(|known| known.peer == *peer) {
                    known.away = away.unwrap_or(known.away);
                    if let Some(state) = state {
                        known.state = state.clone();
                    }
                }
            }
            News::Went { revision, peer, .. } => {
                self.revision = *revision;
                self.members.retain(|known| known.peer != *peer);
            }
            News::Joined { revision, members } => {
                self.revision = *revision;
                self.members = members.clone();
            }
            News::Entered | News::Listed(_) | News::Left | News::Closed => {}
        }
    }
}

pub(crate) fn view(snapshot: &RoomSnapshot) -> View {
    View {
        room: snapshot.room.clone(),
        revision: snapshot.revision,
        members: seen(&snapshot.members),
    }
}

/// What a message tells of a room, if it does.
pub(crate) fn news(message: &ServerMessage) -> Option<(RoomId, News)> {
    Some(match message {
        ServerMessage::Joined(joined) => {
            let news = News::Joined {
                revision: joined.revision,
                members: seen(&joined.members),
            };
            (joined.room.clone(), news)
        }
        ServerMessage::Left(left) => (left.room.clone(), News::Left),
        ServerMessage::RoomClosed(closed) => (closed.room.clone(), News::Closed),
        ServerMessage::MemberJoined(joined) => (joined.room.clone(), News::from(&**joined)),
        ServerMessage::MemberUpdated(updated) => (updated.room.clone(), News::from(&**updated)),
        ServerMessage::MemberLeft(left) => (left.room.clone(), News::from(left)),
        _ => return None,
    })
}
