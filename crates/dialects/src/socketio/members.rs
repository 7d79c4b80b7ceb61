//! Members that come, change and go, as the vocabulary of their room tells it.

use std::sync::Arc;

use switchboard_protocol::server_message::{MemberJoined, MemberLeft, MemberUpdated, RoomClosed};

use super::{Say, SocketIo, Vocabulary, calls, presence, rooms, video};

impl SocketIo {
    pub(super) fn tell_came(&mut self, joined: &Arc<MemberJoined>, say: Say<'_>) {
        let is_own = self.peer == Some(joined.member.peer);
        let Some(room) = self.rooms.get_mut(&joined.room) else {
            return;
        };
        match room.kind {
            // It is called otherwise, as it asked to be.
            _ if is_own => {}
            Vocabulary::Rooms => rooms::came(&joined.member, say),
            Vocabulary::Video => video::came(&joined.member, say),
            Vocabulary::Presence => presence::online(room, &joined.member, say),
            Vocabulary::Calls => {}
        }
        room.came(joined);
    }

    pub(super) fn tell_updated(&mut self, update: &MemberUpdated, say: Say<'_>) {
        let Some(room) = self.rooms.get_mut(&update.room) else {
            return;
        };
        let kind = room.kind;
        let member = room.updated(update);
        if let (Vocabulary::Video, Some(member), Some(_)) = (kind, member, &update.state) {
            video::changed(member, say);
        }
    }

    pub(super) fn tell_gone(&mut self, left: &MemberLeft, say: Say<'_>) {
        if let Some(room) = self.rooms.get_mut(&left.room)
            && let Some(member) = room.gone(left)
        {
            match room.kind {
                Vocabulary::Rooms => rooms::gone(&member, say),
                Vocabulary::Video => video::gone(&member, say),
                Vocabulary::Presence => presence::offline(room, &member, say),
                Vocabulary::Calls => {}
            }
        }
    }

    /// The client itself was taken out of the room.
    pub(super) fn tell_closed(&mut self, closed: &RoomClosed, say: Say<'_>) {
        let room = self.rooms.leave(&closed.room);
        match room.map(|room| room.kind) {
            Some(Vocabulary::Calls) => calls::lost(&self.texts, say),
            Some(_) => rooms::closed(closed, say),
            None => {}
        }
        if self.current.as_ref() == Some(&closed.room) {
            self.current = None;
        }
    }
}
