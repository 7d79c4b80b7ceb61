//! What an application asks of a session.

use std::sync::Arc;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::{MemberState, Payload, PeerId, RoomId};

/// Carried out in order, once there is a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Enter a room, and stay in it over all connections: answered by [`Reply::Joined`](super::Reply::Joined).
    Join(Join),
    /// Leave it: answered by [`Reply::Done`](super::Reply::Done).
    Leave(RoomId),
    /// Change one's own state in it: answered by [`Reply::Done`](super::Reply::Done).
    SetState(SetState),
    /// Send a signal: answered by [`Reply::Signal`](super::Reply::Signal).
    Signal(Signal),
}

/// See [`Client::join`](crate::Client::join).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Where.
    pub room: RoomId,
    /// The first state; later, where the room is entered again, the present one.
    pub state: Option<MemberState>,
    /// If this creates the room.
    pub capacity: Option<u32>,
}

/// See [`Client::set_state`](crate::Client::set_state).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetState {
    /// Where.
    pub room: RoomId,
    /// What changes.
    pub patch: StatePatch,
}

/// See [`Client::signal`](crate::Client::signal).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Where.
    pub room: RoomId,
    /// The receiver; every other member where there is none.
    pub to: Option<PeerId>,
    /// See [`check_kind`](switchboard_protocol::ids::check_kind).
    pub kind: Arc<str>,
    /// What is passed on.
    pub payload: Payload,
    /// The trace that it belongs to, as W3C Trace Context writes it.
    pub traceparent: Option<Arc<str>>,
}
