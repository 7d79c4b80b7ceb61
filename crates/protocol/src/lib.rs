//! What peers say to a Switchboard gateway and what it answers.
//!
//! The one idea: a message is a plain Rust type, and only [`codec`] knows how it looks on a wire. The types here have
//! no socket, no clock and no opinion about who may say what; that is the session's business.
//!
//! ```text
//! bytes ──codec::decode──► ClientMessage ──session──► ServerMessage ──codec::encode──► bytes
//! ```
//!
//! A signal's payload is never looked into: it is carried as the bytes that came ([`Payload`]), and only turned into the
//! other encoding when its receiver speaks that one.

pub mod client_message;
pub mod close_code;
pub mod codec;
pub mod error_code;
pub mod ids;
pub mod limits;
pub mod media;
pub mod member;
pub mod payload;
pub mod server_message;
mod words;

pub use client_message::ClientMessage;
pub use close_code::CloseCode;
pub use codec::{Codec, DecodeError, EncodeError, Fault};
pub use error_code::ErrorCode;
pub use ids::{InvalidId, NodeId, PeerId, RoomId, UserId};
pub use media::{Media, MediaToken};
pub use member::{Connection, Member, MemberState};
pub use payload::{Encoding, Payload};
pub use server_message::ServerMessage;
