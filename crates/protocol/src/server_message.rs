//! What a gateway says: one type per message. `From` makes each a [`ServerMessage`]. Field meanings: `docs/protocol.md`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::words::words;
use crate::{
    Connection, ErrorCode, Media, Member, MemberState, NodeId, Payload, PeerId, RoomId, UserId,
};

/// Any message of a gateway. Those that go to many sessions at once are shared.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each variant is the message type of the same name"
)]
pub enum ServerMessage {
    Welcome(Box<Welcome>),
    Joined(Box<Joined>),
    Left(Left),
    MemberJoined(Arc<MemberJoined>),
    MemberUpdated(Arc<MemberUpdated>),
    MemberLeft(MemberLeft),
    Ready(Ready),
    RoomClosed(RoomClosed),
    Signal(Signal),
    Delivered(Delivered),
    Undelivered(Undelivered),
    Done(Done),
    Pong(Pong),
    Drain(Drain),
    Expiring(Expiring),
    IceServers(Box<IceServers>),
    Error(Box<Error>),
}

/// `welcome`: the answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "welcome")]
pub struct Welcome {
    /// This session's public id.
    pub peer: PeerId,
    /// The identity behind it.
    pub user: UserId,
    /// Display name, if one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// The gateway that holds the connection.
    pub node: NodeId,
    /// How to come back.
    pub resume: ResumeTicket,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// Where one does: the rooms it is in, as they are now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rooms: Option<Vec<RoomSnapshot>>,
    /// The gateway pings this often; a client does likewise.
    pub heartbeat_ms: u64,
    /// Bounds.
    pub limits: Limits,
    /// STUN and TURN servers for `RTCPeerConnection`.
    pub ice_servers: Vec<IceServer>,
}

/// What a client needs to resume its session. Another one with every `welcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeTicket {
    /// To be said in `hello`.
    pub secret: String,
    /// After the connection is lost, the session is held for so long.
    pub window_ms: u64,
}

/// A room that a resumed session is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSnapshot {
    /// The room.
    pub room: RoomId,
    /// Of the roster.
    pub revision: u64,
    /// Members at most.
    pub capacity: u32,
    /// In join order.
    pub members: Vec<Member>,
    /// Of this member, where the room's media goes through a server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media: Option<Box<Media>>,
}

/// An `RTCIceServer` (W3C WebRTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<String>,
}

/// `joined`: the room as the joiner finds it, itself included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "joined")]
pub struct Joined {
    /// The join's id.
    pub re: u64,
    /// The room.
    pub room: RoomId,
    /// Of the roster.
    pub revision: u64,
    /// Members at most.
    pub capacity: u32,
    /// In join order.
    pub members: Vec<Member>,
    /// Of this member, where the room's media goes through a server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media: Option<Box<Media>>,
}

/// `left`: the answer to `leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "left")]
pub struct Left {
    /// The leave's id.
    pub re: u64,
    /// The room.
    pub room: RoomId,
}

/// `member-joined`: somebody else came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member-joined")]
pub struct MemberJoined {
    /// The room.
    pub room: RoomId,
    /// Of the roster.
    pub revision: u64,
    /// Who.
    pub member: Member,
}

/// `member-updated`: somebody's state (whole, after the merge) or connection changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member-updated")]
pub struct MemberUpdated {
    /// The room.
    pub room: RoomId,
    /// Of the roster.
    pub revision: u64,
    /// Who.
    pub peer: PeerId,
    /// The whole new state, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<MemberState>,
    /// The new connection, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<Connection>,
}

/// `member-left`: somebody is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member-left")]
pub struct MemberLeft {
    /// The room.
    pub room: RoomId,
    /// Of the roster.
    pub revision: u64,
    /// Who.
    pub peer: PeerId,
    /// Why.
    pub reason: LeaveReason,
}

words! {
    /// Why a member is gone.
    pub enum LeaveReason {
        /// It said so.
        Left = "left",
        /// Its connection ended and it could not resume.
        Disconnected = "disconnected",
        /// It did not come back within its window.
        Expired = "expired",
        /// Its node died and it could not resume.
        NodeLost = "node-lost",
        /// Somebody removed it.
        Kicked = "kicked",
    }
}

/// `ready`: a join took the room from one visible member to two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "ready")]
pub struct Ready {
    /// The room.
    pub room: RoomId,
    /// The one that offers: the lower `order`.
    pub offerer: PeerId,
    /// Both, the offerer first.
    pub peers: [PeerId; 2],
}

/// `room-closed`: the room is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "room-closed")]
pub struct RoomClosed {
    /// The room.
    pub room: RoomId,
    /// Why, in words.
    pub reason: Arc<str>,
}

/// `signal`: what another member passed on. Written by hand in the codecs, for its payload is bytes already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// The room.
    pub room: RoomId,
    /// The sender.
    pub from: PeerId,
    /// The sender's id for it.
    pub id: u64,
    /// See [`check_kind`](crate::ids::check_kind).
    pub kind: Arc<str>,
    /// As it came.
    pub payload: Payload,
    /// W3C trace context, where the signal is traced.
    pub traceparent: Option<Arc<str>>,
}

/// `delivered`: those receivers have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "delivered")]
pub struct Delivered {
    /// The signal's id.
    pub id: u64,
    /// The receivers.
    pub to: Receivers,
}

/// Mostly one: no allocation for it.
pub type Receivers = smallvec::SmallVec<[Receiver; 1]>;

/// A receiver as the sender named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Receiver {
    /// A peer.
    Peer(PeerId),
    /// What the sender wrote in `to` and is no peer id.
    Nobody(Arc<str>),
}

/// `undelivered`: those receivers do not have it, except [`Reason::Unconfirmed`]: they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "undelivered")]
pub struct Undelivered {
    /// The signal's id.
    pub id: u64,
    /// The receivers.
    pub to: Receivers,
    /// Why.
    pub reason: Reason,
}

words! {
    /// Why a signal was not delivered.
    pub enum Reason {
        /// The room has no such member.
        NoSuchPeer = "no-such-peer",
        /// The receiver left before it was handed on.
        Left = "left",
        /// The receiver's window ended.
        Expired = "expired",
        /// A bound of the sender, a node or the receiver was reached.
        Overloaded = "overloaded",
        /// It could not be published before the deadline.
        Unavailable = "unavailable",
        /// It was published and nobody answered: it may have arrived.
        Unconfirmed = "unconfirmed",
    }
}

/// `done`: the request was carried out; for a signal without `to`, whom it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "done")]
pub struct Done {
    /// The request's id.
    pub re: u64,
    /// For a broadcast: its receivers, each to be answered for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Vec<PeerId>>,
}

/// `pong`: the answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "pong")]
pub struct Pong {
    /// The ping's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<u64>,
}

/// `drain`: this node hands its sessions over. A client opens another connection and resumes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "drain")]
pub struct Drain {
    /// Not before this.
    pub reconnect_after_ms: u64,
    /// After this the node closes the connection.
    pub deadline_ms: u64,
}

/// `expiring`: the client's token runs out. It says `refresh` with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "expiring")]
pub struct Expiring {
    /// After this the session ends.
    pub in_ms: u64,
}

/// `ice-servers`: others, before the credentials of the last ones run out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "ice-servers")]
pub struct IceServers {
    /// As in `welcome`.
    pub ice_servers: Vec<IceServer>,
    /// Their credentials are good for so long.
    pub ttl_s: u64,
}

/// `error`: a request was refused, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "error")]
pub struct Error {
    /// The request's id, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<u64>,
    /// For programs.
    pub code: ErrorCode,
    /// For people: a sentence that says what to do.
    pub message: String,
    /// Trying again helps after this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
}

macro_rules! from_message {
    ($($name:ident $(as $wrap:ident)?,)*) => {$(
        impl From<$name> for ServerMessage {
            fn from(message: $name) -> Self {
                Self::$name(from_message!(@ message $($wrap)?))
            }
        }
    )*};
    (@ $message:ident) => { $message };
    (@ $message:ident $wrap:ident) => { $wrap::new($message) };
}

from_message! {
    Welcome as Box, Joined as Box, Left, MemberJoined as Arc, MemberUpdated as Arc, MemberLeft, Ready, RoomClosed,
    Signal, Delivered, Undelivered, Done, Pong, Drain, Expiring, IceServers as Box, Error as Box,
}
