//! A signal, as its sender knows it.

use std::collections::BTreeSet;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use crate::trace::{ClientNo, ConnectionNo};

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
    pub(crate) to: PeerId,
    pub(crate) outcome: Result<(), Reason>,
}
