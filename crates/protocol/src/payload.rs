//! The part of a signal that belongs to its two ends.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How the bytes of a payload are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Encoding {
    /// UTF-8 JSON text (RFC 8259).
    Json,
    /// One MessagePack value.
    MessagePack,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::MessagePack => "MessagePack",
        })
    }
}

/// One complete value in one encoding, checked by the codec that read it and never interpreted: nested at most
/// [`PAYLOAD_DEPTH_MAX`](crate::limits::PAYLOAD_DEPTH_MAX) deep, and holding nothing that the other encoding lacks.
///
/// Generic over the bytes, so that one that was just received borrows from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload<B = Bytes> {
    /// How `bytes` is written.
    pub encoding: Encoding,
    /// The value.
    pub bytes: B,
}

impl<B: AsRef<[u8]>> Payload<B> {
    /// The same payload, borrowed.
    pub fn as_slice(&self) -> Payload<&[u8]> {
        Payload {
            encoding: self.encoding,
            bytes: self.bytes.as_ref(),
        }
    }

    /// The same payload in bytes of its own.
    pub fn to_owned(&self) -> Payload {
        Payload {
            encoding: self.encoding,
            bytes: Bytes::copy_from_slice(self.bytes.as_ref()),
        }
    }
}
