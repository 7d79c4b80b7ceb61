//! A member's state is a map in either encoding and kept as compact JSON.

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use serde_json::value::RawValue;

use super::merge_patch::merge;
use super::scalar::Scalar;
use super::transcode::{json_serializer, rewrite};
use super::{InvalidState, StateTooLarge};
use crate::client_message::StatePatch;
use crate::limits::STATE_BYTES_MAX;
use crate::{Encoding, MemberState, Payload};

impl MemberState {
    /// A state from JSON text: an object of at most [`STATE_BYTES_MAX`] bytes once white space is out.
    pub fn from_json(text: &str) -> Result<Self, InvalidState> {
        Self::from_payload(Payload {
            encoding: Encoding::Json,
            bytes: text.as_bytes(),
        })
    }

    pub(super) fn from_payload(payload: Payload<&[u8]>) -> Result<Self, InvalidState> {
        compact(payload).map(|text| Self(text.into()))
    }

    /// The state after `patch`, by RFC 7396: `null` removes, maps merge, anything else replaces.
    pub fn merge(&self, patch: &StatePatch) -> Result<Self, StateTooLarge> {
        let text = merge(&self.0, &patch.0);
        bounded(&text)?;
        Ok(Self(text.into()))
    }
}

impl StatePatch {
    /// A patch from JSON text, with the same bound as a state's.
    pub fn from_json(text: &str) -> Result<Self, InvalidState> {
        Self::from_payload(Payload {
            encoding: Encoding::Json,
            bytes: text.as_bytes(),
        })
    }

    pub(super) fn from_payload(payload: Payload<&[u8]>) -> Result<Self, InvalidState> {
        compact(payload).map(|text| Self(text.into()))
    }

    /// The patch as compact JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

fn compact(payload: Payload<&[u8]>) -> Result<String, InvalidState> {
    let mut out = Vec::new();
    rewrite(payload, Encoding::Json, &mut out)?;
    let text = String::from_utf8(out).expect("serde_json writes UTF-8");
    if !text.starts_with('{') {
        return Err(InvalidState::NotAMap {
            found: Scalar::of_json(&text).describe(),
        });
    }
    bounded(&text)?;
    Ok(text)
}

fn bounded(text: &str) -> Result<(), StateTooLarge> {
    if text.len() > STATE_BYTES_MAX {
        Err(StateTooLarge { bytes: text.len() })
    } else {
        Ok(())
    }
}

impl Serialize for MemberState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_json(&self.0, serializer)
    }
}

impl Serialize for StatePatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_json(&self.0, serializer)
    }
}

/// As it stands where JSON is written (the one human-readable format that this crate meets), else value by value.
fn serialize_json<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        let raw: &RawValue = serde_json::from_str(text).map_err(ser::Error::custom)?;
        return raw.serialize(serializer);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    serde_transcode::transcode(&mut deserializer, serializer)
}

impl<'de> Deserialize<'de> for MemberState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let raw = Box::<RawValue>::deserialize(deserializer)?;
            return Self::from_json(raw.get()).map_err(de::Error::custom);
        }
        let mut out = Vec::new();
        serde_transcode::transcode(deserializer, &mut json_serializer(&mut out))
            .map_err(de::Error::custom)?;
        let payload = Payload {
            encoding: Encoding::Json,
            bytes: out.as_slice(),
        };
        Self::from_payload(payload).map_err(de::Error::custom)
    }
}
