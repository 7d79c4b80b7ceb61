//! A signal, as its sender knows it.

use std::collections::BTreeSet;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use crate::trace::{ClientNo, ConnectionNo, Event, What};

/// A signal.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) room: RoomId,
    pub(crate) to: Option<PeerId>,
    pub(crate) by_name: Option<ClientNo>,
    pub(crate) first_at: Duration,
    /// Who was in the room then, by all that its sender was told.
    pub(crate) members: BTreeSet<PeerId>,
    pub(crate) last_at: Duration,
    /// The connections it was said over.
    pub(crate) over: BTreeSet<ConnectionNo>,
    /// Whom it goes to, by all that its sender was told.
    pub(crate) goes: BTreeSet<PeerId>,
    pub(crate) refused: bool,
    pub(crate) answers: Vec<Answer>,
}

/// What its sender was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) at: Duration,
    /// The connection that it came over.
    pub(crate) over: ConnectionNo,
    pub(crate) to: PeerId,
    pub(crate) outcome: Result<(), Reason>,
}

impl Answer {
    /// `None`: the event is another one.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event.what {
            What::Answered {
                connection: over,
                to,
                outcome,
                ..
            } => Some(Self {
                at: event.at,
                over,
                to,
                outcome,
            }),
            _ => None,
        }
    }
}
