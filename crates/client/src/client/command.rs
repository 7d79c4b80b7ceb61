//! What a handle asks of the client's task.

use std::sync::Arc;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::Joined;
use switchboard_protocol::{MemberState, Payload, PeerId, RoomId};

use super::Outcomes;
use super::answer::Reply;

/// Carried out in order, once there is a connection.
pub(super) enum Command {
    Join(Join, Reply<Joined>),
    Leave(RoomId, Reply<()>),
    SetState(SetState, Reply<()>),
    Signal(Signal, Reply<Outcomes>),
}

#[derive(Clone)]
pub(super) struct Join {
    pub(super) room: RoomId,
    pub(super) state: Option<MemberState>,
    pub(super) capacity: Option<u32>,
}

pub(super) struct SetState {
    pub(super) room: RoomId,
    pub(super) patch: StatePatch,
}

pub(super) struct Signal {
    pub(super) room: RoomId,
    pub(super) to: Option<PeerId>,
    pub(super) kind: Arc<str>,
    pub(super) payload: Payload,
}

/// What holds at once, whatever waits.
#[derive(Default)]
pub(super) struct Control {
    /// The newest token, to be used from the next connection on.
    pub(super) token: Option<String>,
    /// Say goodbye and end.
    pub(super) stop: bool,
}
