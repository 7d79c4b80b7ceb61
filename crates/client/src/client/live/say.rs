//! What a client says on its connection.

use std::time::Instant;

use switchboard_protocol::ClientMessage;
use switchboard_protocol::client_message::{self as say, Ping};

use super::Live;
use crate::client::allowance::Hold;
use crate::client::answer::Reply;
use crate::client::command::{Command, Join, SetState, Signal};
use crate::client::unanswered::{InFlight, Request};
use crate::client::{Outcomes, RequestError};
use crate::connection::FeedError;

/// Receipts and commands wait while more than this does not get into the socket.
const UNWRITTEN_BYTES_MAX: usize = 256 * 1024;

impl Live<'_> {
    /// Receipts first, then commands in their order, as far as the limits let them.
    pub(super) fn say_what_waits(&mut self, now: Instant) {
        let connection = &mut *self.connection;
        if connection.unwritten() < UNWRITTEN_BYTES_MAX {
            self.task.mailbox.take_receipts(|receipt| {
                connection
                    .feed(&receipt)
                    .expect("a receipt is short, and can be written in every codec");
            });
        }
        self.held_until = None;
        while let Some(command) = self.task.held.pop_front() {
            if let Err((command, hold)) = self.carry_out(command, now) {
                self.task.held.push_front(command);
                if let Hold::Until(at) = hold {
                    self.held_until = Some(at);
                }
                return;
            }
        }
    }

    pub(super) fn say_ping(&mut self) {
        self.connection
            .feed(&ClientMessage::Ping(Ping { id: None }))
            .expect("a ping is short, and can be written in every codec");
    }

    /// On a new connection, and where it was refused for a while.
    pub(super) fn enter_rooms(&mut self, joins: Vec<Join>) {
        for join in joins {
            let id = self.next_id();
            match self.feed_join(id, &join) {
                Ok(()) => self.expect(id, Request::Join(join, None)),
                Err(error) => self.not_rejoined(join, error.into()),
            }
        }
    }

    fn carry_out(&mut self, command: Command, now: Instant) -> Result<(), (Command, Hold)> {
        match command {
            Command::Signal(signal, reply) => {
                if let Err(hold) = self.allowance.check(signal.payload.bytes.len(), now) {
                    return Err((Command::Signal(signal, reply), hold));
                }
                self.say_signal(signal, reply, now);
            }
            Command::Join(join, reply) => {
                let id = self.next_id();
                match self.feed_join(id, &join) {
                    Ok(()) => self.expect(id, Request::Join(join, Some(reply))),
                    Err(error) => refuse(reply, error),
                }
            }
            Command::Leave(room, reply) => {
                // From now on it is not wanted, whatever becomes of this connection.
                self.task.rooms.remove(&room);
                let id = self.next_id();
                let room = room.as_str().into();
                match self
                    .connection
                    .feed(&ClientMessage::Leave(say::Leave { id, room }))
                {
                    Ok(()) => self.expect(id, Request::Leave(reply)),
                    Err(error) => refuse(reply, error),
                }
            }
            Command::SetState(state, reply) => {
                let id = self.next_id();
                match self.feed_state(id, &state) {
                    Ok(()) => self.expect(id, Request::SetState(state, reply)),
                    Err(error) => refuse(reply, error),
                }
            }
        }
        Ok(())
    }

    fn say_signal(&mut self, signal: Signal, reply: Reply<Outcomes>, now: Instant) {
        let id = self.next_id();
        let fed = self.connection.feed(&ClientMessage::Signal(say::Signal {
            id,
            room: signal.room.as_str().into(),
            to: signal.to.as_ref().map(|to| to.as_str().into()),
            kind: (*signal.kind).into(),
            payload: signal.payload.as_slice(),
            traceparent: None,
        }));
        if let Err(error) = fed {
            return refuse(reply, error);
        }
        let bytes = signal.payload.bytes.len();
        self.allowance.take(bytes, now);
        self.expect(id, Request::Signal(InFlight::new(signal.to, bytes, reply)));
    }

    fn feed_join(&mut self, id: u64, join: &Join) -> Result<(), FeedError> {
        self.connection.feed(&ClientMessage::Join(say::Join {
            id,
            room: join.room.as_str().into(),
            state: join.state.clone(),
            capacity: join.capacity,
        }))
    }

    fn feed_state(&mut self, id: u64, state: &SetState) -> Result<(), FeedError> {
        self.connection.feed(&ClientMessage::State(say::State {
            id,
            room: state.room.as_str().into(),
            state: state.patch.clone(),
        }))
    }

    fn expect(&mut self, id: u64, request: Request) {
        self.task.unanswered.insert(id, request);
    }

    fn next_id(&mut self) -> u64 {
        self.task.last_id += 1;
        self.task.last_id
    }
}

fn refuse<T>(reply: Reply<T>, error: FeedError) {
    let _ = reply.send(Err(RequestError::Unsendable(error)));
}
