//! What a client says: one type per message, borrowing from the frame it came in. Field meanings: `docs/protocol.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{MemberState, Payload, PeerId};

/// Any message of a client. The first of a connection is [`Hello`].
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage<'a> {
    /// Who is there.
    Hello(Hello<'a>),
    /// Enter a room.
    Join(Join<'a>),
    /// Leave it.
    Leave(Leave<'a>),
    /// Pass something on to another member, or to all.
    Signal(Signal<'a>),
    /// Signals of one sender were handled.
    Received(Received),
    /// Change one's own state in a room.
    State(State<'a>),
    /// Go on with another token.
    Refresh(Refresh<'a>),
    /// Is anybody there?
    Ping(Ping),
    /// Goodbye.
    Bye(Bye),
}

impl ClientMessage<'_> {
    /// The id under which the client expects the answer.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Join(Join { id, .. })
            | Self::Leave(Leave { id, .. })
            | Self::Signal(Signal { id, .. })
            | Self::State(State { id, .. })
            | Self::Refresh(Refresh { id, .. }) => Some(*id),
            Self::Ping(ping) => ping.id,
            Self::Hello(_) | Self::Received(_) | Self::Bye(_) => None,
        }
    }
}

/// `hello`: the first message of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello<'a> {
    /// JWT; may come in the handshake instead.
    pub token: Option<Cow<'a, str>>,
    /// Display name, at most [`NAME_BYTES_MAX`](crate::limits::NAME_BYTES_MAX) bytes.
    pub name: Option<Cow<'a, str>>,
    /// At most [`AVATAR_BYTES_MAX`](crate::limits::AVATAR_BYTES_MAX) bytes.
    pub avatar: Option<Cow<'a, str>>,
    /// Whether this client says `received` for signals that it has handled.
    pub receipts: bool,
    /// The session that this client had, and wants to go on with.
    pub resume: Option<Resume<'a>>,
    /// The client's software, for the logs.
    pub agent: Option<Cow<'a, str>>,
}

impl Hello<'_> {
    /// The same without the frame it was read from.
    pub fn into_owned(self) -> Hello<'static> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Hello {
            token: owned(self.token),
            name: owned(self.name),
            avatar: owned(self.avatar),
            receipts: self.receipts,
            resume: self.resume.map(Resume::into_owned),
            agent: owned(self.agent),
        }
    }
}

/// What proves that a session is the client's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume<'a> {
    /// Its public id.
    pub peer: PeerId,
    /// As the last `welcome` gave it.
    #[serde(borrow)]
    pub secret: Cow<'a, str>,
    /// For each sender, the id of the last signal that was handled.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "crate::codec::whole_numbers",
        default
    )]
    pub seen: BTreeMap<PeerId, u64>,
    /// For each sender, the last ids that were handled, rising: of those between them the gateway knows that they were not.
    /// `None`: the client does not say, and `seen` counts for all up to it.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::codec::whole_number_lists",
        default
    )]
    pub handled: Option<BTreeMap<PeerId, Vec<u64>>>,
}

impl Resume<'_> {
    fn into_owned(self) -> Resume<'static> {
        Resume {
            peer: self.peer,
            secret: Cow::Owned(self.secret.into_owned()),
            seen: self.seen,
            handled: self.handled,
        }
    }
}

/// `join`: enter a room, or create it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join<'a> {
    /// Answered as `re`.
    pub id: u64,
    /// A valid [`RoomId`](crate::RoomId).
    pub room: Cow<'a, str>,
    /// First state of the member.
    pub state: Option<MemberState>,
    /// Capacity if this join creates the room; at least 1.
    pub capacity: Option<u32>,
}

/// `leave`: leave a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave<'a> {
    /// Answered as `re`.
    pub id: u64,
    /// A valid [`RoomId`](crate::RoomId).
    pub room: Cow<'a, str>,
}

/// `signal`: pass `payload` on, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal<'a> {
    /// Chosen by the sender, rising; answered by `delivered`, `undelivered` or `error`.
    pub id: u64,
    /// A valid [`RoomId`](crate::RoomId).
    pub room: Cow<'a, str>,
    /// The receiver; every other member where it is missing. Any text: one that is no peer id is nobody's.
    pub to: Option<Cow<'a, str>>,
    /// `offer`, `answer`, `candidate` or a word of one's own, see [`check_kind`](crate::ids::check_kind).
    pub kind: Cow<'a, str>,
    /// What is passed on.
    pub payload: Payload<&'a [u8]>,
    /// W3C trace context.
    pub traceparent: Option<Cow<'a, str>>,
}

/// `received`: every signal from `from` up to `id` has been handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The sender of those signals.
    pub from: PeerId,
    /// The last one's id.
    pub id: u64,
}

/// `state`: change one's own member state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<'a> {
    /// Answered as `re`.
    pub id: u64,
    /// A valid [`RoomId`](crate::RoomId).
    pub room: Cow<'a, str>,
    /// JSON Merge Patch (RFC 7396), an object.
    pub state: StatePatch,
}

/// `refresh`: the session goes on with this token, which is the same user's.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh<'a> {
    /// Answered as `re`.
    pub id: u64,
    /// JWT.
    pub token: Cow<'a, str>,
}

/// Without the token.
impl fmt::Debug for Refresh<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A JSON Merge Patch as compact JSON text, an object; applied by [`MemberState::merge`](crate::MemberState::merge).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePatch(pub(crate) Box<str>);

/// `bye`: the client leaves. Every room at once; or, where it may be a page that is being reloaded, after a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bye {
    /// The session stays `away` for so long, its window at most, and leaves then.
    pub hold_ms: Option<u64>,
}

/// `ping`: answered by `pong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// Answered as `re`.
    pub id: Option<u64>,
}
