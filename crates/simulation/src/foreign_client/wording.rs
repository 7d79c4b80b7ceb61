//! What clients of other dialects say, and what they make of what they are told: one [`Wording`] for each.

use std::collections::BTreeSet;

use switchboard_dialects::Frame;
use switchboard_protocol::PeerId;

use super::mdn::Mdn;
use super::socketio::SocketIo;
use super::stomp::Stomp;
use crate::speaks::Speaks;
use crate::trace::ClientNo;

/// To whom a signal goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    All,
    Peer(PeerId),
    /// By name.
    Client(ClientNo, String),
}

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It may go on: it says into which room.
    Welcomed,
    /// It is in its room.
    In,
    /// It is not in its room any more.
    Out,
    /// It asked to enter its room, and is to ask again.
    Refused,
    /// Who is in the room, all of them.
    Peers(BTreeSet<PeerId>),
    /// The same by name, sorted.
    Names(Vec<String>),
    Came(PeerId),
    Went(PeerId),
    /// The signal of this number is delivered.
    Delivered(u64),
}

/// One connection of a client that speaks some dialect.
pub(super) trait Wording: Send {
    /// What is said as soon as the connection is open.
    fn opening(&mut self) -> Vec<Frame>;
    /// What enters the room.
    fn enter(&mut self) -> Vec<Frame>;
    /// A signal with this number and payload. `None`: it has no words for that.
    fn say(&mut self, to: &To, id: u64, payload: &str) -> Option<Frame>;
    /// Goodbye, where there is a word for it.
    fn bye(&mut self) -> Option<Frame>;
    fn hear(&mut self, told: &str, heard: &mut Vec<Heard>);
}

pub(super) fn wording(speaks: Speaks, client: ClientNo) -> Box<dyn Wording> {
    let (room, name) = (speaks.room(client), name_of(speaks, client));
    match speaks {
        Speaks::Stomp => Box::new(Stomp::new(room)),
        Speaks::Mdn => Box::new(Mdn::new(name)),
        _ => Box::new(SocketIo::new(speaks, room, name)),
    }
}

/// What a client calls itself: a letter for each, since gateways put digits behind names that others have.
pub(super) fn name_of(speaks: Speaks, client: ClientNo) -> String {
    let letter = char::from(b'a' + u8::try_from(client % 26).expect("there are 26 letters"));
    match speaks {
        Speaks::Native => format!("user-{client}"),
        _ => format!("{letter}-speaks-{speaks:?}-").to_lowercase(),
    }
}

/// Whose name that is, and no other client's.
pub(super) fn client_of(name: &str) -> Option<ClientNo> {
    if let Some(client) = name.strip_prefix("user-") {
        return client.parse().ok();
    }
    let (letter, _) = name.split_once("-speaks-")?;
    let letter = *letter.as_bytes().first()?;
    letter.checked_sub(b'a').map(ClientNo::from)
}

pub(super) fn text(text: String) -> Frame {
    Frame::Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_they_are() {
        for (no, speaks) in Speaks::FOREIGN.into_iter().enumerate() {
            let name = name_of(speaks, no);
            assert_eq!(client_of(&name), Some(no));
            assert_eq!(client_of(&format!("{name}17")), Some(no), "one of several");
        }
        assert_eq!(client_of(&name_of(Speaks::Native, 4)), Some(4));
        assert_eq!(client_of("somebody"), None);
    }
}
