//! What the sender's node is told of a signal, for one receiver.

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::Reason;

use crate::backend::record::Epoch;
use crate::link::envelope::{MovedSignal, Receipt};

/// What becomes of a signal for one receiver, as the sender's node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver has it.
    Delivered,
    /// It will not have it, or may, for [`Reason::Unconfirmed`].
    Refused(Reason),
    /// The receiver has no connection here any more.
    Moved {
        /// It may have it all the same.
        may_have: bool,
    },
}

/// How a session on this node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It left its rooms.
    Left,
    /// It lost its connection and may be, or is, back with another.
    Moved,
}

impl Fate {
    /// The answer for what never came near the session's connection.
    pub(crate) fn of_untouched(self) -> Answer {
        match self {
            Self::Left => Answer::Refused(Reason::Left),
            Self::Moved => Answer::Moved { may_have: false },
        }
    }

    /// The answer for what was written to the connection, at least in part, and not answered.
    pub(crate) fn of_written(self) -> Answer {
        match self {
            Self::Left => Answer::Refused(Reason::Unconfirmed),
            Self::Moved => Answer::Moved { may_have: true },
        }
    }
}

impl Receipt {
    /// Without an answer yet.
    pub(crate) fn empty(sender: PeerId, sender_epoch: Epoch, receiver: PeerId) -> Self {
        Self {
            sender,
            sender_epoch,
            receiver,
            delivered: Default::default(),
            refused: Default::default(),
            moved: Default::default(),
        }
    }

    /// Adds the answer for a signal that named the receiver with that epoch.
    pub(crate) fn add(&mut self, id: u64, epoch: Epoch, answer: Answer) {
        match answer {
            Answer::Delivered => self.delivered.push(id),
            Answer::Refused(reason) => self.refused.push((id, reason)),
            Answer::Moved { may_have } => self.moved.push(MovedSignal {
                id,
                epoch,
                may_have,
            }),
        }
    }
}
