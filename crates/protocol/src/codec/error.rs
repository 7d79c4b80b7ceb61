//! What can be wrong with a frame, a payload or a state, in words for whoever sent it.

use crate::limits::{PAYLOAD_DEPTH_MAX, STATE_BYTES_MAX};
use crate::{Encoding, ErrorCode, InvalidId};

/// Why a frame is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct DecodeError {
    /// The id of the request, where it could be read: the answer repeats it.
    pub re: Option<u64>,
    /// What the answer says to programs.
    pub code: ErrorCode,
    /// What is wrong.
    pub fault: Fault,
}

impl DecodeError {
    /// A frame of the type that the connection's codec does not use.
    pub fn frame_type(spoken: Encoding) -> Self {
        Self::new(None, Fault::FrameType(spoken))
    }

    /// What is wrong with a message of another dialect.
    pub fn of_dialect(code: ErrorCode, words: String) -> Self {
        Self {
            re: None,
            code,
            fault: Fault::Dialect(words),
        }
    }

    pub(super) fn new(re: Option<u64>, fault: Fault) -> Self {
        let code = match fault {
            Fault::TooLong { .. }
            | Fault::State {
                why: InvalidState::TooLarge(_),
                ..
            } => ErrorCode::TooLarge,
            _ => ErrorCode::BadMessage,
        };
        Self { re, code, fault }
    }
}

/// What is wrong with a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are not in the encoding of the connection.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A text frame on a MessagePack connection, or a binary one on a JSON connection.
    #[error("this connection speaks {0}: JSON in text frames, MessagePack in binary ones")]
    FrameType(Encoding),
    /// A complete value, but no message.
    #[error("a message is a map with a `type`, found {found}")]
    NotAMap {
        /// What it is instead.
        found: &'static str,
    },
    /// A message that this side does not know; from a newer peer, perhaps. At most 64 characters of its type.
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// A field that this type of message must have; `null` is no value, except in `payload`.
    #[error("field `{field}` is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field of another type.
    #[error("field `{field}`: expected {expected}, found {found}")]
    Expected {
        /// Its name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A field that is no id of its kind.
    #[error("field `{field}`: {rule}")]
    Id {
        /// Its name.
        field: &'static str,
        /// What such an id looks like.
        rule: InvalidId,
    },
    /// A text over its bound.
    #[error("field `{field}`: at most {bytes_max} bytes, found {bytes}")]
    TooLong {
        /// Its name.
        field: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A payload that not every receiver could read.
    #[error("field `{field}`: {why}")]
    Payload {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        why: InvalidPayload,
    },
    /// A member state, or a patch of one, that cannot be kept.
    #[error("field `{field}`: {why}")]
    State {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        why: InvalidState,
    },
    /// A map that does not have the fields it should.
    #[error("field `{field}`: {why}")]
    Map {
        /// Its name.
        field: &'static str,
        /// In the decoder's words.
        why: String,
    },
    /// No message of the dialect that is spoken here.
    #[error("{0}")]
    Dialect(String),
    /// A field that is not known here, and even so cannot be skipped.
    #[error("a field of unknown name: {0}")]
    Unknown(InvalidPayload),
    /// What a gateway said does not have the fields of its type.
    #[error("message `{message}`: {why}")]
    Body {
        /// Its type.
        message: &'static str,
        /// In the decoder's words.
        why: String,
    },
}

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {encoding}: {what} at byte {at}")]
pub struct Malformed {
    /// What they should be.
    pub encoding: Encoding,
    /// What is wrong.
    pub what: String,
    /// Where, counted from 0.
    pub at: usize,
}

/// Why bytes are no payload: broken, or holding something that one of the two encodings lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    /// Not a value at all.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Lists and maps in one another without end.
    #[error("nested more than {PAYLOAD_DEPTH_MAX} deep")]
    TooDeep,
    /// JSON can escape what is no character (RFC 8259 section 8.2); UTF-8, and so MessagePack, cannot hold it.
    #[error("a string holds half of a surrogate pair")]
    LoneSurrogate,
    /// JSON numbers have no bound (RFC 8259 section 6); MessagePack's have.
    #[error("a number is beyond the range of a 64-bit float")]
    NumberRange,
    /// MessagePack floats may be NaN or infinite; JSON has no such number.
    #[error("a float is NaN or infinite, which JSON has no number for")]
    NotFinite,
    /// MessagePack extension types, timestamps among them.
    #[error("a MessagePack ext, which JSON has nothing for")]
    Extension,
    /// MessagePack maps may have keys of any type.
    #[error("a map key is not a string")]
    KeyNotText,
    /// MessagePack leaves strings that are not UTF-8 to the application.
    #[error("a string is not UTF-8")]
    NotUtf8,
}

/// Why a value is no member state and no patch of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// A complete value of another type.
    #[error("expected a map, found {found}")]
    NotAMap {
        /// What it is instead.
        found: &'static str,
    },
    /// Over its bound.
    #[error(transparent)]
    TooLarge(#[from] StateTooLarge),
    /// Not a value at all, or not one for both encodings.
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
}

/// A state over [`STATE_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {STATE_BYTES_MAX} bytes as compact JSON, found {bytes}")]
pub struct StateTooLarge {
    /// How long it is.
    pub bytes: usize,
}

/// Why a message could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The payload is not in the receiver's encoding and cannot be turned into it.
    #[error("the payload cannot be handed on: {0}")]
    Payload(#[from] InvalidPayload),
    /// The serializer refused a value.
    #[error("the message cannot be written: {0}")]
    Value(String),
}
