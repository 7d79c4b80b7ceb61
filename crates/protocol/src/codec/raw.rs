//! One value of a message, in either encoding.

use std::borrow::Cow;

use super::whole::whole;
use super::{InvalidPayload, json, msgpack, scan_json, scan_msgpack};
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
            Self::Json(text) => json::scalar(text),
            Self::MessagePack(bytes) => msgpack::scalar(bytes),
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

/// A value as far as a message looks into it.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    /// Negative, with a fraction, or too large.
    OtherNumber,
    Text(Cow<'a, str>),
    /// Anything else, by its description.
    Other(&'static str),
}

impl Scalar<'_> {
    /// What a float stands for. Languages that have no whole numbers write `5.0` for five, in either encoding.
    pub(super) fn of_float(float: f64) -> Self {
        whole(float).map_or(Self::OtherNumber, Self::Whole)
    }

    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Whole(_) | Self::OtherNumber => "a number",
            Self::Text(_) => "a string",
            Self::Other(description) => description,
        }
    }
}
