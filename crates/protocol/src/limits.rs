//! Bounds that are part of the protocol itself. What an operator may choose is in the gateway's configuration and told
//! to clients in `welcome`.

use serde::{Deserialize, Serialize};

/// A payload or state is nested at most this deep; a value that is no map and no list has depth 0.
pub const PAYLOAD_DEPTH_MAX: usize = 128;
/// A member's state, as compact JSON, bytes.
pub const STATE_BYTES_MAX: usize = 4096;
/// A display name, bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// An avatar (usually a URL), bytes.
pub const AVATAR_BYTES_MAX: usize = 2048;
/// What a sender names as the receiver of a signal, bytes; a peer's id is shorter, but an unknown one is no mistake.
pub const RECEIVER_BYTES_MAX: usize = 128;
/// A W3C trace context: version 00 has 55, later ones may add to it.
pub const TRACEPARENT_BYTES_MAX: usize = 128;
/// Ids that clients choose stay below this: JavaScript's whole numbers.
pub const ID_LIMIT: u64 = 1 << 53;
/// One receiver's part of what a sender may have unanswered, in signals and in bytes: one in so many.
pub const RECEIVER_SHARE: u32 = 4;
/// Broken messages in a row after which a connection is closed with 4400.
pub const BAD_MESSAGES_MAX: u32 = 16;

/// What `welcome` tells a client about the bounds it meets, so that it can hold back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Signals without an answer, at most.
    pub in_flight: u32,
    /// Their payload bytes, at most.
    pub in_flight_bytes: u64,
    /// One message, bytes.
    pub max_message_bytes: u64,
    /// Sustained rate.
    pub signals_per_second: u32,
    /// Signals that may come at once after a pause.
    pub burst: u32,
}

/// The most of a token: more than one with a long list of rooms has; proxies refuse headers of this size.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
