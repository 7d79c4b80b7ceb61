//! What a session says to its gateway.

use switchboard_protocol::client_message::{self as said, Bye, Ping, Received};
use switchboard_protocol::{ClientMessage, PeerId, RoomId};

use super::{Join, SetState, Signal, Token};

/// A message that owns what is in it; [`Self::as_message`] is what goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Enter a room.
    Join {
        /// Answered as `re`.
        id: u64,
        /// What is asked for.
        join: Join,
    },
    /// Leave it.
    Leave {
        /// Answered as `re`.
        id: u64,
        /// Which.
        room: RoomId,
    },
    /// Change one's own state.
    State {
        /// Answered as `re`.
        id: u64,
        /// What changes.
        state: SetState,
    },
    /// The session goes on with this token.
    Refresh {
        /// Answered as `re`.
        id: u64,
        /// JWT.
        token: Token,
    },
    /// A signal, for the first time or again.
    Signal {
        /// The same each time.
        id: u64,
        /// For whom this time: a broadcast is repeated to those who are missing, one by one.
        to: Option<PeerId>,
        /// The signal.
        signal: Signal,
    },
    /// Signals were handled.
    Received(Received),
    /// Is anybody there?
    Ping,
    /// Goodbye.
    Bye(Bye),
}

impl Say {
    /// The id under which an answer is expected.
    pub fn id(&self) -> Option<u64> {
        self.as_message().id()
    }

    /// As the protocol has it.
    pub fn as_message(&self) -> ClientMessage<'_> {
        match self {
            Self::Join { id, join } => ClientMessage::Join(said::Join {
                id: *id,
                room: join.room.as_str().into(),
                state: join.state.clone(),
                capacity: join.capacity,
            }),
            Self::Leave { id, room } => ClientMessage::Leave(said::Leave {
                id: *id,
                room: room.as_str().into(),
            }),
            Self::State { id, state } => ClientMessage::State(said::State {
                id: *id,
                room: state.room.as_str().into(),
                state: state.patch.clone(),
            }),
            Self::Refresh { id, token } => ClientMessage::Refresh(said::Refresh {
                id: *id,
                token: token.expose().into(),
            }),
            Self::Signal { id, to, signal } => ClientMessage::Signal(said::Signal {
                id: *id,
                room: signal.room.as_str().into(),
                to: to.as_ref().map(|to| to.as_str().into()),
                kind: (*signal.kind).into(),
                payload: signal.payload.as_slice(),
                traceparent: signal.traceparent.as_deref().map(Into::into),
            }),
            Self::Received(received) => ClientMessage::Received(*received),
            Self::Ping => ClientMessage::Ping(Ping { id: None }),
            Self::Bye(bye) => ClientMessage::Bye(*bye),
        }
    }
}
