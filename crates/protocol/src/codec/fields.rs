//! The fields of one message, found but not yet read. Every message reads itself from here, whatever its encoding.

use std::borrow::Cow;

use serde::Deserialize;

use super::field::Field;
use super::raw::Raw;
use super::scalar::Scalar;
use super::{Fault, InvalidState};
use crate::Payload;
use crate::limits::ID_LIMIT;

/// At most one value for each known field; of several, the last.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: [Option<Raw<'a>>; Field::COUNT],
}

impl<'a> Fields<'a> {
    pub(super) fn set(&mut self, field: Field, value: Raw<'a>) {
        self.values[field as usize] = Some(value);
    }

    /// `null` counts as missing.
    fn scalar(&self, field: Field) -> Option<Scalar<'a>> {
        self.values[field as usize]
            .map(Raw::scalar)
            .filter(|value| !matches!(value, Scalar::Null))
    }

    pub(super) fn optional_text(&self, field: Field) -> Result<Option<Cow<'a, str>>, Fault> {
        match self.scalar(field) {
            None => Ok(None),
            Some(Scalar::Text(text)) => Ok(Some(text)),
            Some(other) => Err(field.expected("a string", &other)),
        }
    }

    pub(super) fn text(&self, field: Field) -> Result<Cow<'a, str>, Fault> {
        required(field, self.optional_text(field)?)
    }

    /// A text of at most `bytes_max` bytes.
    pub(super) fn short_text(
        &self,
        field: Field,
        bytes_max: usize,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        let text = self.optional_text(field)?;
        match text.as_ref().map(|text| text.len()) {
            Some(bytes) if bytes > bytes_max => Err(Fault::TooLong {
                field: field.name(),
                bytes,
                bytes_max,
            }),
            _ => Ok(text),
        }
    }

    /// A whole number that JavaScript has, too.
    pub(super) fn optional_id(&self, field: Field) -> Result<Option<u64>, Fault> {
        match self.scalar(field) {
            None => Ok(None),
            Some(Scalar::Whole(id)) if id < ID_LIMIT => Ok(Some(id)),
            Some(other) => Err(field.expected_number("a whole number below 2^53", &other)),
        }
    }

    pub(super) fn id(&self, field: Field) -> Result<u64, Fault> {
        required(field, self.optional_id(field)?)
    }

    /// A number of things, at least one.
    pub(super) fn optional_count(&self, field: Field) -> Result<Option<u32>, Fault> {
        match self.scalar(field) {
            None => Ok(None),
            Some(Scalar::Whole(count @ 1..=0xffff_ffff)) => Ok(Some(count as u32)),
            Some(other) => {
                Err(field.expected_number("a whole number from 1 to 4294967295", &other))
            }
        }
    }

    /// `false` where it is missing.
    pub(super) fn flag(&self, field: Field) -> Result<bool, Fault> {
        match self.scalar(field) {
            None => Ok(false),
            Some(Scalar::Bool(flag)) => Ok(flag),
            Some(other) => Err(field.expected("true or false", &other)),
        }
    }

    /// Any value, `null` too, that both encodings have.
    pub(super) fn payload(&self, field: Field) -> Result<Payload<&'a [u8]>, Fault> {
        let raw = required(field, self.values[field as usize])?;
        raw.check().map_err(|why| Fault::Payload {
            field: field.name(),
            why,
        })?;
        Ok(raw.into_payload())
    }

    /// A map of its own.
    pub(super) fn optional_map<T: Deserialize<'a>>(
        &self,
        field: Field,
    ) -> Result<Option<T>, Fault> {
        let (Some(_), Some(raw)) = (self.scalar(field), self.values[field as usize]) else {
            return Ok(None);
        };
        let map = match raw {
            Raw::Json(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
            Raw::MessagePack(bytes) => {
                rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
            }
        };
        map.map(Some).map_err(|why| Fault::Map {
            field: field.name(),
            why,
        })
    }

    /// A value that `read` takes for a state or a patch.
    pub(super) fn optional_state<T>(
        &self,
        field: Field,
        read: fn(Payload<&[u8]>) -> Result<T, InvalidState>,
    ) -> Result<Option<T>, Fault> {
        match (self.scalar(field), self.values[field as usize]) {
            (Some(_), Some(raw)) => {
                read(raw.into_payload())
                    .map(Some)
                    .map_err(|why| Fault::State {
                        field: field.name(),
                        why,
                    })
            }
            _ => Ok(None),
        }
    }
}

pub(super) fn required<T>(field: Field, value: Option<T>) -> Result<T, Fault> {
    value.ok_or(Fault::Missing {
        field: field.name(),
    })
}
