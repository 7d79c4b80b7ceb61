//! Media servers, to which rooms are handed over.

use switchboard_protocol::{Media, Member, PeerId, RoomId};
use switchboard_session::grants::Grants;

/// Knows them.
pub trait MediaServers: Send + Sync {
    /// What lets a member into the media of its room, from now on. `None`: the room has no such server.
    fn media(&self, of: &MediaOf<'_>) -> Option<Media>;
}

/// Whose media is asked for.
#[derive(Debug, Clone, Copy)]
pub struct MediaOf<'a> {
    /// The member.
    pub peer: &'a PeerId,
    /// What it is called there.
    pub name: Option<&'a str>,
    /// The room that it is in.
    pub room: &'a RoomId,
    /// What it may do.
    pub grants: &'a Grants,
}

/// There are none.
impl MediaServers for () {
    fn media(&self, _: &MediaOf<'_>) -> Option<Media> {
        None
    }
}

/// For `peer`, which is told that it is in this room.
pub(crate) fn media(
    servers: &dyn MediaServers,
    peer: &PeerId,
    grants: &Grants,
    (room, members): (&RoomId, &[Member]),
) -> Option<Box<Media>> {
    // A hidden member is not among them.
    let name = members.iter().find(|member| member.peer == *peer);
    let media = servers.media(&MediaOf {
        peer,
        name: name.and_then(|member| member.name.as_deref()),
        room,
        grants,
    });
    media.map(Box::new)
}
