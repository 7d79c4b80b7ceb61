//! What becomes of a request.

use std::time::Duration;

use switchboard_protocol::server_message::{self, Joined, Reason, Receiver};
use switchboard_protocol::{ErrorCode, InvalidId, PeerId};

use crate::connection::FeedError;

/// What became of one signal, receiver by receiver; empty for a broadcast in a room without others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// In the order in which the answers came, each receiver once.
    pub each: Vec<(Receiver, Outcome)>,
}

/// What became of one signal at one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has it.
    Delivered,
    /// It does not have it; with [`Reason::Unconfirmed`], it may.
    Undelivered(Reason),
}

impl Outcomes {
    /// Whether every receiver has it.
    pub fn all_delivered(&self) -> bool {
        self.each
            .iter()
            .all(|(_, outcome)| *outcome == Outcome::Delivered)
    }

    /// What became of it at this peer, if it was a receiver.
    pub fn of(&self, peer: PeerId) -> Option<Outcome> {
        let receiver = Receiver::Peer(peer);
        self.each
            .iter()
            .find(|(to, _)| *to == receiver)
            .map(|(_, outcome)| *outcome)
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The gateway said so.
    #[error("{message} ({})", code.as_str())]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For people: a sentence that says what to do.
        message: String,
        /// Trying again helps after this.
        retry_after: Option<Duration>,
    },
    /// The session was lost before a broadcast's receivers were told: it may have reached any of them.
    #[error("the session was lost before the answer")]
    Unconfirmed,
    /// It was never sent: too many others wait.
    #[error("too many requests wait to be sent")]
    Overloaded,
    /// It was never sent.
    #[error(transparent)]
    Unsendable(#[from] FeedError),
    /// It was never sent.
    #[error(transparent)]
    Kind(#[from] InvalidId),
    /// The client said goodbye, or may not come back: see [`ConnectionState::Over`](super::ConnectionState::Over).
    #[error("the client is over")]
    Over,
}

impl From<server_message::Error> for RequestError {
    fn from(error: server_message::Error) -> Self {
        Self::Refused {
            code: error.code,
            message: error.message,
            retry_after: error.retry_after_ms.map(Duration::from_millis),
        }
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Of [`Command::Join`](super::Command::Join): the room as it was entered.
    Joined(Result<Joined, RequestError>),
    /// Of [`Command::Leave`](super::Command::Leave) and [`Command::SetState`](super::Command::SetState).
    Done(Result<(), RequestError>),
    /// Of [`Command::Signal`](super::Command::Signal).
    Signal(Result<Outcomes, RequestError>),
}
