//! The rooms of a connection as its client sees them, by what it was told: whom it can name, and who it is that left.

use std::sync::Arc;

use switchboard_protocol::server_message::{Joined, MemberJoined, MemberLeft, MemberUpdated};
use switchboard_protocol::{Member, PeerId, RoomId};

/// A room, as a client sees it.
#[derive(Debug)]
pub(super) struct RoomView<K> {
    pub(super) id: RoomId,
    /// What the dialect keeps of it.
    pub(super) kind: K,
    /// In join order, the client itself among them.
    members: Vec<MemberView>,
}

/// A member, as that client was told of it last.
#[derive(Debug)]
enum MemberView {
    Listed(Member),
    /// Shared by all who were told.
    Came(Arc<MemberJoined>),
}

impl MemberView {
    fn member(&self) -> &Member {
        match self {
            Self::Listed(member) => member,
            Self::Came(joined) => &joined.member,
        }
    }
}

impl<K> RoomView<K> {
    /// As the client enters.
    pub(super) fn new(joined: &Joined, kind: K) -> Self {
        Self {
            id: joined.room.clone(),
            kind,
            members: joined
                .members
                .iter()
                .cloned()
                .map(MemberView::Listed)
                .collect(),
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().map(MemberView::member)
    }

    pub(super) fn member(&self, peer: &PeerId) -> Option<&Member> {
        self.members().find(|member| member.peer == *peer)
    }

    /// Whoever is there already is called otherwise now.
    pub(super) fn came(&mut self, joined: &Arc<MemberJoined>) {
        let view = MemberView::Came(joined.clone());
        let peer = joined.member.peer;
        match self
            .members
            .iter_mut()
            .find(|view| view.member().peer == peer)
        {
            Some(known) => *known = view,
            None => self.members.push(view),
        }
    }

    /// Who it was.
    pub(super) fn gone(&mut self, left: &MemberLeft) -> Option<Member> {
        let at = self
            .members
            .iter()
            .position(|view| view.member().peer == left.peer)?;
        Some(self.members.remove(at).member().clone())
    }

    /// The member that it is about, as it is now.
    pub(super) fn updated(&mut self, update: &MemberUpdated) -> Option<&Member> {
        let view = self
            .members
            .iter_mut()
            .find(|view| view.member().peer == update.peer)?;
        let mut member = view.member().clone();
        if let Some(state) = &update.state {
            member.state = state.clone();
        }
        if let Some(connection) = update.connection {
            member.connection = connection;
        }
        *view = MemberView::Listed(member);
        Some(view.member())
    }
}

/// The rooms of one connection.
#[derive(Debug)]
pub(super) struct RoomViews<K>(Vec<RoomView<K>>);

impl<K> Default for RoomViews<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> RoomViews<K> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &RoomView<K>> {
        self.0.iter()
    }

    pub(super) fn get(&self, id: &str) -> Option<&RoomView<K>> {
        self.0.iter().find(|room| room.id.as_str() == id)
    }

    pub(super) fn get_mut(&mut self, id: &RoomId) -> Option<&mut RoomView<K>> {
        self.0.iter_mut().find(|room| room.id == *id)
    }

    pub(super) fn named_mut(&mut self, id: &str) -> Option<&mut RoomView<K>> {
        self.0.iter_mut().find(|room| room.id.as_str() == id)
    }

    /// A room that is there already begins again.
    pub(super) fn enter(&mut self, room: RoomView<K>) {
        self.leave(&room.id);
        self.0.push(room);
    }

    pub(super) fn leave(&mut self, id: &RoomId) -> Option<RoomView<K>> {
        let at = self.0.iter().position(|room| room.id == *id)?;
        Some(self.0.swap_remove(at))
    }
}

/// For the dialects' tests: somebody, and what somebody says.
#[cfg(test)]
pub(super) mod tests {
    use switchboard_protocol::server_message::Signal;
    use switchboard_protocol::{Connection, Encoding, Member, MemberState, Payload, PeerId};

    pub(crate) fn member(name: Option<&str>, order: u64) -> Member {
        Member {
            peer: PeerId::random(),
            user: "u".parse().expect("a user"),
            name: name.map(Into::into),
            avatar: None,
            state: MemberState::default(),
            order,
            joined_at: 0,
            connection: Connection::Live,
        }
    }

    /// One signal with this JSON.
    pub(crate) fn signal(
        from: PeerId,
        room: &str,
        kind: &str,
        payload: impl Into<String>,
    ) -> Signal {
        Signal {
            room: room.parse().expect("a room"),
            from,
            id: 1,
            kind: kind.into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: payload.into().into(),
            },
            traceparent: None,
        }
    }
}
