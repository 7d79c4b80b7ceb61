//! What a simulated client speaks, and what is promised to clients that speak so.

use switchboard_dialects::mdn::Mdn;
use switchboard_dialects::native::Native;
use switchboard_dialects::socketio::SocketIo;
use switchboard_dialects::stomp::{Bounds, Stomp};
use switchboard_dialects::{Dialect, ErrorTexts};
use switchboard_protocol::{Codec, RoomId};
use switchboard_session::Rules;

use crate::trace::Promises;

/// A dialect, and of Socket.IO a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Native,
    /// Socket.IO: one room, signals to a socket's id.
    Rooms,
    /// Socket.IO: video rooms with a list of participants.
    Video,
    /// Socket.IO: calls by name in the lobby.
    Calls,
    /// MDN's chat, in the lobby too.
    Mdn,
    Stomp,
}

impl Speaks {
    /// All but the native protocol.
    pub(crate) const FOREIGN: [Self; 5] = [
        Self::Rooms,
        Self::Video,
        Self::Calls,
        Self::Mdn,
        Self::Stomp,
    ];

    /// What a gateway puts before the session of such a client.
    pub(crate) fn dialect(self, rules: &Rules) -> Box<dyn Dialect> {
        match self {
            Self::Native => Box::new(Native::new(Codec::Json)),
            Self::Rooms | Self::Video | Self::Calls => Box::new(SocketIo::new(ErrorTexts::English)),
            Self::Mdn => Box::new(Mdn::new(rules.outbox_bytes_max)),
            Self::Stomp => Box::new(Stomp::new(Bounds {
                frame_bytes_max: rules.limits.max_message_bytes as usize,
                back_bytes_max: rules.outbox_bytes_max,
            })),
        }
    }

    /// The room that such a client enters; the others enter it too. A STOMP client makes rooms for two, and so has one
    /// with a single other client.
    pub(crate) fn room(self, client: usize) -> RoomId {
        let room = match self {
            Self::Native | Self::Rooms => "room-0".to_owned(),
            Self::Video => "video:room-0".to_owned(),
            Self::Calls | Self::Mdn => "lobby".to_owned(),
            Self::Stomp => format!("pair-{client}"),
        };
        room.parse().expect("a room id")
    }

    /// What is promised to such a client. `receipts`: a native one says `received`.
    pub(crate) fn promises(self, receipts: bool) -> Promises {
        match self {
            Self::Native => Promises {
                receipts,
                resumes: true,
                rosters: true,
                joins_first: true,
            },
            Self::Rooms | Self::Calls | Self::Mdn => Promises::FEWEST,
            Self::Video | Self::Stomp => Promises {
                joins_first: true,
                ..Promises::FEWEST
            },
        }
    }
}
