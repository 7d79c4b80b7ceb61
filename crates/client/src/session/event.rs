//! What an application hears.

use std::sync::Arc;

use switchboard_protocol::server_message::{
    IceServers, Joined, MemberJoined, MemberLeft, MemberUpdated, Ready, RoomClosed, Signal, Welcome,
};
use switchboard_protocol::{Media, RoomId};

use super::RequestError;
use crate::connection::Disconnected;

/// Something that happened without having been asked for. Those of one room come in their order; compare `revision`
/// with that of the `Joined` that [`Client::join`](crate::Client::join) returned, which overtakes them.
///
/// What changed in a room while there was no connection is told by the same events as ever, once the session is
/// resumed: all with the revision of the moment, and departures as
/// [`Disconnected`](switchboard_protocol::server_message::LeaveReason::Disconnected), whatever they were.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody else came.
    MemberJoined(Arc<MemberJoined>),
    /// Somebody's state or connection changed, perhaps one's own. One whose connection is away may come back.
    MemberUpdated(Arc<MemberUpdated>),
    /// Somebody is gone.
    MemberLeft(MemberLeft),
    /// A room has two members now: the offerer may offer.
    Ready(Ready),
    /// A room is no more.
    RoomClosed(RoomClosed),
    /// A signal. Taking it from [`Events`](crate::Events) acknowledges it to its sender.
    Signal(Signal),
    /// ICE servers with other credentials than those of the welcome, which soon end: for `setConfiguration`.
    IceServers(Box<IceServers>),
    /// The session was resumed, and this is what lets it into the media of a room from now on. At a join it is in the
    /// `Joined`.
    Media {
        /// Of this room.
        room: RoomId,
        /// With a token that begins now.
        media: Box<Media>,
    },
    /// The connection was lost or came back. Moving from one node to another is no such thing.
    Connection(ConnectionState),
    /// A room was entered again, of which the gateway knew nothing any more: the roster starts over.
    Rejoined(Box<Joined>),
    /// A room could not be entered again.
    RoomLost {
        /// Which.
        room: RoomId,
        /// Why.
        error: RequestError,
    },
}

/// How it stands with the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionState {
    /// Connected again. Where `resumed` is set, as the peer that this client was, in its rooms, and what changed there
    /// follows; else as another peer, and rooms follow, each with [`Event::Rejoined`].
    Live(Arc<Welcome>),
    /// Lost; the client is coming back by itself, and requests wait meanwhile. The others see it away.
    Reconnecting(Disconnected),
    /// The token was refused: the client comes back once it has [another](crate::Client::set_token).
    NeedsToken,
    /// Lost for good. The last event.
    Over(Disconnected),
}

impl Event {
    /// About how much memory it holds while it waits.
    pub(crate) fn bytes(&self) -> usize {
        let variable = match self {
            Self::Signal(signal) => signal.payload.bytes.len(),
            Self::MemberJoined(joined) => joined.member.state.as_json().len(),
            Self::MemberUpdated(updated) => updated.state.as_ref().map_or(0, |s| s.as_json().len()),
            Self::Rejoined(joined) => joined
                .members
                .iter()
                .map(|member| size_of_val(member) + member.state.as_json().len())
                .sum(),
            _ => 0,
        };
        size_of::<Self>() + variable
    }
}
