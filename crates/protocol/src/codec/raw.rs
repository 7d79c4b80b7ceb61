//! One value of a message, in either encoding.

use super::scalar::Scalar;
use super::{InvalidPayload, scan_json, scan_msgpack};
use crate::{Encoding, Payload};

/// The bytes of one value, complete and well-formed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Json(&'a str),
    MessagePack(&'a [u8]),
}

impl<'a> Raw<'a> {
    pub(super) fn scalar(self) -> Scalar<'a> {
        match self {
            Self::Json(text) => Scalar::of_json(text),
            Self::MessagePack(bytes) => Scalar::of_msgpack(bytes),
        }
    }

    pub(super) fn check(self) -> Result<(), InvalidPayload> {
        match self {
            Self::Json(text) => scan_json::check(text),
            Self::MessagePack(bytes) => scan_msgpack::check(bytes),
        }
    }

    pub(super) fn into_payload(self) -> Payload<&'a [u8]> {
        match self {
            Self::Json(text) => Payload {
                encoding: Encoding::Json,
                bytes: text.as_bytes(),
            },
            Self::MessagePack(bytes) => Payload {
                encoding: Encoding::MessagePack,
                bytes,
            },
        }
    }
}
