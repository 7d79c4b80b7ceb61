//! What a line of the log is about: its fields `session.id`, `room.id` and `node.id`, which have these names everywhere.

use switchboard_protocol::{NodeId, PeerId, RoomId};

/// What is known of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) session: Option<&'a str>,
    pub(crate) room: Option<&'a str>,
    pub(crate) node: Option<&'a str>,
}

impl<'a> About<'a> {
    pub(crate) fn session(peer: &'a PeerId) -> Self {
        Self {
            session: Some(peer.as_str()),
            ..Self::default()
        }
    }

    pub(crate) fn room(room: &'a RoomId) -> Self {
        Self::default().in_room(room)
    }

    pub(crate) fn node(node: &'a NodeId) -> Self {
        Self::default().on(node)
    }

    pub(crate) fn in_room(self, room: &'a RoomId) -> Self {
        Self {
            room: Some(room.as_str()),
            ..self
        }
    }

    pub(crate) fn on(self, node: &'a NodeId) -> Self {
        Self {
            node: Some(node.as_str()),
            ..self
        }
    }
}
