//! What a client asks: it is answered at once, or queued for the cluster.

use std::time::Instant;

use switchboard_protocol::client_message::{Leave, State};
use switchboard_protocol::limits::{BAD_MESSAGES_MAX, TOKEN_BYTES_MAX};
use switchboard_protocol::server_message::Pong;
use switchboard_protocol::{ClientMessage, CloseCode, DecodeError, ErrorCode};

use super::rooms::{not_a_member, room_id};
use super::{Live, Output, refusal};
use crate::Closing;
use crate::grants::Ability;
use crate::operation::{Operation, Refused, Token};

/// What a request makes the node write or read beyond its own size counts as another request for each so many bytes.
const REQUEST_BYTES: usize = 4096;

impl Live {
    /// Queues a request that has to wait for the cluster; gives the answer to any other.
    pub(super) fn request<'a>(
        &mut self,
        message: ClientMessage<'a>,
        now: Instant,
    ) -> Result<Option<Output<'a>>, Refused> {
        self.take_request(1, now)?;
        let operation = match message {
            ClientMessage::Ping(ping) => {
                return Ok(Some(Output::Send(Pong { re: ping.id }.into())));
            }
            ClientMessage::Join(join) => {
                let capacity = self.capacity(join.capacity)?;
                self.join(join, capacity, None)?
            }
            ClientMessage::Leave(leave) => self.leave(&leave)?,
            ClientMessage::State(state) => self.state(state)?,
            ClientMessage::Refresh(refresh) if refresh.token.len() > TOKEN_BYTES_MAX => {
                let words = format!("the token is longer than {TOKEN_BYTES_MAX} bytes");
                return Err(Refused::new(ErrorCode::TooLarge, words));
            }
            ClientMessage::Refresh(refresh) => Operation::Refresh {
                re: refresh.id,
                token: Token(refresh.token.into()),
            },
            _ => {
                return Err(Refused::new(
                    ErrorCode::BadMessage,
                    "hello was said already",
                ));
            }
        };
        self.rooms.queue(operation)?;
        Ok(None)
    }

    fn leave(&self, leave: &Leave<'_>) -> Result<Operation, Refused> {
        let room = room_id(&leave.room)?;
        if !self.rooms.may_leave(&room) {
            return Err(not_a_member(&leave.room));
        }
        Ok(Operation::Leave { re: leave.id, room })
    }

    fn state(&self, state: State<'_>) -> Result<Operation, Refused> {
        let room = room_id(&state.room)?;
        if !self.rooms.is_in_or_joining(&room) {
            return Err(not_a_member(&state.room));
        }
        if !self.grants.can.has(Ability::State) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to change your state",
            ));
        }
        Ok(Operation::Update {
            re: state.id,
            room,
            patch: state.state,
        })
    }

    /// The client asks for something that its dialect answers by itself.
    pub(super) fn ask(&mut self, id: u64, bytes: usize, now: Instant, out: &mut Vec<Output<'_>>) {
        let cost = 1 + bytes / REQUEST_BYTES;
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        out.push(match self.take_request(cost, now) {
            Ok(()) => Output::Allow { id, bytes },
            Err(refused) => refusal(Some(id), refused),
        });
    }

    /// The client said something that cannot be read; one that does so again and again is sent away.
    pub(super) fn broken(&mut self, error: DecodeError, now: Instant, out: &mut Vec<Output<'_>>) {
        self.bad_messages += 1;
        let message = error.to_string();
        if self.bad_messages >= BAD_MESSAGES_MAX {
            let closing = Closing::because(CloseCode::Protocol, message);
            return out.push(Output::Close(closing));
        }
        self.refuse_within_rate(error.re, Refused::new(error.code, message), now, out);
    }

    /// Tells the client why its request came to nothing, or, beyond the rate of requests, that it is too fast.
    pub(super) fn refuse_within_rate(
        &mut self,
        re: Option<u64>,
        refused: Refused,
        now: Instant,
        out: &mut Vec<Output<'_>>,
    ) {
        let too_fast = self.take_request(1, now).err();
        out.push(refusal(re, too_fast.unwrap_or(refused)));
    }

    pub(super) fn take_request(&mut self, cost: u32, now: Instant) -> Result<(), Refused> {
        self.rates.request(cost, &self.rules, now)
    }
}
