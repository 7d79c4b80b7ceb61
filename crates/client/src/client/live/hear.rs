//! What a client makes of what it is told.

use std::time::Duration;

use switchboard_protocol::ServerMessage;
use switchboard_protocol::server_message::{Done, Error, Joined, MemberLeft};

use super::{Live, now};
use crate::client::command::Join;
use crate::client::unanswered::{InFlight, Request};
use crate::client::{Event, Outcome, RequestError};

/// A room that may not be entered again just now is not asked for more often than this.
const REJOIN_PAUSE_MIN: Duration = Duration::from_millis(100);

impl Live<'_> {
    pub(super) fn hear(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Joined(joined) => self.hear_joined(joined),
            ServerMessage::Left(left) => {
                self.task.rooms.remove(&left.room);
                if let Some(Request::Leave(reply)) = self.task.unanswered.remove(left.re) {
                    let _ = reply.send(Ok(()));
                }
            }
            ServerMessage::Done(done) => self.hear_done(done),
            ServerMessage::Error(error) => self.hear_error(*error),
            ServerMessage::Delivered(delivered) => {
                let outcome = Outcome::Delivered;
                let signal = self
                    .task
                    .unanswered
                    .outcome(delivered.id, delivered.to, outcome);
                self.answer(signal);
            }
            ServerMessage::Undelivered(undelivered) => {
                let outcome = Outcome::Undelivered(undelivered.reason);
                let to = undelivered.to;
                let signal = self.task.unanswered.outcome(undelivered.id, to, outcome);
                self.answer(signal);
            }
            ServerMessage::MemberJoined(joined) => {
                self.task
                    .rooms
                    .member_joined(&joined.room, joined.member.peer);
                self.tell(Event::MemberJoined(joined));
            }
            ServerMessage::MemberUpdated(updated) => self.tell(Event::MemberUpdated(updated)),
            ServerMessage::MemberLeft(left) => self.hear_member_left(left),
            ServerMessage::Ready(ready) => self.tell(Event::Ready(ready)),
            ServerMessage::RoomClosed(closed) => {
                self.task.rooms.remove(&closed.room);
                self.tell(Event::RoomClosed(closed));
            }
            ServerMessage::Signal(signal) => self.tell(Event::Signal(signal)),
            ServerMessage::Welcome(_) | ServerMessage::Pong(_) | ServerMessage::Drain(_) => {}
        }
    }

    fn hear_joined(&mut self, joined: Box<Joined>) {
        let Some(Request::Join(join, reply)) = self.task.unanswered.remove(joined.re) else {
            return;
        };
        let members = joined.members.iter().map(|member| member.peer);
        self.task.rooms.joined(join, members);
        match reply {
            Some(reply) => {
                let _ = reply.send(Ok(*joined));
            }
            None => self.tell(Event::Rejoined(joined)),
        }
    }

    fn hear_done(&mut self, done: Done) {
        if let Some(to) = done.to {
            let signal = self.task.unanswered.receivers(done.re, to);
            self.answer(signal);
        } else if let Some(Request::SetState(state, reply)) = self.task.unanswered.remove(done.re) {
            self.task.rooms.merge_state(&state.room, &state.patch);
            let _ = reply.send(Ok(()));
        }
    }

    /// One without `re` was about a message that could not even be read; this client sends none.
    fn hear_error(&mut self, error: Error) {
        let Some(request) = error.re.and_then(|re| self.task.unanswered.remove(re)) else {
            return;
        };
        let error = RequestError::from(error);
        match request {
            Request::Join(join, None) => self.not_rejoined(join, error),
            Request::Join(_, Some(reply)) => {
                let _ = reply.send(Err(error));
            }
            Request::Leave(reply) | Request::SetState(_, reply) => {
                let _ = reply.send(Err(error));
            }
            Request::Signal(signal) => {
                self.allowance.answered(signal.bytes);
                signal.refuse(error);
            }
        }
    }

    /// Again later where the gateway named a time, else not at all, and the application hears of it.
    pub(super) fn not_rejoined(&mut self, join: Join, error: RequestError) {
        if let RequestError::Refused {
            retry_after: Some(pause),
            ..
        } = error
        {
            let pause = pause.max(REJOIN_PAUSE_MIN);
            return self.task.rooms.retry_at(&join.room, now() + pause);
        }
        self.task.rooms.remove(&join.room);
        let room = join.room;
        self.tell(Event::RoomLost { room, error });
    }

    fn hear_member_left(&mut self, left: MemberLeft) {
        if left.peer == self.welcome.peer {
            self.task.rooms.remove(&left.room);
        }
        let stranger = self.task.rooms.member_left(&left.room, &left.peer);
        self.task
            .mailbox
            .push_from(Event::MemberLeft(left), stranger);
    }

    fn answer(&mut self, signal: Option<InFlight>) {
        if let Some(signal) = signal {
            self.allowance.answered(signal.bytes);
            signal.answer();
        }
    }

    fn tell(&self, event: Event) {
        self.task.mailbox.push(event);
    }
}
