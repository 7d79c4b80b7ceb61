//! What a session makes of what it is told.

use std::time::{Duration, Instant};

use switchboard_protocol::server_message::{Done, Error, Joined, MemberLeft};
use switchboard_protocol::{PeerId, ServerMessage};

use super::unanswered::{Ended, Request};
use super::{Event, Join, Outcome, Reply, RequestError, Session};
use crate::connection::FeedError;

/// A room that may not be entered again just now is not asked for more often than this.
const REJOIN_PAUSE_MIN: Duration = Duration::from_millis(100);

/// Nor less often than this, whatever the gateway says.
const REJOIN_PAUSE_MAX: Duration = Duration::from_secs(3600);

impl Session {
    /// Something came on the connection in use.
    pub(super) fn hear(&mut self, message: ServerMessage, now: Instant) {
        if let Some(current) = &mut self.current {
            current.heartbeat.heard(now);
        }
        match message {
            ServerMessage::Joined(joined) => self.hear_joined(joined),
            ServerMessage::Left(left) => {
                if let Some((ask, room)) = self.unanswered.remove_leave(left.re) {
                    self.rooms.remove(&room);
                    self.answer(ask, Reply::Done(Ok(())));
                }
            }
            ServerMessage::Done(done) => self.hear_done(done),
            ServerMessage::Error(error) => self.hear_error(*error, now),
            ServerMessage::Delivered(delivered) => {
                let (id, to) = (delivered.id, delivered.to);
                let ended = self.unanswered.outcome(id, to, Outcome::Delivered);
                self.answer_signal(ended);
            }
            ServerMessage::Undelivered(undelivered) => {
                let outcome = Outcome::Undelivered(undelivered.reason);
                let (id, to) = (undelivered.id, undelivered.to);
                let ended = self.unanswered.outcome(id, to, outcome);
                self.answer_signal(ended);
            }
            ServerMessage::MemberJoined(joined) => {
                self.rooms.member_joined(&joined.room, &joined.member);
                self.tell(Event::MemberJoined(joined));
            }
            ServerMessage::MemberUpdated(updated) => {
                self.rooms.member_updated(&updated);
                self.tell(Event::MemberUpdated(updated));
            }
            ServerMessage::MemberLeft(left) => self.hear_member_left(left),
            ServerMessage::Ready(ready) => self.tell(Event::Ready(ready)),
            ServerMessage::RoomClosed(closed) => {
                self.rooms.remove(&closed.room);
                self.tell(Event::RoomClosed(closed));
            }
            ServerMessage::Signal(signal) => {
                let is_stranger = |peer: &PeerId| self.rooms.is_stranger(peer);
                if self.streams.tell(signal.from, signal.id, is_stranger) {
                    self.tell(Event::Signal(signal));
                }
            }
            ServerMessage::Drain(drain) => self.drain(drain, now),
            ServerMessage::Expiring(expiring) => {
                self.expiring(Duration::from_millis(expiring.in_ms), now);
            }
            ServerMessage::IceServers(renewed) => self.tell(Event::IceServers(renewed)),
            ServerMessage::Welcome(_) | ServerMessage::Pong(_) => {}
        }
    }

    /// A message that could not be written was never sent.
    pub(super) fn unsendable(&mut self, id: u64, error: FeedError, now: Instant) {
        if let Some(request) = self.unanswered.remove(id) {
            self.refused(request, error.into(), now);
        }
    }

    fn hear_joined(&mut self, joined: Box<Joined>) {
        let Some((ask, join)) = self.unanswered.remove_join(&joined) else {
            return;
        };
        if ask.is_none() && !self.rooms.wants(&join.room) {
            // It is being left again.
            return;
        }
        self.rooms.joined(join, &joined.members);
        match ask {
            Some(_) => self.answer(ask, Reply::Joined(Ok(*joined))),
            None => self.tell(Event::Rejoined(joined)),
        }
    }

    fn hear_done(&mut self, done: Done) {
        if let Some(to) = done.to {
            let ended = self.unanswered.receivers(done.re, to);
            return self.answer_signal(ended);
        }
        if self.refreshed(done.re) {
            return;
        }
        if let Some((ask, state)) = self.unanswered.remove_state(done.re) {
            if let Some(me) = self.peer() {
                self.rooms.merge_state(&state.room, &state.patch, &me);
            }
            self.answer(ask, Reply::Done(Ok(())));
        }
    }

    /// One without `re` was about a message that could not even be read; this client sends none.
    fn hear_error(&mut self, error: Error, now: Instant) {
        let Some(re) = error.re else { return };
        let error = error.into();
        if self.not_refreshed(re, &error, now) {
            return;
        }
        if let Some(request) = self.unanswered.remove(re) {
            self.refused(request, error, now);
        }
    }

    fn refused(&mut self, request: Request, error: RequestError, now: Instant) {
        match request {
            Request::Join(None, join) => self.not_rejoined(join, error, now),
            Request::Join(ask, _) => self.answer(ask, Reply::Joined(Err(error))),
            Request::Leave(ask, _) | Request::SetState(ask, _) => {
                self.answer(ask, Reply::Done(Err(error)));
            }
            Request::Signal(signal) => {
                self.allow(signal.parts(), signal.bytes());
                let ask = Some(signal.ask);
                self.answer(ask, Reply::Signal(signal.refused(error)));
            }
        }
    }

    /// Again later where the gateway named a time, else not at all, and the application hears of it.
    fn not_rejoined(&mut self, join: Join, error: RequestError, now: Instant) {
        if !self.rooms.wants(&join.room) {
            return;
        }
        if let RequestError::Refused {
            retry_after: Some(pause),
            ..
        } = error
        {
            let pause = pause.clamp(REJOIN_PAUSE_MIN, REJOIN_PAUSE_MAX);
            return self.rooms.retry_at(&join.room, now + pause);
        }
        self.rooms.remove(&join.room);
        let room = join.room;
        self.tell(Event::RoomLost { room, error });
    }

    fn hear_member_left(&mut self, left: MemberLeft) {
        if Some(left.peer) == self.peer() {
            self.rooms.remove(&left.room);
        }
        self.rooms.member_left(&left.room, &left.peer);
        self.tell(Event::MemberLeft(left));
    }

    fn answer_signal(&mut self, ended: Option<Ended>) {
        let Some(ended) = ended else {
            return;
        };
        self.allow(ended.parts, ended.bytes);
        if let Some(signal) = ended.signal {
            let ask = Some(signal.ask);
            self.answer(ask, Reply::Signal(signal.result()));
        }
    }

    /// So many messages of so many bytes each are not in flight any more.
    fn allow(&mut self, parts: usize, bytes: usize) {
        if let Some(current) = &mut self.current {
            for _ in 0..parts {
                current.allowance.answered(bytes);
            }
        }
    }
}
